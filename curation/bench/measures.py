"""The figures that the bars of curation are set in; `bars` and tests call these."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from curation.bench.synthetic import SyntheticClip
from curation.stages.elements import Elements

INK = 192


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two masks; 1.0 where both are empty."""
    union = int((first | second).sum())
    return float((first & second).sum()) / union if union else 1.0


def oracle_union(elements: Elements, mask: np.ndarray) -> float:
    """IoU of the union of regions that lie mostly inside a mask: the best that merging can do."""
    inside = np.bincount(elements.labels.ravel(), mask.ravel(), len(elements.regions))
    chosen = np.flatnonzero(inside > elements.regions.area / 2)
    return iou(np.isin(elements.labels, chosen), mask)


def best_node(elements: Elements, mask: np.ndarray) -> float:
    """Best IoU of any single node of the tree: what one click at the right scale gives."""
    inside = np.bincount(elements.labels.ravel(), mask.ravel(), len(elements.regions))
    totals = elements.tree.totals(np.stack([inside, elements.regions.area], 1))
    return float((totals[:, 0] / (totals[:, 1] + mask.sum() - totals[:, 0])).max())


def flow_error(clip: SyntheticClip, frame: int, flow: np.ndarray, thing: int) -> float:
    """Mean end-point error in pixels on what a thing shows in both frames; NaN where nothing."""
    truth, seen = clip.flow(frame)
    where = seen & (clip.things[frame] == thing)
    return float(np.linalg.norm(flow - truth, axis=2)[where].mean()) if where.any() else np.nan


def followed(clip: SyntheticClip, labels: np.ndarray, thing: int) -> float:
    """Mean IoU of a thing's propagated label over the frames after the first."""
    pairs = zip(labels[1:] == thing, clip.things[1:] == thing, strict=True)
    return float(np.mean([iou(found, true) for found, true in pairs]))


def best_layer(layers: np.ndarray, mask: np.ndarray) -> float:
    """Best IoU of any layer of a label map [h, w] with a mask."""
    return max(iou(layers == layer, mask) for layer in np.unique(layers))


def line_f1(found: np.ndarray, truth: np.ndarray, mask: np.ndarray, tolerance_px: float) -> float:
    """F1 of lines after both have the same amount of ink: the darkest pixels of `found` count.

    found, truth: uint8 [h, w], 0 = line; within `mask`. What is darker than `INK` is a line: with
    it random ink scores .45 at 1 px and .63 at 2 px, as it does in the specification (.47, .65).
    """
    real = (truth < INK) & mask
    amount = int(real.sum())
    darkest = np.argsort(np.where(mask, found.astype(np.int16), 256).ravel(), kind="stable")[
        :amount
    ]
    drawn = np.zeros(found.size, bool)
    drawn[darkest] = True
    drawn = drawn.reshape(found.shape)
    precision = float((_distance(real)[drawn] <= tolerance_px).mean())
    recall = float((_distance(drawn)[real] <= tolerance_px).mean())
    return 2 * precision * recall / max(precision + recall, 1e-9)


def _distance(lines: np.ndarray) -> np.ndarray:
    """Pixels from everywhere to the next line, float64 [h, w]."""
    return np.asarray(distance_transform_edt(~lines))
