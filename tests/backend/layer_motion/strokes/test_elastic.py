"""Promises of the springy wire: it takes a rough's shape without its wobble, and keeps the rest."""

from __future__ import annotations

import numpy as np

from backend.layer_motion.line_points import LinePoints
from backend.layer_motion.strokes.elastic import Wire, lay

FRAME = 320.0, 180.0
NO_JOINTS = np.zeros((0, 2), int)


def bow(height_px: float, count: int = 60, left: float = 60.0) -> np.ndarray:
    """A line from left to right, bowed upwards: [count, 2] working pixels."""
    way = np.linspace(0.0, 1.0, count)
    return np.stack([left + 180 * way, 110 - height_px * np.sin(np.pi * way)], axis=1)


def rough(points: np.ndarray, wobble_px: float = 0.0) -> LinePoints:
    """Points [n, 2] as a sketch's line, moved by noise that changes every ten points."""
    rng = np.random.default_rng(3)
    knots = (
        rng.normal(0.0, wobble_px, (len(points) // 10 + 2, 2)) if wobble_px else np.zeros((2, 2))
    )
    at = np.linspace(0, len(knots) - 1, len(points))
    moved = points + np.stack(
        [np.interp(at, np.arange(len(knots)), knots[:, axis]) for axis in (0, 1)], axis=1
    )
    way = np.gradient(moved, axis=0)
    twice = 2 * np.arctan2(way[:, 1], way[:, 0])
    return LinePoints(moved, np.stack([np.cos(twice), np.sin(twice)], axis=1), 2.0)


def wire(rest: np.ndarray, *others: np.ndarray) -> Wire:
    """Strokes as one wire without joints."""
    parts = [rest, *others]
    stroke = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return Wire(np.concatenate(parts), stroke, np.zeros(len(stroke), bool), NO_JOINTS)


def away(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Distance of each point from a line's points: [n]."""
    return np.linalg.norm(points[:, None] - line[None], axis=2).min(axis=1)


def test_a_line_takes_the_shape_that_a_sketch_shows() -> None:
    straight = wire(bow(0.0))
    lying = lay(straight, straight.rest, rough(bow(9.0, 400)), FRAME)
    assert away(lying, bow(9.0, 2000)).mean() < 0.3


def test_the_wobble_of_a_rough_is_not_copied() -> None:
    sketch = rough(bow(9.0, 400), wobble_px=1.5)
    straight = wire(bow(0.0))
    lying = lay(straight, straight.rest, sketch, FRAME)
    truth = bow(9.0, 2000)
    assert away(lying, truth).mean() < 0.7 * away(sketch.place, truth).mean()


def test_a_line_does_not_slide_along_itself() -> None:
    rest = wire(bow(0.0))
    half = rough(bow(4.0, 400)[:200])
    lying = lay(rest, rest.rest, half, FRAME)
    assert np.abs(lying[:, 0] - rest.rest[:, 0]).max() < 2.0


def test_what_lies_inside_an_outline_comes_along() -> None:
    angle = np.linspace(0, 2 * np.pi, 80)
    head = np.stack([150 + 30 * np.cos(angle), 90 + 30 * np.sin(angle)], axis=1)
    mouth = np.stack([np.linspace(140, 160, 12), np.full(12, 103.0)], axis=1)
    both = wire(head, mouth)
    shown = rough(head + np.array([9.0, -5.0]))
    lying = lay(both, both.rest, shown, FRAME)
    assert np.abs(lying[80:] - mouth - (9.0, -5.0)).max() < 2.5


def test_what_lies_outside_the_picture_stays_with_what_is_inside() -> None:
    long = wire(bow(0.0, left=220.0))
    seen = bow(0.0, 400, left=220.0) - (0.0, 6.0)
    lying = lay(long, long.rest, rough(seen[seen[:, 0] < FRAME[0]]), FRAME)
    shift = lying - long.rest
    assert np.abs(shift - (0.0, -6.0)).max() < 2.0
