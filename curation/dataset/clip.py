"""One layered clip in memory; every source of training clips makes these, every reader gives them.

After `spec/curation.md` 1.5, 1.8 and 4: pixels belong to elements, elements to layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curation.dataset.provenance import Provenance


@dataclass(frozen=True)
class Element:
    """A piece of the picture that moves as one; `labels` counts these from 1.

    `score`: mean length of its motion, in the units of the clip's `ScoreScale`. `layer`: index
    into the clip's layers.
    """

    name: str
    score: float
    layer: int


@dataclass(frozen=True)
class LayerFacts:
    """One layer: a union of elements. `score` as of elements, not yet normalised.

    `caption` may be empty; the clip's own caption then stands for it.
    """

    name: str
    score: float
    caption: str = ""


@dataclass(frozen=True)
class ScoreScale:
    """What a score counts: pixels of a `width` x `height` picture per `frame_step` frames."""

    width: int
    height: int
    frame_step: int = 1


@dataclass(frozen=True, eq=False)
class Tracks:
    """Points followed through a clip.

    points   float32 [n, frames, 2], x and y in pixels of the clip's frames; (0, 0) is the outer
             corner of the top-left pixel; may leave the canvas
    visible  bool [n, frames]
    elements uint16 [n], index into the clip's elements
    """

    points: np.ndarray
    visible: np.ndarray
    elements: np.ndarray

    @classmethod
    def none(cls, frames: int) -> Tracks:
        """No track at all, well-shaped."""
        return cls(
            np.zeros((0, frames, 2), np.float32),
            np.zeros((0, frames), np.bool_),
            np.zeros(0, np.uint16),
        )

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, eq=False)
class LayeredClip:
    """Frames with what belongs to which layer, and all that a model may be steered by.

    frames  uint8 [frames, h, w, 3], RGB
    labels  uint8 or uint16 [frames, h, w]: k > 0 shows `elements[k - 1]`, 0 none of them
    layers  in depth order where it is known, the lowest first; `depth_known` tells
    sketch  uint8 [frames, h, w], 0 on a line .. 255 paper, of the whole picture; None = none made
    flow    float16 [frames - 1, h, w, 2], pixels to the next frame; None = not kept
    """

    clip_id: str
    fps: float
    frames: np.ndarray
    labels: np.ndarray
    elements: tuple[Element, ...]
    layers: tuple[LayerFacts, ...]
    score_scale: ScoreScale
    tracks: Tracks
    caption: str
    provenance: Provenance
    depth_known: bool = False
    sketch: np.ndarray | None = None
    flow: np.ndarray | None = None

    def layer_labels(self) -> np.ndarray:
        """Labels by layer instead of element: uint8 [frames, h, w], k > 0 is `layers[k - 1]`."""
        table = np.array([0, *(element.layer + 1 for element in self.elements)], np.uint8)
        return table[self.labels]
