"""Outlines that studio figures are drawn with: pure functions giving points [p, 2]."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Place = tuple[float, float]


def ellipse(centre: Place, radii: Place, angle: float = 0.0, count: int = 36) -> np.ndarray:
    """A whole ellipse, turned by `angle` radians."""
    theta = np.linspace(0, 2 * math.pi, count, endpoint=False)
    x, y = radii[0] * np.cos(theta), radii[1] * np.sin(theta)
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.stack([centre[0] + x * cosine - y * sine, centre[1] + x * sine + y * cosine], axis=1)


def capsule(start: Place, stop: Place, first: float, last: float) -> np.ndarray:
    """A rounded limb from one place to another with a radius at each end."""
    a, b = np.array(start), np.array(stop)
    along = math.atan2(b[1] - a[1], b[0] - a[0])
    half = np.linspace(-math.pi / 2, math.pi / 2, 9)
    ends = []
    for centre, radius, turn in ((b, last, along), (a, first, along + math.pi)):
        ends.append(centre + radius * np.stack([np.cos(half + turn), np.sin(half + turn)], axis=1))
    return np.concatenate(ends)


def smooth(
    corners: Sequence[Place] | np.ndarray, *, closed: bool = True, per: int = 6
) -> np.ndarray:
    """A soft curve through all corners (Catmull and Rom's spline)."""
    knots = np.asarray(corners, float)
    count = len(knots)
    spans = count if closed else count - 1
    t = np.linspace(0, 1, per, endpoint=False)[:, None]
    pieces = []
    for index in range(spans):
        around = [index - 1, index, index + 1, index + 2]
        a, b, c, d = (knots[i % count if closed else min(max(i, 0), count - 1)] for i in around)
        cubic = -a + 3 * b - 3 * c + d
        pieces.append(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * cubic)))
    if not closed:
        pieces.append(knots[-1:])
    return np.concatenate(pieces)


def box(low: Place, high: Place, corner: float = 0.0) -> np.ndarray:
    """A rectangle with round corners."""
    (left, top), (right, bottom) = low, high
    if corner <= 0:
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float)
    quarter = np.linspace(0, math.pi / 2, 5)
    centres = (
        (right - corner, bottom - corner), (left + corner, bottom - corner),
        (left + corner, top + corner), (right - corner, top + corner),
    )  # fmt: skip
    turns = [
        np.array(centre) + corner * np.stack([np.cos(quarter + q), np.sin(quarter + q)], axis=1)
        for centre, q in zip(centres, np.arange(4) * math.pi / 2, strict=True)
    ]
    return np.concatenate(turns)


def cloud(rng: np.random.Generator, centre: Place, radii: Place, bumps: int = 7) -> np.ndarray:
    """A bumpy round outline: clouds, bushes, tree tops, smoke."""
    theta = np.linspace(0, 2 * math.pi, bumps * 8, endpoint=False)
    sizes = rng.uniform(0.75, 1.1, bumps)
    swell = (
        0.82 + 0.2 * np.abs(np.sin(theta * bumps / 2)) * sizes[(theta * bumps / 6.2832).astype(int)]
    )
    return np.stack(
        [
            centre[0] + radii[0] * swell * np.cos(theta),
            centre[1] + radii[1] * swell * np.sin(theta),
        ],
        axis=1,
    )


def arc(centre: Place, radii: Place, start: float, stop: float, count: int = 12) -> np.ndarray:
    """An open piece of an ellipse, angles in radians, 0 to the right and growing downwards."""
    theta = np.linspace(start, stop, count)
    return np.stack(
        [centre[0] + radii[0] * np.cos(theta), centre[1] + radii[1] * np.sin(theta)], axis=1
    )


def ribbon(length: float, first: float, last: float, count: int = 14) -> np.ndarray:
    """A tapering band from (0, 0) down along y with half widths at both ends, for swaying."""
    y = np.linspace(0, length, count)
    half = np.linspace(first, last, count)
    left, right = np.stack([-half, y], axis=1), np.stack([half, y], axis=1)
    return np.concatenate([left, right[::-1]])


def star(points: int, inner: float, outer: float) -> np.ndarray:
    """A pointed star around the origin."""
    theta = np.arange(2 * points) * math.pi / points - math.pi / 2
    radius = np.where(np.arange(2 * points) % 2, inner, outer)
    return np.stack([radius * np.cos(theta), radius * np.sin(theta)], axis=1)
