"""Elements to layers by how fast they move: the papers' merging, and what makes it work better.

`spec/curation.md` 1.5, 3.6; LayerAnimate's motion-based hierarchical merging.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import linkage

from curation.stages.union import Union


@dataclass(frozen=True)
class MergeSettings:
    """How elements become layers.

    `capacity`: most layers. `threshold`: the papers' eta_s, a Ward distance in pixels per frame
    (1.0 in the papers, 3.0 in the official reader). `least`: never merge below so many layers,
    as the official reader. `near_px`: touching elements whose motion differs by less are one
    before that; 0 for the official behaviour. `by_area`: elements count by their size.
    """

    capacity: int = 4
    threshold: float = 1.0
    least: int = 2
    near_px: float = 0.5
    by_area: bool = False


def merge_by_score(
    scores: np.ndarray,
    settings: MergeSettings | None = None,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Layer of every element, int64 [n], layers counted by rising mean score.

    Ward's clustering of numbers, as the official reader does it: clusters of a and b elements lie
    sqrt(2 a b / (a + b)) * difference of their means apart. Merging goes on while there are more
    than `capacity` layers, or the next distance is within `threshold` and more than `least` are
    left: a wholly still clip has two layers. `weights` takes the place of the counts.
    """
    settings = settings or MergeSettings()
    count = len(scores)
    if count < 2:
        return np.zeros(count, np.int64)
    line = np.asarray(scores, np.float64)
    joins = _linked(line) if weights is None else _linked_by_weight(line, np.asarray(weights))
    union = Union(count)
    for groups, (distance, a, b) in zip(range(count, 1, -1), joins, strict=True):
        if groups <= settings.capacity and (
            distance > settings.threshold or groups <= settings.least
        ):
            break
        union.join(a, b)
    return _by_rising_score(union.labels(), line)


def _by_rising_score(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    mean = np.bincount(labels, scores) / np.bincount(labels)
    rank = np.empty(len(mean), np.int64)
    rank[np.argsort(mean, kind="stable")] = np.arange(len(mean))
    return rank[labels]


def _linked(line: np.ndarray) -> list[tuple[float, int, int]]:
    """Scipy's joinings, distance and one element of either side, so that ties fall as there."""
    member = list(range(len(line)))
    joins = []
    for a, b, distance, _ in linkage(line[:, None], "ward").tolist():
        joins.append((distance, member[int(a)], member[int(b)]))
        member.append(member[int(a)])
    return joins


def _linked_by_weight(line: np.ndarray, weights: np.ndarray) -> list[tuple[float, int, int]]:
    """Ward's joinings with weights; only neighbours on the line can be nearest."""
    order = np.argsort(line, kind="stable")
    joins = _ward_joins(line[order].tolist(), weights[order].astype(np.float64).tolist())
    return [(distance, int(order[k]), int(order[k + 1])) for distance, k in joins]


def _ward_joins(line: list[float], size: list[float]) -> list[tuple[float, int]]:
    """Every joining, the nearest first: its distance and the place after which a border goes."""
    count = len(line)
    mean, weight = line[:], size[:]
    left = [index - 1 for index in range(count)]
    right = [*range(1, count), -1]
    age = [0] * count
    heap = [(_apart(mean, weight, k, k + 1), k, k + 1, 0, 0) for k in range(count - 1)]
    heapq.heapify(heap)
    last = list(range(count))
    joins: list[tuple[float, int]] = []
    while heap:
        distance, a, b, age_a, age_b = heapq.heappop(heap)
        if age[a] != age_a or age[b] != age_b:
            continue
        joins.append((distance, last[a]))
        total = weight[a] + weight[b]
        mean[a] = (weight[a] * mean[a] + weight[b] * mean[b]) / total
        weight[a], last[a] = total, last[b]
        age[a], age[b] = age[a] + 1, -1
        right[a] = right[b]
        if right[b] >= 0:
            left[right[b]] = a
            _push(heap, mean, weight, age, a, right[b])
        if left[a] >= 0:
            _push(heap, mean, weight, age, left[a], a)
    return joins


def _apart(mean: list[float], weight: list[float], a: int, b: int) -> float:
    return (2 * weight[a] * weight[b] / (weight[a] + weight[b])) ** 0.5 * abs(mean[b] - mean[a])


def _push(
    heap: list[tuple[float, int, int, int, int]],
    mean: list[float],
    weight: list[float],
    age: list[int],
    a: int,
    b: int,
) -> None:
    heapq.heappush(heap, (_apart(mean, weight, a, b), a, b, age[a], age[b]))


def pre_merge(
    motion: np.ndarray, area: np.ndarray, pairs: np.ndarray, near_px: float
) -> np.ndarray:
    """Join touching elements that move alike: new number of each, int32 [n], without gaps.

    motion: float64 [n, steps, 2], pixels per frame, NaN where unseen; area: [n]; pairs: int
    [borders, 2], touching elements. The pair of least root-mean-square difference goes first,
    means are weighted by area.
    """
    count = len(motion)
    known = np.asarray(~np.isnan(motion).any(axis=2))
    mean = np.where(known[..., None], motion, 0.0)
    weight = known * area[:, None].astype(np.float64)
    around: list[set[int]] = [set() for _ in range(count)]
    for a, b in pairs.tolist():
        around[a].add(b)
        around[b].add(a)
    age = [0] * count
    heap = [(_unlike(mean, weight, a, b), a, b, 0, 0) for a, b in pairs.tolist()]
    heapq.heapify(heap)
    union = Union(count)
    while heap and heap[0][0] < near_px:
        _, a, b, age_a, age_b = heapq.heappop(heap)
        if age[a] != age_a or age[b] != age_b:
            continue
        union.join(a, b)
        _mix(mean, weight, a, b)
        age[a], age[b] = age[a] + 1, -1
        around[a] = (around[a] | around[b]) - {a, b}
        for other in around[a]:
            around[other].discard(b)
            around[other].add(a)
            heapq.heappush(heap, (_unlike(mean, weight, a, other), a, other, age[a], age[other]))
    return union.labels()


def _unlike(motion: np.ndarray, weight: np.ndarray, a: int, b: int) -> float:
    """Root-mean-square difference of motion where both are seen; infinite where never."""
    both = (weight[a] > 0) & (weight[b] > 0)
    if not both.any():
        return float("inf")
    apart = motion[a, both] - motion[b, both]
    return float(np.sqrt((apart**2).sum(axis=1).mean()))


def _mix(motion: np.ndarray, weight: np.ndarray, a: int, b: int) -> None:
    total = weight[a] + weight[b]
    share = np.divide(weight[a], total, out=np.zeros_like(total), where=total > 0)[:, None]
    motion[a] = share * motion[a] + (1 - share) * motion[b]
    weight[a] = total
