"""Takes on disk: numbers never clash, nothing half-written looks whole, no name leads elsewhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("bpy")

from tests.blender.addon.conftest import Part, TakeMaker

pytestmark = pytest.mark.blender
Pictures = dict[str, list[np.ndarray]]


def test_take_numbers_go_on_and_never_clash(part: Part, tmp_path: Path) -> None:
    library = part("takes.library")
    (tmp_path / "take_041").mkdir()
    (tmp_path / "take_x").mkdir()
    (tmp_path / "notes.txt").touch()
    with ThreadPoolExecutor(8) as pool:
        numbers = [number for number, _ in pool.map(lambda _: library.reserve(tmp_path), range(16))]
    assert sorted(numbers) == list(range(42, 58))


def test_an_unsaved_file_has_no_place_for_takes(part: Part, tmp_path: Path) -> None:
    library, errors = part("takes.library"), part("shared.errors")
    with pytest.raises(errors.AcetateError, match="E109"):
        library.takes_root("", None)
    assert library.takes_root("", tmp_path) == tmp_path / "takes"
    assert library.takes_root(str(tmp_path / "a.blend"), None) == tmp_path / "takes"


def test_a_result_that_cannot_be_written_whole_leaves_no_sequence(
    saved_file: Path, part: Part, pictures: Pictures, make_take: TakeMaker, tmp_path: Path
) -> None:
    library, errors = part("takes.library"), part("shared.errors")
    manifest = make_take(pictures).manifest
    folder = tmp_path / "broken"
    folder.mkdir()
    with pytest.raises(errors.AcetateError, match="E116"):
        library.write_result(folder, manifest, part("shared.blobs").MemoryBlobs())
    assert list(folder.iterdir()) == []
    assert not library.is_finished(folder)


@pytest.mark.parametrize("name", ["../outside", "a/b", "/absolute", ".."])
def test_a_layer_folder_from_the_wire_never_leads_out_of_the_take(
    saved_file: Path,
    part: Part,
    pictures: Pictures,
    make_take: TakeMaker,
    tmp_path: Path,
    name: str,
) -> None:
    library, errors = part("takes.library"), part("shared.errors")
    take = make_take(pictures)
    replace = msgspec.structs.replace
    layer = replace(take.manifest.layers[0], folder=name)
    manifest = replace(take.manifest, layers=(layer,))
    folder = tmp_path / "inside" / "take"
    folder.mkdir(parents=True)
    with pytest.raises(errors.AcetateError, match="E502"):
        library.write_result(folder, manifest, part("shared.blobs").MemoryBlobs())
    assert [path.name for path in (tmp_path / "inside").rglob("*")] == ["take"]


def test_a_manifest_with_missing_frames_is_refused(
    saved_file: Path, part: Part, pictures: Pictures, make_take: TakeMaker, tmp_path: Path
) -> None:
    library, errors = part("takes.library"), part("shared.errors")
    manifest = msgspec.structs.replace(make_take(pictures).manifest, composite=())
    with pytest.raises(errors.AcetateError, match="E502"):
        library.write_result(tmp_path, manifest, part("shared.blobs").MemoryBlobs())


def test_only_a_take_can_be_discarded(
    saved_file: Path, part: Part, pictures: Pictures, make_take: TakeMaker, tmp_path: Path
) -> None:
    library, errors = part("takes.library"), part("shared.errors")
    precious = tmp_path / "take_007"
    precious.mkdir()
    (precious / "drawing.png").touch()
    with pytest.raises(errors.AcetateError, match="not a take"):
        library.discard(precious)
    assert (precious / "drawing.png").exists()
    take = make_take(pictures)
    library.discard(take.folder)
    assert not take.folder.exists()


def test_a_survey_finds_a_scenes_own_takes_and_open_jobs(
    saved_file: Path, part: Part, pictures: Pictures, make_take: TakeMaker
) -> None:
    library = part("takes.library")
    take = make_take(pictures)
    root = take.folder.parent
    for scene, job in (("Scene", "abcd"), ("Other", "ef01")):
        number, folder = library.reserve(root)
        library.write_note(
            folder,
            library.TakeNote(key="1" * 32, number=number, job=job, file="shot.blend", scene=scene),
        )
    (root / "take_900").mkdir()
    (root / "take_900" / "note.json").write_text("{")
    finished, unfinished = library.survey(root, "shot.blend", "Scene")
    assert [one.id for one in finished] == [take.id]
    assert [note.job for note in unfinished] == ["abcd"]


@pytest.mark.parametrize(
    "note",
    [
        '{"key": 3, "number": 1}',
        '{"key": "k", "number": -1}',
        '{"key": "k", "number": 1, "seed": 1000000000000000000000000}',
        '{"key": "k", "number": 1, "job": {}}',
        '{"key": "\\ud800", "number": 1}',
        '["key", 1]',
    ],
)
def test_a_note_that_is_none_of_ours_counts_as_none(part: Part, tmp_path: Path, note: str) -> None:
    (tmp_path / "note.json").write_text(note)
    assert part("takes.library").read_note(tmp_path) is None
