"""Promises for odd strokes and unlike keys through the pipeline: whole pictures, and a note."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import pytest

from backend.layer_motion import notes
from backend.layer_motion.strokes.shape.level import Line
from backend.pipeline.context import LocalContext
from backend.pipeline.execute import execute
from shared.blobs import MemoryBlobs
from shared.result import ResultManifest
from shared.shot import ArrayRef, Key, Layer, Look, PictureRef, Role
from shared.strokes import Drawing, drawing_to_bytes
from tests.backend.layer_motion.strokes.puppet import drawing, line, puppet, redrawn
from tests.backend.pipeline.shots import ShotBuilder, layer_pixels

WIDTH, HEIGHT = 384, 256
Shown = tuple[ResultManifest, MemoryBlobs]


def shot_of(keys: Mapping[int, Drawing]) -> ShotBuilder:
    """One layer `art` with strokes at its keys."""
    builder = ShotBuilder(WIDTH, HEIGHT)
    made = tuple(
        Key(frame=frame, strokes=ArrayRef(blob=builder.blobs.put(drawing_to_bytes(strokes))))
        for frame, strokes in sorted(keys.items())
    )
    builder.layers.append(Layer(name="art", order=0, role=Role.ANIMATE, keys=made))
    return builder


def ran(builder: ShotBuilder, end: int = 9, exposure: int = 1) -> Shown:
    """The result, with layer motion alone."""
    look = Look(engine="layer-motion")
    request = builder.request(end=end, look=look, exposure=exposure)
    results = MemoryBlobs()
    return execute(request, builder.blobs, results, LocalContext()), results


def alpha(shown: Shown, frame: int) -> np.ndarray:
    """What is seen of the layer: uint8 [h, w]."""
    return layer_pixels(*shown, "art", frame)[..., 3]


def recoloured(lines: list[Line]) -> list[Line]:
    """Only the outlines, all in one ink."""
    return [line(one.points, cyclic=one.cyclic) for one in lines]


def house() -> list[Line]:
    """Something that no puppet turns into."""
    wall = np.array([[220, 200], [340, 200], [340, 110], [220, 110]], float)
    roof = np.array([[210, 110], [280, 60], [350, 110]], float)
    boards = [line(np.array([[225 + 14 * i, 198], [225 + 14 * i, 112]], float)) for i in range(8)]
    return [
        line(wall, cyclic=True, fill=(0.3, 0.5, 0.8, 1.0)),
        line(roof, cyclic=True, fill=(0.7, 0.2, 0.2, 1.0)),
        *boards,
    ]


def test_strokes_drawn_in_another_order_and_backwards_move_without_a_note() -> None:
    shown = ran(shot_of({1: drawing(puppet(0)), 9: drawing(redrawn(puppet(1), 3, split=4))}))
    assert shown[0].layers[0].method == "strokes"
    assert not shown[0].warnings
    assert_as_much_ink_as_the_keys(shown)


def test_strokes_that_cross_each_other_stay_whole_lines() -> None:
    def cross(turn: float) -> Drawing:
        way = np.linspace(-100, 100, 20)
        one, other = (
            np.stack([190 + way, 128 + sign * turn * 0.4 * way], axis=1) for sign in (-1, 1)
        )
        return drawing([line(one), line(other)])

    shown = ran(shot_of({1: cross(1.0), 9: cross(-1.0)}))
    assert not shown[0].warnings
    for frame in range(1, 10):
        pieces = cv2.connectedComponents((alpha(shown, frame) > 40).astype(np.uint8))[0] - 1
        assert pieces == 1
        assert (alpha(shown, frame).max(axis=0) > 100).sum() > 180  # from side to side


def assert_as_much_ink_as_the_keys(shown: Shown) -> None:
    """Nothing is lost on the way and nothing is doubled."""
    ends = [float((alpha(shown, frame) > 127).sum()) for frame in (1, 9)]
    for frame in range(2, 9):
        assert 0.7 * min(ends) < (alpha(shown, frame) > 127).sum() < 1.3 * max(ends)


@pytest.mark.parametrize("as_strokes", [True, False])
def test_keys_with_nothing_in_common_dissolve_unbent_with_a_note(as_strokes: bool) -> None:
    builder = shot_of({1: drawing(puppet(0)), 9: drawing(house())})
    if not as_strokes:
        keys = {1: builder.disc((0.2, 0.5), 0.3), 9: stripes(builder)}
        builder = ShotBuilder(WIDTH, HEIGHT, builder.blobs).add("art", keys)
    shown = ran(builder)
    assert shown[0].layers[0].method == "crossfade"
    assert shown[0].warnings == (f'"art": {notes.UNLIKE}',)
    first, last = (alpha(shown, frame) > 127 for frame in (1, 9))
    for frame, key in ((2, first), (3, first), (8, last)):  # one key alone, shifted
        assert (alpha(shown, frame) > 127).sum() == pytest.approx(key.sum(), rel=0.05)


def test_a_dissolve_does_not_fill_one_key_where_the_border_cut_the_other() -> None:
    builder = ShotBuilder(WIDTH, HEIGHT)
    shown = ran(builder.add("art", {1: builder.disc((0.2, 0.5), 0.3), 9: stripes(builder)}))
    for frame in range(2, 9):
        left = alpha(shown, frame)[:, :12]  # the disc, which touches the border, has left it
        assert left.max() < (20 if frame < 4 else 150)


def stripes(builder: ShotBuilder) -> PictureRef:
    """A key's picture of blue bars."""
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    for x in range(200, 370, 24):
        cv2.rectangle(pixels, (x, 30), (x + 10, 230), (30, 140, 220, 255), -1)
    return builder.picture(pixels)


def test_a_drawing_that_only_changes_its_colours_is_no_other_drawing() -> None:
    builder = ShotBuilder(WIDTH, HEIGHT)
    keys = {1: builder.disc((0.3, 0.5), 0.3, 20), 9: builder.disc((0.6, 0.5), 0.3, 240)}
    manifest, _ = ran(builder.add("art", keys))
    assert manifest.layers[0].method == "registration"
    assert not manifest.warnings


def test_strokes_without_partners_are_told_and_moved_as_a_picture() -> None:
    first, last = recoloured(puppet(0)), recoloured(house())
    shown = ran(shot_of({1: drawing(first), 9: drawing(last)}))
    assert shown[0].layers[0].method in ("registration", "crossfade")
    assert shown[0].warnings == (f'"art": {notes.UNMATCHED}',)
    assert all(alpha(shown, frame).any() for frame in range(1, 10))


@pytest.mark.parametrize("last", ["nothing", "one dot"])
def test_strokes_that_end_in_nothing_or_a_dot_fade_with_a_note(last: str) -> None:
    dot = drawing([line(np.array([[200.0, 120.0]]))])
    shown = ran(shot_of({1: drawing(puppet(0)), 9: dot if last == "one dot" else no_strokes()}))
    assert shown[0].layers[0].method == "crossfade"
    assert shown[0].warnings == (f'"art": {notes.FADES_OUT}',)
    strengths = [int(alpha(shown, frame).max()) for frame in range(1, 9)]
    assert strengths == sorted(strengths, reverse=True)


def no_strokes() -> Drawing:
    """A key on which everything was erased."""
    arrays = {name: values[:0] for name, values in vars(drawing(puppet(0))).items()}
    arrays |= {"offsets": np.zeros(1, np.int32), "layer_opacity": np.ones(1, np.float32)}
    return Drawing(**arrays)


def test_a_note_names_the_frames_it_is_about_where_others_went_well() -> None:
    keys = {frame: drawing(puppet(pose)) for frame, pose in ((1, 0), (5, 1), (13, 0))}
    manifest, _ = ran(shot_of({**keys, 9: drawing(house())}), end=13, exposure=2)
    assert manifest.warnings == (f'"art", frames 5-9, 9-13: {notes.UNLIKE}',)


def test_a_layer_of_five_thousand_strokes_is_drawn_by_them() -> None:
    chance = np.random.default_rng(4)
    places, turns = chance.uniform((20, 20), (290, 236), (5000, 2)), chance.uniform(0, 6.3, 5000)
    way = np.linspace(-6, 6, 6)[:, None]
    hairs = [
        place + way * (np.cos(turn), np.sin(turn))
        for place, turn in zip(places, turns, strict=True)
    ]
    first, last = (
        drawing([line(hair + np.array([shift, 0]), radius_px=0.6) for hair in hairs])
        for shift in (0, 60)
    )
    shown = ran(shot_of({1: first, 3: last}), end=3)
    assert shown[0].layers[0].method == "strokes"
    assert not shown[0].warnings
    moved = np.roll(alpha(shown, 1), 30, axis=1).astype(int)
    assert np.abs(alpha(shown, 2)[:, 40:340] - moved[:, 40:340]).mean() < 8
