"""Promises about footage: what it is, that its frames are the right ones, and whose it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curation.media.frames import read_frames
from curation.media.licence import find_licence, provenance_of
from curation.media.probe import IngestSettings, probe, refuse_unusable
from curation.media.sources import Source, find_sources
from curation.run.stage import ClipRefusedError
from shared.errors import AcetateError

from .footage import HEIGHT, LICENCE, WIDTH, level, picture, write_video


def _source(path: Path) -> Source:
    return find_sources([path])[0]


def _refusal(path: Path, settings: IngestSettings | None = None) -> str:
    with pytest.raises(ClipRefusedError) as caught:
        refuse_unusable(probe(_source(path)), settings or IngestSettings())
    return caught.value.reason


def _levels(frames: np.ndarray) -> list[int]:
    return [int(frame[-8:, -8:].mean().round()) for frame in frames]


def test_a_plain_video_is_told_as_it_is(tmp_path: Path) -> None:
    facts = probe(_source(write_video(tmp_path / "a.mp4")))
    assert (facts.width, facts.height, facts.fps, facts.frames) == (WIDTH, HEIGHT, 24.0, 24)
    assert (facts.variable_rate, facts.alpha, facts.rotation) == (False, False, 0)
    refuse_unusable(facts, IngestSettings())


@pytest.mark.parametrize(("first", "last"), [(0, 5), (7, 9), (15, 24)])
def test_any_stretch_of_a_video_is_those_frames(tmp_path: Path, first: int, last: int) -> None:
    path = write_video(tmp_path / "a.mp4")
    frames = read_frames(path, first, last, (WIDTH, HEIGHT))
    assert frames.shape == (last - first, HEIGHT, WIDTH, 3)
    found = np.array(_levels(frames))
    assert np.abs(found - [level(i) for i in range(first, last)]).max() <= 3


def test_a_turned_video_stands_upright(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", rotation=90)
    facts = probe(_source(path))
    assert (facts.width, facts.height) == (HEIGHT, WIDTH)
    frame = read_frames(path, 0, 1, (HEIGHT, WIDTH))[0]
    turned = np.rot90(picture(0), facts.rotation // 90)
    assert np.abs(frame.astype(int) - turned.astype(int)).mean() < 3
    assert _refusal(path) == "portrait"


def test_frames_at_uneven_times_are_refused(tmp_path: Path) -> None:
    times = [i + (i // 5) * 3 for i in range(24)]
    path = write_video(tmp_path / "a.mp4", times=times)
    assert _refusal(path) == "variable_rate"


def test_uneven_frames_are_shown_as_long_as_they_last(tmp_path: Path) -> None:
    times = [i + (i // 5) * 3 for i in range(24)]  # every fifth drawing stays for four frames
    path = write_video(tmp_path / "a.mp4", times=times)
    facts = probe(_source(path))
    refuse_unusable(facts, IngestSettings(variable_rate=True))
    assert (facts.fps, facts.frames, facts.variable_rate) == (24.0, times[-1] + 1, True)
    shown = [max(i for i in range(24) if times[i] <= tick) for tick in range(facts.frames)]
    whole = read_frames(path, 0, facts.frames, (WIDTH, HEIGHT), held_at=facts.fps)
    assert np.abs(np.array(_levels(whole)) - [level(i) for i in shown]).max() <= 3
    late = read_frames(path, 17, 30, (WIDTH, HEIGHT), held_at=facts.fps)
    assert (late == whole[17:30]).all()


def test_an_uneven_gif_is_shown_as_long_as_its_frames_last(tmp_path: Path) -> None:
    pictures = [Image.fromarray(picture(index)) for index in range(8)]
    lengths = [40, 40, 40, 200, 40, 40, 40, 40]
    pictures[0].save(
        tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=lengths, loop=0
    )
    facts = probe(_source(tmp_path / "a.gif"))
    assert (facts.variable_rate, facts.fps, facts.frames) == (True, 25.0, 12)
    frames = read_frames(tmp_path / "a.gif", 2, 10, (WIDTH, HEIGHT), held_at=facts.fps)
    expected = [level(i) for i in (2, 3, 3, 3, 3, 3, 4, 5)]
    assert np.abs(np.array(_levels(frames)) - expected).max() <= 3


def test_what_is_no_footage_has_its_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    whole = write_video(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    assert _refusal(tmp_path / "empty.mp4") == "empty"
    assert _refusal(tmp_path / "noise.mp4") == "corrupt"
    assert _refusal(tmp_path / "cut.mp4") == "corrupt"


def test_wrong_sizes_and_lengths_have_their_reasons(tmp_path: Path) -> None:
    assert _refusal(write_video(tmp_path / "s.mp4", 8)) == "too_short"
    assert _refusal(write_video(tmp_path / "p.mp4", size=(256, 320))) == "portrait"
    assert _refusal(write_video(tmp_path / "t.mp4", size=(128, 96))) == "too_small"
    small = IngestSettings(most_pixels=320 * 200)
    assert _refusal(write_video(tmp_path / "l.mp4"), small) == "too_large"
    tall = write_video(tmp_path / "q.mp4", size=(256, 320))
    refuse_unusable(probe(_source(tall)), IngestSettings(portrait=True))


def test_pictures_with_alpha_lie_on_white(tmp_path: Path) -> None:
    folder = tmp_path / "walk"
    folder.mkdir()
    for index in (2, 10, 1):
        rgba = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        rgba[:, : WIDTH // 2] = (index, index, index, 255)
        Image.fromarray(rgba).save(folder / f"walk_{index}.png")
    source = _source(tmp_path)
    facts = probe(source)
    assert (source.kind, facts.frames, facts.alpha) == ("pictures", 3, True)
    frames = read_frames(folder, 0, 3, (WIDTH, HEIGHT))
    assert frames[:, 0, 0, 0].tolist() == [1, 2, 10]
    assert (frames[:, 0, -1] == 255).all()


def test_pictures_of_several_sizes_are_no_clip(tmp_path: Path) -> None:
    for index, width in enumerate((300, 301)):
        Image.new("RGB", (width, 300)).save(tmp_path / f"{index}.png")
    assert _refusal(tmp_path) == "mixed_sizes"


def test_an_animated_gif_is_footage(tmp_path: Path) -> None:
    pictures = [Image.fromarray(picture(index)) for index in range(16)]
    pictures[0].save(
        tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=40, loop=0
    )
    facts = probe(_source(tmp_path / "a.gif"))
    assert facts.frames == 16
    frames = read_frames(tmp_path / "a.gif", 3, 7, (WIDTH, HEIGHT))
    assert np.abs(np.array(_levels(frames)) - [level(i) for i in range(3, 7)]).max() <= 3


def test_the_same_bytes_under_two_names_are_one_source(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4")
    shutil.copy(tmp_path / "a.mp4", tmp_path / "b.mp4")
    write_video(tmp_path / "c.mp4", 30)
    assert [source.path.name for source in find_sources([tmp_path])] == ["a.mp4", "c.mp4"]
    with pytest.raises(AcetateError) as caught:
        find_sources([tmp_path / "nowhere"])
    assert caught.value.name == "not_found"


def _licence_refusal(path: Path, root: Path) -> str:
    with pytest.raises(ClipRefusedError) as caught:
        find_licence(path, root)
    return caught.value.reason


def test_nothing_is_taken_without_a_whole_licence_record(tmp_path: Path) -> None:
    root = tmp_path / "footage"
    (root / "show").mkdir(parents=True)
    film = root / "show" / "a.mp4"
    (tmp_path / "licence.toml").write_text(LICENCE)  # above the root: does not count
    assert _licence_refusal(film, root) == "no_licence"
    record = root / "licence.toml"
    record.write_text(LICENCE.replace('licence = "CC-BY-4.0"\n', ""))
    assert _licence_refusal(film, root) == "bad_licence"
    record.write_text(LICENCE.replace("CC-BY-4.0", ""))
    assert _licence_refusal(film, root) == "bad_licence"
    record.write_text(LICENCE.replace("true", "false"))
    assert _licence_refusal(film, root) == "no_consent"
    record.write_text(LICENCE)
    assert find_licence(film, root).licence == "CC-BY-4.0"
    film.with_name("a.mp4.licence.toml").write_text(LICENCE.replace("CC-BY-4.0", "CC0-1.0"))
    assert find_licence(film, root).licence == "CC0-1.0"


def test_provenance_names_no_path_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "licence.toml").write_text(LICENCE)
    provenance = provenance_of(
        find_licence(tmp_path / "a.mp4", tmp_path),
        source_id="0" * 64,
        source="a.mp4",
        frames=(10, 26),
        toolkit="acetate 0",
        parameters_hash="0",
        annotations=(),
    )
    assert (provenance.first, provenance.last) == (10, 25)
    assert str(tmp_path) not in str(provenance)


def test_frames_of_an_avi_are_counted_not_timed(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi")  # AVI names the order of decoding, not of showing
    assert probe(_source(path)).fps == 24.0
    found = np.array(_levels(read_frames(path, 7, 15, (WIDTH, HEIGHT))))
    assert np.abs(found - [level(i) for i in range(7, 15)]).max() <= 3
