"""When a followed element is still itself; `chain` asks, to judge motion by no other frame.

Labels never end: what is hidden leaves its label to whatever lies there (`masklets`).
"""

from __future__ import annotations

import numpy as np

from curation.stages.elements import to_lab
from curation.stages.palette import palette, support

_LEAST_AREA = 0.2
"""Of its largest: below it a label lies on the rim of what has gone."""
_FAMILIAR = 0.4
"""Share of its pixels in colours that it had on the first frame."""


def like_themselves(frames: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which elements are there and look as they did, bool [frames, elements].

    frames: RGB uint8 [frames, h, w, 3]; labels: int [frames, h, w] from 0. Elements that enter
    later are judged by their area alone.
    """
    count = int(labels.max()) + 1
    area = np.stack([np.bincount(frame.ravel(), minlength=count) for frame in labels])
    shown = area >= np.maximum(_LEAST_AREA * area.max(axis=0), 1)
    colours = palette(to_lab(frames[0]), labels[0])
    for index in range(1, len(frames)):
        own = _own_colours(to_lab(frames[index]), labels[index], colours)
        shown[index, : len(own)] &= own >= _FAMILIAR
    return shown


def _own_colours(lab: np.ndarray, labels: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Share of each element's pixels in colours of its own, float64 [elements judged]."""
    shares = support(lab, labels, colours)
    judged = np.arange(min(shares.shape))
    return shares[judged, judged]
