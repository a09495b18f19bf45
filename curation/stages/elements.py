"""Elements of one picture without weights: Lab-gradient watershed, then a tree of regions.

`spec/curation.md` 3.2: the only cheap method that never loses a layer of a real anime frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from curation.stages.regions import Regions, measure
from curation.stages.tree import RegionTree, absorb_small, partition_tree
from curation.stages.watershed import watershed


@dataclass(frozen=True)
class ElementSettings:
    """How pictures are cut up; lengths are meant for pictures about 512 wide.

    `sigma_px`: blur before the gradient. `depth`: least rise, in Lab units per pixel, that keeps
    two regions apart. `least_px`: smaller regions join their likest neighbour. `most_regions`:
    above it the cheapest joinings of the tree are made until so many are left.
    """

    sigma_px: float = 1.0
    depth: float = 1.25
    least_px: int = 60
    most_regions: int = 250


@dataclass(frozen=True, eq=False)
class Elements:
    """One picture cut up: `labels` int32 [h, w] from 0, figures of the regions, and their tree."""

    labels: np.ndarray
    regions: Regions
    tree: RegionTree

    def mask(self, node: int) -> np.ndarray:
        """Pixels below a node of the tree, bool [h, w]."""
        return np.isin(self.labels, self.tree.members(node))

    def click(self, x: int, y: int, scales: int = 4) -> list[int]:
        """Nodes that hold a pixel, small to large, at most `scales` of them, each a real step up.

        Like the several masks that a segmenter offers for one click.
        """
        path = self.tree.ancestors(int(self.labels[y, x]))
        area = self.tree.totals(self.regions.area)
        wanted = np.geomspace(area[path[0]], self.labels.size, scales)
        nearest = {min(path, key=lambda n, w=w: (abs(np.log(area[n] / w)), n)) for w in wanted}
        return sorted(nearest, key=lambda node: (area[node], node))


def to_lab(picture: np.ndarray) -> np.ndarray:
    """RGB uint8 [h, w, 3] to CIE Lab float32, L in 0 .. 100."""
    return cv2.cvtColor(picture.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)


def lab_gradient(lab: np.ndarray, sigma_px: float) -> np.ndarray:
    """Length of the colour gradient, float32 [h, w], in Lab units per pixel."""
    soft = cv2.GaussianBlur(lab, (0, 0), sigma_px)
    across = cv2.Scharr(soft, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(soft, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.sqrt((across**2 + down**2).sum(axis=2))


def region_labels(picture: np.ndarray, settings: ElementSettings | None = None) -> np.ndarray:
    """Regions of an RGB uint8 picture [h, w, 3] as int32 [h, w] from 0; no tree is made."""
    settings = settings or ElementSettings()
    lab = to_lab(picture)
    return _cut_up(lab, lab_gradient(lab, settings.sigma_px), settings)


def segment(picture: np.ndarray, settings: ElementSettings | None = None) -> Elements:
    """Cut an RGB uint8 picture [h, w, 3] into regions and join them into a tree."""
    settings = settings or ElementSettings()
    lab = to_lab(picture)
    gradient = lab_gradient(lab, settings.sigma_px)
    labels = _cut_up(lab, gradient, settings)
    regions = measure(labels, lab, gradient)
    return Elements(labels, regions, partition_tree(regions))


def _cut_up(lab: np.ndarray, gradient: np.ndarray, settings: ElementSettings) -> np.ndarray:
    basins = watershed(gradient, settings.depth)
    labels = absorb_small(measure(basins, lab, gradient), settings.least_px)[basins]
    if int(labels.max()) < settings.most_regions:
        return labels
    tree = partition_tree(measure(labels, lab, gradient))
    return _first_joinings(tree, settings.most_regions)[labels]


def _first_joinings(tree: RegionTree, most: int) -> np.ndarray:
    """Number of every leaf once the first joinings left `most` regions, int32 [leaves]."""
    into = np.arange(2 * tree.leaves - 1)
    for index in range(tree.leaves - most):
        into[tree.children[index]] = tree.leaves + index
    for node in range(len(into) - 1, -1, -1):
        into[node] = into[into[node]]
    return np.unique(into[: tree.leaves], return_inverse=True)[1].astype(np.int32)
