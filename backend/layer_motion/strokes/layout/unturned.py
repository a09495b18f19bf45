"""Keeps closed strokes from turning where they are squashed instead, as eyes that shut; matching.

An upright oval laid on a flat one fits best on its side. Whether it went there is told by the
strokes around it: by how their middles moved, whatever became of their own shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np

from ... import affine
from ..shape.correlation import centred, over_starts
from ..shape.level import Line, along, begun_at, finest, resampled
from .root import Level, Numbers
from .seam import sewn

_SAMPLES = 64
_TURN = 0.5  # radians: what turns less may be left alone
_AROUND, _FEWEST = 8, 3  # strokes whose middles tell how those around a stroke move
_ASTRAY = 0.35  # of their spread: what is left of middles that do not move as one
_ONE_PLACE = 0.03  # of how far all middles lie apart
_MOST = 300
_SAME_AREA = 0.6


def unturned(
    level: Mapping[Numbers, Level], free: Collection[Numbers], common: Callable[[], np.ndarray]
) -> dict[Numbers, Level]:
    """The same partners; closed ones begin elsewhere if they need not turn that way.

    Only those in `free` may; of the others it is known which point became which. `common` gives
    what carries the first drawing onto the last (3 x 3), where too few strokes around can tell.
    """
    result = dict(level)
    if len(level) > _MOST:
        return result
    even = np.array(
        [[resampled(line, _SAMPLES).points for line in pair] for pair in level.values()]
    )
    middles = even.mean(axis=2)
    for place, (numbers, (one, other)) in enumerate(level.items()):
        if numbers not in free or not one.cyclic or not other.way[-1] > 0.0:
            continue
        others = np.delete(middles, place, axis=0)
        motion = _around(others[:, 0], others[:, 1], middles[place, 0])
        carried = affine.apply(common() if motion is None else motion, even[place, 0])
        start = _better_start(centred(carried), centred(even[place, 1]), other)
        if start is not None:
            result[numbers] = sewn(one, begun_at(other, start))
    return result


def _around(here: np.ndarray, there: np.ndarray, place: np.ndarray) -> np.ndarray | None:
    """The similarity (3 x 3) by which middles [n, 2] next to a place move; None if by none."""
    some = _distinct(here)
    here, there = here[some], there[some]
    if len(here) < _FEWEST:
        return None
    away = np.linalg.norm(here - place, axis=1)
    near = np.argsort(away, kind="stable")[:_AROUND]
    weights = np.exp(-((away[near] / (float(np.median(away[near])) + 1.0)) ** 2))
    weights /= weights.sum()
    here, there = here[near], there[near]
    motion = affine.fit_similarity(here, there, weights)
    left = weights @ ((affine.apply(motion, here) - there) ** 2).sum(axis=1)
    spread = weights @ ((there - weights @ there) ** 2).sum(axis=1)
    if not affine.is_regular(motion) or left > _ASTRAY**2 * spread:
        return None
    return motion


def _distinct(places: np.ndarray) -> np.ndarray:
    """Numbers of those places [n, 2] that none before lies on: ink on its paint tells no more."""
    reach = _ONE_PLACE * float(np.hypot(*np.ptp(places, axis=0))) if len(places) else 0.0
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    return np.flatnonzero(~np.tril(apart <= reach, -1).any(axis=1))


def _better_start(base: np.ndarray, shape: np.ndarray, other: Line) -> float | None:
    """Where `other`, a share of its length, begins to look like its partner without a turn.

    `base`, `shape` complex [_SAMPLES]: the partner, carried along with those around it, and the
    other. None where it hardly turns, where it keeps its area, which nothing squashed does, or
    where it is more like its partner turn and all.
    """
    if abs(np.angle(np.vdot(base, shape))) < _TURN or _area_kept(base, shape) > _SAME_AREA:
        return None
    return upright_start(base, shape, other)


def upright_start(base: np.ndarray, shape: np.ndarray, other: Line) -> float | None:
    """Where `other`, a share of its length, begins to look like `base` as it stands.

    `base`, `shape` complex [n], centred: even samples of its partner and of itself. None where it
    is more like its partner, turn and all, from where it begins now.
    """
    now = complex(np.vdot(base, shape))
    begun = over_starts(base, shape)
    best = int(np.argmax(np.real(begun)))
    if _worth(complex(begun[best])) <= _worth(now):
        return None
    even = np.arange(len(base)) / len(base)

    def upright(at: float) -> float:
        begun = centred(along(other, (at + even) % 1.0).points)
        return float(np.real(np.vdot(base, begun)))

    return finest(best / len(base), 0.5 / len(base), upright)


def _area_kept(base: np.ndarray, shape: np.ndarray) -> float:
    """The smaller of two closed shapes' areas over the larger, complex [n] each: 0..1."""
    areas = [abs(float(np.imag(np.vdot(ring, np.roll(ring, -1))))) for ring in (base, shape)]
    return min(areas) / max(max(areas), 1e-9)


def _worth(product: complex) -> float:
    """What a correlation of two shapes is worth: nothing where it asks for a turn of 180 deg."""
    return abs(product) * (1.0 + float(np.cos(np.angle(product)))) / 2
