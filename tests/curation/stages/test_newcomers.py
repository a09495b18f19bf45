"""What enters later is an element of its own from its entry on; nothing else ever is one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from curation.bench.bars import BENCH
from curation.bench.easel import Part, Shape, box, draw, ellipse
from curation.bench.measures import best_layer, iou
from curation.stages.chain import ChainSettings, layered_clip
from curation.stages.elements import region_labels
from curation.stages.gathering import GatherSettings
from curation.stages.joining import gather_all
from curation.stages.masklets import propagate
from curation.stages.merging import MergeSettings
from curation.stages.refinement import RefineSettings, first_shown, neighbours, refine
from curation.stages.tracks import TrackSettings

HEIGHT, WIDTH, FRAMES = 96, 160, 10
GROUND, DISC = 0, 1


def _moves(x: list[float], y: float = 0.0) -> np.ndarray:
    """Translations [frames, 2, 3]."""
    return np.array([[[1, 0, there], [0, 1, y]] for there in x], np.float64)


def _film(disc: list[float], pan: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Frames of three huts and a disc whose middle is at `disc`, and where the disc is."""
    shapes = [
        Shape(box(-300, -10, 500, 200), (176, 206, 232), 0),
        Shape(box(-300, 70, 500, 200), (150, 176, 110), 0),
        *(Shape(box(x, 30, x + 30, 72), (210, 180 - x // 3, 150)) for x in range(-190, 300, 48)),
    ]
    parts = [
        Part(GROUND, tuple(shapes), _moves([pan * t for t in range(FRAMES)])),
        Part(DISC, (Shape(ellipse(0, 0, 13, 13), (220, 60, 50), 0),), _moves(disc, 66)),
    ]
    drawn = [draw(parts, frame, HEIGHT, WIDTH) for frame in range(FRAMES)]
    return np.stack([picture for picture, _ in drawn]), np.stack([part for _, part in drawn]) == 1


def _newcomers(frames: np.ndarray) -> np.ndarray:
    """Labels int [frames, h, w] of what entered, from 1."""
    regions = np.stack([region_labels(frame) for frame in frames])
    labels = propagate(frames, regions[0], regions=regions).labels
    found = refine(frames, labels, regions)
    return np.maximum(found - int(regions[0].max()), 0)


def _entering() -> list[float]:
    return [-40.0 + 12 * t for t in range(FRAMES)]


def test_what_enters_is_followed_from_its_entry_on() -> None:
    frames, disc = _film(_entering())
    found = _newcomers(frames)
    assert found.max() == 1
    area = disc.sum(axis=(1, 2))
    assert area[0] == 0
    half = np.flatnonzero(2 * area > area.max())
    assert min(iou(found[t] == 1, disc[t]) for t in half) >= 0.8
    assert not found[area == 0].any()


def test_what_was_there_and_moves_is_no_newcomer() -> None:
    frames, _ = _film([30.0 + 7 * t for t in range(FRAMES)])
    assert _newcomers(frames).max() == 0, "it uncovers backdrop behind it"


def test_what_starts_to_move_is_no_newcomer() -> None:
    frames, _ = _film([40.0] * 3 + [40.0 + 9 * t for t in range(FRAMES - 3)])
    assert _newcomers(frames).max() == 0


def test_a_pan_brings_backdrop_and_no_newcomers() -> None:
    frames, _ = _film([80.0 - 6 * t for t in range(FRAMES)], pan=-6.0)
    assert _newcomers(frames).max() == 0


def test_none_are_looked_for_where_the_settings_say_so() -> None:
    frames, _ = _film(_entering())
    regions = np.stack([region_labels(frame) for frame in frames])
    labels = propagate(frames, regions[0], regions=regions).labels
    assert np.array_equal(refine(frames, labels, regions, RefineSettings(every=0)), labels)


def test_a_newcomer_touches_what_is_beside_it_where_it_is_first_shown() -> None:
    labels = np.zeros((4, 6, 8), np.int32)
    labels[:, :, 4:] = 1
    labels[2, 2:4, 0:1] = 2
    labels[3, 2:4, 0:2] = 2
    assert first_shown(labels).tolist() == [0, 0, 2]
    assert neighbours(labels).tolist() == [[0, 1], [0, 2]]


@cache
def _chain() -> ChainSettings:
    return replace(ChainSettings(), tracks=TrackSettings(grid=40))


def test_a_newcomer_has_a_layer_and_tracks_from_its_entry_on() -> None:
    frames, disc = _film(_entering())
    made = layered_clip(frames, 24.0, _chain(), BENCH)
    layers = made.layer_labels()
    last = int(np.flatnonzero(disc.any(axis=(1, 2)))[-1])
    own = int(np.bincount(layers[last][disc[last]]).argmax())
    assert iou(layers[last] == own, disc[last]) >= 0.8
    assert not (layers[0] == own).any(), "every element is known at every frame, if only as empty"
    assert best_layer(layers[0], ~disc[0]) > 0.95
    assert made.layers[own - 1].caption
    mine = np.array([made.elements[e].layer == own - 1 for e in made.tracks.elements])
    assert mine.any()
    assert not made.tracks.visible[mine, 0].any()
    assert made.tracks.visible[mine].any()
    assert made.tracks.visible[~mine, 0].all()


def test_layers_by_score_hold_newcomers_too() -> None:
    frames, _ = _film(_entering())
    by_score = replace(_chain(), layers="score", merge=MergeSettings(by_area=True))
    made = layered_clip(frames[:7], 24.0, by_score, BENCH)
    assert {element.layer for element in made.elements} == set(range(len(made.layers)))


def test_one_layer_stays_one_when_something_enters() -> None:
    motion = np.zeros((3, 4, 2))
    motion[2] = (9.0, 0.0)
    pairs = np.array([[0, 1], [1, 2]])
    one = gather_all(motion, np.full(3, 50.0), pairs, 2, GatherSettings(capacity=1))
    assert one.tolist() == [0, 0, 0]
