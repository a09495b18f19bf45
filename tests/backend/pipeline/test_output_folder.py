"""Promises of the result folder: complete or absent, named as the layers are, never overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from backend.pipeline.contact_sheet import contact_sheet
from backend.pipeline.context import LocalContext
from backend.pipeline.execute import execute
from backend.pipeline.output_folder import check_free, frame_name, write_result
from shared.blobs import MemoryBlobs
from shared.errors import AcetateError
from shared.pictures import decode_png
from shared.result import ResultManifest, result_from_json
from shared.shot import Look
from tests.backend.pipeline.shots import ShotBuilder, walking_disc

NAMES = ["Bälle über Köln", "arm/left", "arm\\left", "..", "two words"]


@pytest.fixture(scope="module")
def result() -> tuple[ResultManifest, MemoryBlobs]:
    builder = ShotBuilder(width=64, height=40).plate()
    for name in NAMES:
        walking_disc(builder, name)
    outputs = MemoryBlobs()
    request = builder.request(exposure=3, look=Look(engine="layer-motion"))
    return execute(request, builder.blobs, outputs, LocalContext()), outputs


class BlobsOnFullDisk:
    """Blobs whose folder runs out of room while a result is written."""

    def __init__(self, blobs: MemoryBlobs, reads: int) -> None:
        self._blobs, self._left = blobs, reads

    def get(self, sha256: str) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise OSError(28, "No space left on device")
        return self._blobs.get(sha256)

    def put(self, data: bytes) -> str:
        return self._blobs.put(data)

    def has(self, sha256: str) -> bool:
        return self._blobs.has(sha256)


def test_every_layer_has_its_frames_under_a_safe_name(
    result: tuple[ResultManifest, MemoryBlobs], tmp_path: Path
) -> None:
    manifest, blobs = result
    out = tmp_path / "out"
    write_result(manifest, blobs, out)
    folders = {path.name for path in (out / "layers").iterdir()}
    assert folders == {"plate", "Bälle über Köln", "arm_left", "arm_left_2", "layer", "two words"}
    for layer in manifest.layers:
        frames = sorted(path.name for path in (out / "layers" / layer.folder).iterdir())
        assert frames == [f"{frame:04d}.png" for frame in range(1, 10)]
        written = decode_png((out / "layers" / layer.folder / "0004.png").read_bytes())
        assert np.array_equal(written, decode_png(blobs.get(layer.frames[3])))
    assert len(list((out / "composite").iterdir())) == 9
    assert result_from_json((out / "manifest.json").read_bytes()) == manifest


def test_the_contact_sheet_has_a_row_per_layer_and_a_column_per_shown_frame(
    result: tuple[ResultManifest, MemoryBlobs], tmp_path: Path
) -> None:
    manifest, blobs = result
    write_result(manifest, blobs, tmp_path / "out")
    sheet = decode_png((tmp_path / "out" / "contact_sheet.png").read_bytes())
    assert sheet.shape[0] > 7 * 100
    assert sheet.shape[1] > 8 * 200


def test_an_existing_result_is_kept_unless_forced(
    result: tuple[ResultManifest, MemoryBlobs], tmp_path: Path
) -> None:
    manifest, blobs = result
    out = tmp_path / "out"
    write_result(manifest, blobs, out)
    mark = out / "composite" / "0099.png"
    mark.write_bytes(b"of the earlier result")
    with pytest.raises(AcetateError) as caught:
        write_result(manifest, blobs, out)
    assert caught.value.code == "E503"
    assert mark.exists()
    write_result(manifest, blobs, out, force=True)
    assert not mark.exists()
    assert (out / "manifest.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["hero.blend", ".git", "layers_old"])
def test_force_never_takes_somebody_elses_files_along(
    result: tuple[ResultManifest, MemoryBlobs], tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    write_result(*result, out)
    (out / name).write_text("mine")
    with pytest.raises(AcetateError) as caught:
        write_result(*result, out, force=True)
    assert caught.value.code == "E503"
    assert name in caught.value.detail
    assert (out / name).read_text() == "mine"


@pytest.mark.parametrize(
    "content", [None, b"", b"{}", b'{"schema": "web-app/1", "name": "my page"}', b"\xff" * 9]
)
def test_force_never_replaces_a_folder_that_is_no_result(
    result: tuple[ResultManifest, MemoryBlobs], tmp_path: Path, content: bytes | None
) -> None:
    precious = tmp_path / "drawings"
    (precious / "layers").mkdir(parents=True)
    (precious / "layers" / "hero.blend").write_text("a week of work")
    if content is not None:
        (precious / "manifest.json").write_bytes(content)
    with pytest.raises(AcetateError) as caught:
        write_result(*result, precious, force=True)
    assert caught.value.code == "E503"
    assert (precious / "layers" / "hero.blend").read_text() == "a week of work"


@pytest.mark.parametrize("name", ["../../x", "..", "a/b"])
def test_no_layer_is_ever_written_outside_the_folder(
    result: tuple[ResultManifest, MemoryBlobs], tmp_path: Path, name: str
) -> None:
    manifest, blobs = result
    layer = msgspec.structs.replace(manifest.layers[0], folder=name)
    bad = msgspec.structs.replace(manifest, layers=(layer, *manifest.layers[1:]))
    inside = tmp_path / "one" / "two"
    inside.mkdir(parents=True)
    with pytest.raises(AcetateError) as caught:
        write_result(bad, blobs, inside / "out")
    assert caught.value.code == "E110"
    assert [path.name for path in tmp_path.rglob("*")] == ["one", "two"]


def test_a_run_that_was_faster_in_the_same_place_is_not_replaced(
    result: tuple[ResultManifest, MemoryBlobs], tmp_path: Path
) -> None:
    manifest, blobs = result
    out = tmp_path / "out"

    class Rival(MemoryBlobs):
        def get(self, sha256: str) -> bytes:
            if not out.exists():
                write_result(manifest, blobs, out)
                (out / "composite" / "0001.png").write_bytes(b"the rival's own")
            return blobs.get(sha256)

    with pytest.raises(AcetateError, match="E503"):
        write_result(manifest, Rival(), out)
    assert (out / "composite" / "0001.png").read_bytes() == b"the rival's own"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("reads", [0, 5, 40])
def test_a_full_disk_leaves_nothing_behind_and_the_earlier_result_in_place(
    result: tuple[ResultManifest, MemoryBlobs], tmp_path: Path, reads: int
) -> None:
    manifest, blobs = result
    out = tmp_path / "out"
    write_result(manifest, blobs, out)
    before = {path: path.read_bytes() for path in out.rglob("*.png")}
    with pytest.raises(AcetateError) as caught:
        write_result(manifest, BlobsOnFullDisk(blobs, reads), out, force=True)
    assert caught.value.code == "E501"
    assert {path: path.read_bytes() for path in out.rglob("*.png")} == before
    with pytest.raises(AcetateError):
        write_result(manifest, BlobsOnFullDisk(blobs, reads), tmp_path / "fresh")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_place_that_cannot_be_written_is_told(
    result: tuple[ResultManifest, MemoryBlobs], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(AcetateError) as caught:
        write_result(*result, tmp_path / "file" / "out")
    assert caught.value.code == "E501"


def test_a_place_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_free(tmp_path / "new" / "out", force=False)
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(AcetateError, match="E501"):
        check_free(tmp_path / "file" / "out", force=False)
    # A folder that nothing can be put into; the tests may run as somebody who may do everything.
    monkeypatch.setattr(os, "access", lambda _place, _mode: False)
    with pytest.raises(AcetateError, match="E501"):
        check_free(tmp_path / "new" / "out", force=False)


@pytest.mark.parametrize(
    ("name", "shown"), [("Bälle über Köln", "Balle uber Koln"), ("Füße 足\t1", "Fusse ??1")]
)
def test_the_sheet_shows_letters_and_no_boxes_whatever_a_layer_is_called(
    result: tuple[ResultManifest, MemoryBlobs], name: str, shown: str
) -> None:
    manifest, blobs = result

    def sheet(called: str) -> np.ndarray:
        first, *others = manifest.layers
        layers = (msgspec.structs.replace(first, name=called), *others)
        return contact_sheet(msgspec.structs.replace(manifest, layers=layers), blobs)

    np.testing.assert_array_equal(sheet(name), sheet(shown))


def test_held_drawings_are_files_of_their_own(
    result: tuple[ResultManifest, MemoryBlobs], tmp_path: Path
) -> None:
    write_result(*result, tmp_path / "out")
    first, second = (tmp_path / "out" / "layers" / "plate" / f"000{n}.png" for n in (1, 2))
    assert first.read_bytes() == second.read_bytes()
    assert not os.path.samefile(first, second)


def test_frames_before_zero_have_names_too() -> None:
    assert [frame_name(frame) for frame in (-12, 0, 7, 12345)] == [
        "-0012.png",
        "0000.png",
        "0007.png",
        "12345.png",
    ]
