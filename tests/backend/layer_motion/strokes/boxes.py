"""Boxes, flaps and books: faces with straight edges, and where lines are in between; for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backend.layer_motion import affine
from backend.layer_motion.strokes.layout.pair import StrokePair
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.morphing.morph import Morph
from backend.layer_motion.strokes.shape.complex_points import as_complex
from backend.layer_motion.strokes.shape.level import Line, resampled, reversed_line

from .puppet import drawing, line

RED, GREEN, BLUE = (0.9, 0.3, 0.2, 1.0), (0.3, 0.8, 0.3, 1.0), (0.2, 0.3, 0.9, 1.0)


def face(
    corners: Sequence[complex],
    count: int = 12,
    *,
    start: int = 0,
    back: bool = False,
    fill: tuple[float, float, float, float] = RED,
    material: int = 0,
) -> Line:
    """A filled polygon of `count` points on each side, begun at the point `start`."""
    share = np.arange(count) / count
    sides = zip(corners, np.roll(corners, -1), strict=True)
    ring = np.roll(np.concatenate([a + share * (b - a) for a, b in sides]), -start)
    points = np.stack([np.real(ring), np.imag(ring)], axis=1)
    drawn = replace(line(points, cyclic=True, fill=fill), material=material)
    return reversed_line(drawn) if back else drawn


def matched(first: Sequence[Line], last: Sequence[Line]) -> StrokePair:
    """Both drawings' strokes as partners."""
    pair = pair_strokes(drawing(list(first)), drawing(list(last)))
    assert pair is not None
    return pair


def partners(pair: StrokePair) -> dict[int, int]:
    """Which stroke of the first key became which of the last; -1 where none did."""
    return dict(zip(*pair.numbers.tolist(), strict=True))


def places(pair: StrokePair, stroke: int) -> tuple[np.ndarray, np.ndarray]:
    """A stroke's points at both keys: complex [n] each."""
    span = slice(*pair.first.offsets[stroke : stroke + 2])
    one, other = (d.points[span].astype(float) @ (1, 1j) for d in (pair.first, pair.last))
    return one, other


def became(pair: StrokePair, stroke: int, corner: complex) -> complex:
    """Where the last key has what the first has at a corner."""
    one, other = places(pair, stroke)
    return complex(other[int(np.argmin(np.abs(one - corner)))])


def on_the_way(pair: StrokePair, progress: float) -> list[np.ndarray]:
    """Points of all strokes at a progress, in the order of painting there: complex [n] each.

    Those that are not to be seen there are empty.
    """
    middle = pair.first.points.mean(axis=0).astype(float)
    pose = affine.evenly(pair.matrix, progress, middle)
    drawn = Morph(pair).at(pose, progress)
    spans = [slice(a, b) for a, b in zip(drawn.offsets[:-1], drawn.offsets[1:], strict=True)]
    return [
        drawn.points[span].astype(float) @ (1, 1j)
        if drawn.opacity[span].max() > 0
        else np.zeros(0, complex)
        for span in spans
    ]


def area(ring: np.ndarray) -> float:
    """Signed square pixels within a closed line, complex [n]."""
    return float(np.imag(np.vdot(ring, np.roll(ring, -1)))) / 2


def off(drawn: np.ndarray, meant: Line) -> float:
    """How far drawn points, complex [n], are from a line, pixels at most."""
    fine = as_complex(resampled(meant, 4000).points)
    return float(np.abs(drawn[:, None] - fine[None]).min(axis=1).max())
