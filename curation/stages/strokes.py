"""Regions cut where lines run: an inked outline belongs to what it outlines, piece by piece.

Outlines of neighbours run into each other, so one region of ink often lies on two layers. Every
thin part is cut where the surfaces beside it change; the chain and the run call this.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True)
class StrokeSettings:
    """What counts as a line; lengths are meant for pictures about 512 wide.

    `width_px`: parts narrower than this odd number are lines. `reach_px`: how far, to either side,
    the surfaces beside a line are looked for. `least_px`: smaller pieces join the next one of
    their region.
    """

    width_px: int = 5
    reach_px: int = 3
    least_px: int = 12


_NO_LIMIT = 65_535
"""Labels are kept in 16 bits."""
_TURNS = 5
"""How often the least size doubles before a picture is left uncut."""


def cut_strokes(
    labels: np.ndarray, settings: StrokeSettings | None = None, *, most: int = _NO_LIMIT
) -> np.ndarray:
    """Regions with their lines cut into pieces, int32 [h, w] from 0; labels: int [h, w] from 0.

    Every piece lies within one of the old regions and hangs together. Of more pieces than `most`
    the smallest are joined again; where that is not enough, as on grain and text, none is cut.
    """
    settings = settings or StrokeSettings()
    wide = np.ones((settings.width_px, settings.width_px), np.uint8)
    tall = labels.astype(np.float32)  # OpenCV erodes no whole numbers above 16 bits
    inner = cv2.erode(tall, wide) == cv2.dilate(tall, wide)
    surface = cv2.dilate(inner.view(np.uint8), wide) > 0
    around = np.ones((2 * settings.reach_px + 1,) * 2, np.uint8)
    low = cv2.erode(np.where(surface, tall, np.float32(2**24)), around)
    high = cv2.dilate(np.where(surface, tall, np.float32(-1)), around)
    beside = np.where(surface[..., None], 0, np.stack([low, high], 2))
    key = np.dstack([tall, surface, beside])  # [h, w, 4]
    pieces = _hanging_together((key[:, 1:] == key[:, :-1]).all(2), (key[1:] == key[:-1]).all(2))
    for least_px in (settings.least_px * 2**turn for turn in range(_TURNS)):
        pieces = _without_crumbs(pieces, labels, least_px)
        if int(pieces.max()) < most:
            return pieces
    return labels.astype(np.int32)


def _hanging_together(across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Numbers of the connected parts, int32 [h, w]; bool [h, w - 1] and [h - 1, w]: joined."""
    height, width = across.shape[0], down.shape[1]
    here = np.arange(height * width, dtype=np.int32).reshape(height, width)
    rows = np.concatenate([here[:, :-1][across], here[:-1][down]])
    columns = np.concatenate([here[:, 1:][across], here[1:][down]])
    graph = coo_matrix((np.ones(len(rows), np.int8), (rows, columns)), (here.size,) * 2)
    return connected_components(graph.tocsr(), directed=False)[1].reshape(height, width)


def _without_crumbs(pieces: np.ndarray, labels: np.ndarray, least_px: int) -> np.ndarray:
    """Small pieces joined to the piece of their region that they touch longest, int32 [h, w]."""
    count = int(pieces.max()) + 1
    for _ in range(_ROUNDS):
        area = np.bincount(pieces.ravel(), minlength=count)
        small, large, length = _inner_borders(pieces, labels, area, least_px, count)
        if not len(small):
            break
        order = np.lexsort((large, length, small))
        last = np.append(small[order][1:] != small[order][:-1], True)
        into = np.arange(count)
        into[small[order][last]] = large[order][last]
        pieces = into[pieces]
    return np.unique(pieces, return_inverse=True)[1].reshape(pieces.shape).astype(np.int32)


_ROUNDS = 8
"""Crumbs of crumbs take some turns; what is left then stays."""


def _inner_borders(
    pieces: np.ndarray, labels: np.ndarray, area: np.ndarray, least_px: int, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Small pieces, larger ones of the same region beside them, lengths of their borders."""
    keys = []
    for first, second, same in (
        (pieces[:, 1:], pieces[:, :-1], labels[:, 1:] == labels[:, :-1]),
        (pieces[1:], pieces[:-1], labels[1:] == labels[:-1]),
    ):
        inner = same & (first != second)
        for a, b in ((first[inner], second[inner]), (second[inner], first[inner])):
            # By area, then by number, so that two crumbs never change places.
            onto = (area[a] < least_px) & ((area[b] > area[a]) | (area[b] == area[a]) & (b > a))
            keys.append(a[onto].astype(np.int64) * count + b[onto])
    key, length = np.unique(np.concatenate(keys), return_counts=True)
    return key // count, key % count, length
