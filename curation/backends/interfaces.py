"""What the chain of stages asks of a replaceable part; models with weights implement the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from curation.dataset.provenance import Annotation


class Segmenter(Protocol):
    """Cuts one picture up."""

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """RGB uint8 [h, w, 3] to regions, int32 [h, w] from 0 without gaps."""
        ...


class FlowEstimator(Protocol):
    """Measures motion between two pictures."""

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """RGB uint8 [h, w, 3] twice to pixels from the first to the second, float32 [h, w, 2]."""
        ...


class Propagator(Protocol):
    """Follows labels through a clip."""

    def __call__(self, frames: np.ndarray, first: np.ndarray, regions: np.ndarray) -> np.ndarray:
        """Labels of every frame, int32 [frames, h, w].

        frames: RGB uint8 [frames, h, w, 3]; first: int [h, w]; regions: int [frames, h, w].
        """
        ...


class Tracker(Protocol):
    """Follows points."""

    def __call__(self, frames: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places float32 [n, frames, 2] and visibility bool [n, frames] of points [n, 2]."""
        ...


class Sketcher(Protocol):
    """Draws the lines of a picture."""

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """RGB uint8 [h, w, 3] to uint8 [h, w], 0 on a line .. 255 paper."""
        ...


class Captioner(Protocol):
    """Says in words what is seen."""

    @property
    def made_by(self) -> dict[str, str]:
        """`model`, `revision` and `prompt_hash`, kept with the words."""
        ...

    def __call__(self, frames: np.ndarray, *, layer: bool = False) -> str:
        """RGB uint8 [frames, h, w, 3] to one to three sentences; `layer`: all but one is white."""
        ...


@dataclass(frozen=True)
class Backends:
    """One of each, and what they leave in a clip's provenance.

    `caption`: None puts measured facts into words. `finds_newcomers`: `propagate` gives labels of
    their own to elements that enter later.
    """

    segment: Segmenter
    flow: FlowEstimator
    propagate: Propagator
    track: Tracker
    sketch: Sketcher
    annotations: tuple[Annotation, ...]
    caption: Captioner | None = None
    finds_newcomers: bool = False
