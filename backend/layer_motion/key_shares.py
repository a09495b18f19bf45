"""Which key's art shows a place of a drawing between both; for sketch_fit.py and the engine.

Art of two keys that follow the same sketch differs where one of them cannot show what is drawn: a
cheek that was turned away, an arm that was folded. Mixed evenly, both would be seen at once. So
each key counts, place by place, by how near its lines came to the sketch there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import KDTree

_AROUND_PX = 6.0  # sigma of the window in which lines are compared, in working pixels
_FAR_PX = 4.0  # beyond this, all distances are alike
_FEW = 0.002  # points per working pixel: with fewer around, the whole drawing's error counts


@dataclass(frozen=True, eq=False)
class KeyShares:
    """Share of the last key all over the frame: 0 where the first key alone shows, 1 the last.

    `values` float32 [rows, columns]; `cell` (across, down): camera pixels of one. Beyond the frame
    its border goes on.
    """

    values: np.ndarray
    cell: tuple[float, float]

    def at(self, where: np.ndarray) -> np.ndarray:
        """Shares at camera positions float32 [h, w, 2]: float32 [h, w]."""
        if self.values.size == 1:
            return np.full(where.shape[:2], self.values[0, 0])
        across = where[..., 0] / np.float32(self.cell[0]) - np.float32(0.5)
        down = where[..., 1] / np.float32(self.cell[1]) - np.float32(0.5)
        return cv2.remap(
            self.values, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )

    def steep(self, steepness: float) -> KeyShares:
        """The same with less room for mixtures, which soften and double outlines.

        `steepness`: 1 leaves all as it is; twice as much, half as many mixtures.
        """
        steeper = np.clip(0.5 + (self.values - 0.5) * steepness, 0.0, 1.0)
        return KeyShares(steeper.astype(np.float32), self.cell)

    @property
    def is_mixed(self) -> bool:
        """True where some place shows both keys."""
        return bool(((self.values > 0) & (self.values < 1)).any())


def even(share: float) -> KeyShares:
    """One share (0..1) everywhere."""
    return KeyShares(np.full((1, 1), share, np.float32), (1.0, 1.0))


def by_lines(
    moved: Sequence[np.ndarray],
    sketch: np.ndarray,
    time: float,
    size: tuple[int, int],
    *,
    alike_px: float,
) -> np.ndarray | None:
    """Shares float32 [rows, columns] of the last key by how near its lines lie to a sketch.

    `moved`: points [n, 2] of the first and of the last key's lines, `sketch` [m, 2], both in
    working pixels; `time` 0..1 between the keys; `size`: rows and columns of the frame in working
    pixels; `alike_px`: lines nearer than this are alike. None where no line of a key is in view.
    """
    errors: list[np.ndarray] = []
    for points in moved:
        seen = points[((points >= 0) & (points < size[::-1])).all(axis=1)]
        if not len(seen):
            return None
        errors.append(_local_error(seen, sketch, size))
    first, last = (1.0 / (error + alike_px**2) ** 2 for error in errors)
    return (time * last / (time * last + (1.0 - time) * first)).astype(np.float32)


def between(
    told_by: Callable[[int, int], np.ndarray | None], sketched: Sequence[int], moment: int
) -> np.ndarray | None:
    """Shares at a moment, as its own sketch or those before and behind it tell; else None.

    `told_by`: shares at a moment (second) by the sketch of another (first); `sketched`: moments in
    order. What lies outside of all sketches follows none of them.
    """
    if moment in sketched:
        return told_by(moment, moment)
    behind = bisect_left(sketched, moment)
    if behind in (0, len(sketched)):
        return None
    around = sketched[behind - 1], sketched[behind]
    early, late = (told_by(one, moment) for one in around)
    if early is None or late is None:
        return None
    part = np.float32((moment - around[0]) / (around[1] - around[0]))
    return early + part * (late - early)


def _local_error(points: np.ndarray, sketch: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Mean squared distance between lines and sketch, both ways, around every pixel: [r, c]."""
    far = np.concatenate([KDTree(sketch).query(points)[0], KDTree(points).query(sketch)[0]])
    squares = np.minimum(far, _FAR_PX) ** 2
    rows, columns = size
    cells = np.clip(np.concatenate([points, sketch]).astype(int), 0, (columns - 1, rows - 1))
    flat = cells[:, 1] * columns + cells[:, 0]
    count, total = (
        cv2.GaussianBlur(
            np.bincount(flat, weight, rows * columns).reshape(rows, columns), (0, 0), _AROUND_PX
        )
        for weight in (np.ones(len(flat)), squares)
    )
    return (total + _FEW * squares.mean()) / (count + _FEW)
