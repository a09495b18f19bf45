"""Paints a layer's sketch with the colours of its moved art; an input of the sketch expert.

The strokes cut the picture into regions. Each region takes the colour that most of the moved art
shows inside it: a limb that arrived only in part fills up, a ghost outside every outline gets the
empty region's colour, nothing.
"""

from __future__ import annotations

import cv2
import numpy as np

_PAPER = 0.3  # below this a sketch pixel belongs to a region
_LEVELS = 12  # colours are counted in this many steps per channel


def paint_sketch(art: np.ndarray, sketch: np.ndarray) -> np.ndarray:
    """The sketch in colours of the art: premultiplied float32 [h, w, 4].

    `art` premultiplied float32 [h, w, 4] 0..1; `sketch` float32 [h, w], 1 on a stroke. Strokes
    take the middle colour of the art beneath them; anti-aliased stroke edges mix both.
    """
    regions, count = _regions(sketch)
    fills = _votes(art, regions, count)  # [count, 4]
    painted = fills[_grown(regions, sketch)]  # [h, w, 4]
    ink = _ink(art, sketch)
    strength = sketch[..., None]
    return (painted * (1 - strength) + ink * strength).astype(np.float32)


def _regions(sketch: np.ndarray) -> tuple[np.ndarray, int]:
    """Label 0 on strokes, 1.. on the connected paper between them: int32 [h, w], and the count."""
    paper = (sketch < _PAPER).astype(np.uint8)
    count, labels = cv2.connectedComponents(paper, connectivity=4)
    return labels, count


def _grown(labels: np.ndarray, sketch: np.ndarray) -> np.ndarray:
    """Labels with every stroke pixel given to its nearest region."""
    on_stroke = (sketch >= _PAPER).astype(np.uint8)
    if not on_stroke.any() or on_stroke.all():
        return labels
    _, cells = cv2.distanceTransformWithLabels(
        on_stroke, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.asarray(cells, np.int64)  # number of the nearest free pixel
    region_of = np.zeros(int(nearest.max()) + 1, labels.dtype)
    free = on_stroke == 0
    region_of[nearest[free]] = labels[free]
    return region_of[nearest]


def _votes(art: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Mean colour of the most frequent colour step in each region: float32 [count, 4]."""
    flat = art.reshape(-1, 4)
    region = labels.reshape(-1)
    steps = np.rint(flat * (_LEVELS - 1)).astype(np.int64)
    code = ((region * _LEVELS + steps[:, 0]) * _LEVELS + steps[:, 1]) * _LEVELS + steps[:, 2]
    code = code * _LEVELS + steps[:, 3]
    codes, bins, sizes = np.unique(code, return_inverse=True, return_counts=True)
    owner = codes // _LEVELS**4
    order = np.lexsort((sizes, owner))  # the largest bin of each region comes last
    winner = np.zeros(count, np.int64)
    winner[owner[order]] = order
    chosen = bins == winner[region]
    weights = chosen.astype(np.float64)
    total = np.maximum(np.bincount(region, weights, count), 1.0)
    channels = [np.bincount(region, weights * flat[:, c], count) / total for c in range(4)]
    return np.stack(channels, axis=1).astype(np.float32)


def _ink(art: np.ndarray, sketch: np.ndarray) -> np.ndarray:
    """Middle colour of the opaque art under firm strokes: float32 [4]; black without any."""
    beneath = art[(sketch > 0.6) & (art[..., 3] > 0.6)]
    if not len(beneath):
        return np.array([0, 0, 0, 1], np.float32)
    darkest = beneath[np.argsort(beneath[:, :3].sum(axis=1))[: max(1, len(beneath) // 2)]]
    return np.median(darkest, axis=0).astype(np.float32)
