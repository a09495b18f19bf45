"""Elements to layers by where they are and which way they go; the default beside `merging`.

The papers' merging sees neither place nor direction nor size, so slivers open layers of their own
(`spec/curation.md` 3.6). Here Ward's distance is taken over whole motion series, weighted by area.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curation.stages.union import Union


@dataclass(frozen=True)
class GatherSettings:
    """How elements become layers.

    `capacity`: most layers. `near_px`: root-mean-square difference of motion, pixels per frame,
    up to which groups always join. `kin`: so do groups whose joining costs less than this share of
    the dearest one, `clash` left out: limbs of a body. `afar`: how much costlier it is to join what
    does not touch. `clash`: the same for what is seen to rest, above a share of `still`, and what
    is seen to move, below `moving` (see `rests`).
    """

    capacity: int = 4
    near_px: float = 0.3
    kin: float = 0.6
    afar: float = 2.0
    clash: float = 4.0
    still: float = 0.75
    moving: float = 0.4


def gather(
    motion: np.ndarray,
    area: np.ndarray,
    pairs: np.ndarray,
    settings: GatherSettings | None = None,
    rests: np.ndarray | None = None,
) -> np.ndarray:
    """Group of every element, int64 [n], without gaps; the slowest group first.

    motion: float64 [n, steps, 2], pixels per frame, NaN where unseen; area: [n], pixels; pairs:
    int [borders, 2], touching elements; rests: float64 [n], shares that go with the camera, NaN
    or None where that is not known.
    """
    settings = settings or GatherSettings()
    count = len(motion)
    if count == 0:
        return np.zeros(0, np.int64)
    state = _Groups(motion, area, pairs, rests)
    joins: list[tuple[float, float, int, int]] = []
    for _ in range(count - 1):
        joins.append(state.join_cheapest(settings))
    dear = settings.kin * max((cost for cost, _, _, _ in joins), default=0.0)
    union = Union(count)
    for left, (cost, rms, a, b) in zip(range(count, 1, -1), joins, strict=True):
        if left <= settings.capacity and rms > settings.near_px and cost > dear:
            break
        union.join(a, b)
    return by_speed(union.labels(), motion, area)


def by_speed(labels: np.ndarray, motion: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Groups numbered anew, the slowest first; arguments as of `gather`."""
    known = np.asarray(~np.isnan(motion).any(axis=2))
    length = np.linalg.norm(np.where(known[..., None], motion, 0.0), axis=2)
    weight = known * np.maximum(area, 1e-6)[:, None]
    total = np.bincount(labels, weight.sum(axis=1))
    speed = np.bincount(labels, (weight * length).sum(axis=1)) / np.maximum(total, 1e-9)
    rank = np.empty(len(speed), np.int64)
    rank[np.lexsort((np.bincount(labels, area), speed))] = np.arange(len(speed))
    return rank[labels]


class _Groups:
    """Groups as they are being joined; a group is told by its first element."""

    def __init__(
        self, motion: np.ndarray, area: np.ndarray, pairs: np.ndarray, rests: np.ndarray | None
    ) -> None:
        known = np.asarray(~np.isnan(motion).any(axis=2))
        count = len(motion)
        self.mean = np.where(known[..., None], motion, 0.0)  # [n, steps, 2]
        self.weight = known * np.maximum(area, 1e-6)[:, None]  # [n, steps]
        self.area = np.maximum(area.astype(np.float64), 1e-6)
        self.touch = np.zeros((count, count), bool)
        self.touch[pairs[:, 0], pairs[:, 1]] = self.touch[pairs[:, 1], pairs[:, 0]] = True
        self.alive = np.ones(count, bool)
        self.rests = np.full(count, np.nan) if rests is None else rests.astype(np.float64)
        self.rms = np.stack([self._unlike(item) for item in range(count)])

    def _unlike(self, item: int) -> np.ndarray:
        """Root-mean-square difference of motion to every group; unseen together counts as far."""
        both = (self.weight > 0) & (self.weight[item] > 0)
        apart = np.where(both, ((self.mean - self.mean[item]) ** 2).sum(axis=2), np.inf)
        steps = np.ceil(_TRUSTED * both.sum(axis=1))
        apart = np.sort(apart, axis=1)
        apart[np.arange(apart.shape[1]) >= steps[:, None]] = 0.0
        far = np.full(len(steps), _NEVER_TOGETHER)
        return np.sqrt(np.divide(apart.sum(axis=1), steps, out=far**2, where=steps > 0))

    def join_cheapest(self, settings: GatherSettings) -> tuple[float, float, int, int]:
        """Join the pair that costs least: what it costs without `clash`, its difference of motion,
        and the pair.
        """
        harmonic = 2 * np.outer(self.area, self.area) / np.add.outer(self.area, self.area)
        bare = np.sqrt(harmonic) * (self.rms + _FLOOR_PX) * np.where(self.touch, 1.0, settings.afar)
        clash = np.outer(self.rests > settings.still, self.rests < settings.moving)
        cost = np.where(clash | clash.T, settings.clash, 1.0) * bare
        cost[~self.alive] = np.inf
        cost[:, ~self.alive] = np.inf
        np.fill_diagonal(cost, np.inf)
        a, b = sorted(int(item) for item in np.unravel_index(int(cost.argmin()), cost.shape))
        told = float(bare[a, b]), float(self.rms[a, b]), a, b
        self._join(a, b)
        return told

    def _join(self, a: int, b: int) -> None:
        total = self.weight[a] + self.weight[b]
        share = np.divide(self.weight[a], total, out=np.zeros_like(total), where=total > 0)
        self.mean[a] = share[:, None] * self.mean[a] + (1 - share[:, None]) * self.mean[b]
        self.rests[a] = _mixed(self.rests[[a, b]], self.area[[a, b]])
        self.weight[a], self.area[a] = total, self.area[a] + self.area[b]
        self.weight[b] = 0
        self.touch[a] |= self.touch[b]
        self.touch[:, a] |= self.touch[:, b]
        self.alive[b] = False
        self.rms[a] = self.rms[:, a] = self._unlike(a)


def _mixed(rests: np.ndarray, area: np.ndarray) -> float:
    known = ~np.isnan(rests)
    return float(np.average(rests[known], weights=area[known])) if known.any() else float("nan")


_TRUSTED = 0.8
"""Share of the frames that counts, the likest; where things hide each other flow is wrong."""
_NEVER_TOGETHER = 10.0
"""Pixels per frame between groups that no frame shows together."""
_FLOOR_PX = 0.02
"""Keeps size in the cost where motion is equal, so that small ones join first."""
