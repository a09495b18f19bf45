"""Shot packages as a source: exact layers, motion of strokes that correspond, rights asked for."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from curation.dataset.clip import LayeredClip
from curation.dataset.pack import pack
from shared.blobs import MemoryBlobs
from shared.errors import AcetateError
from shared.package import read_package, write_package
from shared.pictures import encode_png
from shared.shot import Key, Layer, PictureRef, Role, ShotRequest
from shared.strokes import Drawing, drawing_from_bytes
from training.data.shot_source import ShotClips
from training.data.stroke_motion import affine_between, correspond, stroke_flow, stroke_numbers

from .rights import OURS

SHOTS = Path(__file__).resolve().parents[3] / "training" / "gallery" / "shots"
BALL = SHOTS / "ball-truth.zip"


@pytest.fixture(scope="module")
def ball() -> LayeredClip:
    return ShotClips.open([BALL], OURS, height=144, drawn_only=True).clip(0)


def test_layers_come_in_their_order_with_exact_masks(ball: LayeredClip) -> None:
    assert [layer.name for layer in ball.layers] == ["court", "shadow", "ball"]
    assert ball.frames.shape == (8, 144, 256, 3)
    assert ball.depth_known
    assert ball.labels.min() == 1  # the court is everywhere
    assert (ball.labels == 3).any(axis=(1, 2)).all()
    assert ball.sketch is not None
    assert (ball.sketch < 100).any()


def test_flow_of_strokes_explains_the_next_frame(ball: LayeredClip) -> None:
    assert ball.flow is not None
    x, y = np.meshgrid(np.arange(256, dtype=np.float32), np.arange(144, dtype=np.float32))
    warped: list[float] = []
    held: list[float] = []
    for frame, field in enumerate(ball.flow.astype(np.float32)):
        there = cv2.remap(
            ball.frames[frame + 1], x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR
        )
        mine = ball.labels[frame] == 3
        now = ball.frames[frame][mine].astype(int)
        warped.append(np.abs(there[mine] - now).mean())
        held.append(np.abs(ball.frames[frame + 1][mine] - now).mean())
    assert np.mean(warped) < 0.25 * np.mean(held)  # what is left lies on soft edges


def test_tracks_stay_on_the_layer_they_belong_to(ball: LayeredClip) -> None:
    for points, visible, element in zip(
        ball.tracks.points, ball.tracks.visible, ball.tracks.elements, strict=True
    ):
        for frame in np.flatnonzero(visible):
            x, y = np.floor(points[frame]).astype(int)
            around = ball.labels[frame, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            assert element + 1 in around


def test_scores_and_captions_tell_who_moves(ball: LayeredClip) -> None:
    scores = [layer.score for layer in ball.layers]
    assert scores[0] == 0
    assert min(scores[1:]) > 3
    assert '"court" rests' in ball.caption
    assert '"ball" moves to the right' in ball.caption


def test_a_clip_says_where_it_comes_from(ball: LayeredClip) -> None:
    told = ball.provenance
    assert told.derived_from == "ball-truth.zip: court, shadow, ball"
    assert (told.first, told.last) == (1, 11)
    assert told.rights_holder == OURS.rights_holder
    assert {item.kind for item in told.annotations} >= {"masks", "flow", "tracks", "scores"}
    assert pack(ball).document.provenance.licence == "Apache-2.0"


def test_held_frames_repeat_exactly() -> None:
    clip = ShotClips.open([BALL], OURS, height=48).clip(0)
    assert len(clip.frames) == 13
    assert np.array_equal(clip.frames[4], clip.frames[5])  # scene frames 5 and 6
    assert clip.flow is not None
    assert not clip.flow[4].any()


def test_drawings_without_partners_give_no_flow_and_say_so() -> None:
    clip = ShotClips.open([SHOTS / "fire-truth.zip"], OURS, height=72, drawn_only=True).clip(0)
    assert clip.flow is None
    assert clip.layers[-1].score > 0.2
    moved = next(item for item in clip.provenance.annotations if item.kind == "scores")
    assert "optical flow" in moved.name


def test_long_shots_become_several_clips() -> None:
    source = ShotClips.open([BALL], OURS, height=48, length=5)
    assert [source.frame_count(index) for index in range(len(source))] == [5, 5, 3]
    assert len({source.clip_id(index) for index in range(3)}) == 3
    assert source.clip(1).provenance.first == 5


def test_chosen_frames_are_cut_from_the_whole() -> None:
    source = ShotClips.open([BALL], OURS, height=48)
    assert np.array_equal(source.clip(0, [7, 2]).frames, source.clip(0).frames[[7, 2]])


@pytest.mark.parametrize("field", ["rights_holder", "licence", "licence_evidence", "consent_by"])
def test_nothing_is_taken_without_a_word_on_whose_it_is(field: str) -> None:
    with pytest.raises(AcetateError) as caught:
        ShotClips.open([BALL], msgspec.structs.replace(OURS, **{field: " "}))
    assert caught.value.name == "licence_missing"
    assert field in caught.value.text


def test_a_package_that_changed_since_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "shot.zip"
    shutil.copy(BALL, file)
    source = ShotClips.open([file], OURS, height=48)
    shutil.copy(SHOTS / "border-truth.zip", file)
    with pytest.raises(AcetateError) as caught:
        source.clip(0)
    assert caught.value.name == "bad_package"


def test_missing_and_damaged_packages_are_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(BALL.read_bytes()[:5000])
    for file, name in ((tmp_path / "none.zip", "not_found"), (broken, "bad_package")):
        with pytest.raises(AcetateError) as caught:
            ShotClips.open([file], OURS)
        assert caught.value.name == name


def test_the_same_shot_twice_is_refused() -> None:
    with pytest.raises(AcetateError) as caught:
        ShotClips.open([BALL, BALL], OURS)
    assert caught.value.name == "clip_exists"


def test_shots_of_pictures_only_have_exact_masks_too(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    square = np.zeros((20, 20, 4), np.uint8)
    square[:] = (200, 40, 40, 255)
    square[:3] = (20, 20, 20, 255)
    blob = blobs.put(encode_png(square))
    keys = tuple(
        Key(frame=frame, picture=PictureRef(blob=blob, width=20, height=20, x=4 * frame, y=10))
        for frame in range(1, 5)
    )
    layer = Layer(name="square", order=0, role=Role.ANIMATE, keys=keys, prompt="a red square")
    request = ShotRequest(width=64, height=48, fps=12, start=1, end=4, layers=(layer,))
    write_package(request, blobs, tmp_path / "square.zip")
    clip = ShotClips.open([tmp_path / "square.zip"], OURS).clip(0)
    assert [(labels == 1).sum() for labels in clip.labels] == [400] * 4
    assert (clip.labels[0] == 0).any()
    assert clip.flow is None
    assert clip.layers[0].score == pytest.approx(4, rel=0.3)
    assert clip.layers[0].caption == "a red square"
    assert len(clip.tracks) == 0
    assert clip.sketch is not None
    assert clip.sketch.min() < 128


def _drawings() -> tuple[Drawing, Drawing]:
    request, blobs = read_package(BALL)
    layer = next(layer for layer in request.layers if layer.name == "ball")
    one, other = (
        drawing_from_bytes(blobs.get(key.strokes.blob)) for key in layer.keys[:2] if key.strokes
    )
    return one, other


def test_strokes_correspond_by_count_material_and_shape() -> None:
    one, other = _drawings()
    assert correspond(one, other)
    assert not correspond(one, replace(other, material=other.material + 1))
    assert not correspond(one, replace(other, points=np.roll(other.points, 40, axis=0)[::-1]))


def test_stroke_flow_is_exact_for_affine_motion() -> None:
    one, _ = _drawings()
    one = replace(one, points=one.points * 0.2, radius=one.radius * 0.2)
    turn, shift = np.array([[0.9, -0.3], [0.3, 0.9]]), np.array([12.0, -5.0])
    moved = (one.points @ turn.T + shift).astype(np.float32)
    numbers = stroke_numbers(one, 384, 216)
    assert numbers.max() > 1
    flow = stroke_flow(one, replace(one, points=moved), numbers, numbers > 0)
    rows, columns = np.nonzero(numbers)
    places = np.stack([columns, rows], axis=1) + 0.5
    expected = places @ turn.T + shift - places
    assert np.abs(flow[rows, columns] - expected).max() < 0.2
    assert not flow[numbers == 0].any()


def test_a_straight_line_says_little_and_is_not_stretched() -> None:
    line = np.stack([np.linspace(0, 50, 9), np.zeros(9)], axis=1)
    turn, shift = affine_between(line, line + np.array([3.0, 4.0]))
    assert np.allclose(turn, np.eye(2), atol=1e-6)
    assert np.allclose(shift, (3, 4), atol=1e-6)
