"""Procedural clips as a source of training clips: made when asked for, exact in every respect.

Called by recipes, by `acetate clips make` and by tests. `spec/curation.md` 1.5, 1.8 and 4.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from backend.server.about import version
from curation.dataset.clip import Element, LayeredClip, LayerFacts, ScoreScale
from curation.dataset.provenance import Annotation, Provenance
from shared.errors import AcetateError
from shared.pictures import check_size
from training.data.cut import cut
from training.procedural.canvas import PAINTER
from training.procedural.clip import Clip, Stream, make_clip
from training.procedural.drawn import DrawnClip
from training.procedural.exact import dense_flow, element_scores, grid_tracks
from training.procedural.figure_clip import draw_figures, layer_sketches
from training.procedural.look import repainted
from training.procedural.studio import make_scene, paint, paint_layer_sketches
from training.procedural.studio.scene import Scene

GENERATOR = "acetate.procedural/1"
"""Name and version of the generators; whoever changes a clip raises the number."""

MADE_ON = "2026-11-21"
"""Day of that version: the date of acquisition and consent of all its clips."""

SourceStream = Literal["studio", "train", "evaluate"]
_MAX_FRAMES = 256
_OWNER = "The Acetate project"
_TRACKS_ACROSS = 10
_KINDS = ("masks", "flow", "tracks", "scores", "sketch", "caption")


@dataclass(frozen=True)
class ProceduralClips:
    """`count` clips of `width` x `height` pixels and `length` frames; a `ClipSource`.

    Clip i depends on (`stream`, `seed`, i) and the size alone, on any machine. Raises `size`, or
    `usage` for lengths and counts out of range.
    """

    count: int
    seed: int = 0
    width: int = 512
    height: int = 320
    length: int = 16
    stream: SourceStream = "studio"

    def __post_init__(self) -> None:
        check_size(self.width, self.height)
        if min(self.width, self.height) < 16:
            raise AcetateError("size", width=self.width, height=self.height)
        if self.count < 1 or not 0 <= self.seed < 2**31:
            raise AcetateError("usage", where="procedural clips: count from 1, seed 0 to 2^31 - 1")
        if not 2 <= self.length <= _MAX_FRAMES:
            raise AcetateError("usage", where=f"procedural clips have 2 to {_MAX_FRAMES} frames")

    @property
    def fingerprint(self) -> str:
        """Hash of all settings and of the versions of the generator and of what draws for it."""
        told = f"{self._settings()}/{self.count}/{PAINTER}"
        return hashlib.sha256(told.encode()).hexdigest()

    def __len__(self) -> int:
        return self.count

    def frame_count(self, index: int) -> int:
        """Frames of every clip."""
        self._check(index)
        return self.length

    def clip_id(self, index: int) -> str:
        """Name of clip `index`, unique over streams and seeds."""
        return f"{self.stream}-{self.seed:08x}-{index:08d}"

    def clip(self, index: int, frames: Sequence[int] | None = None) -> LayeredClip:
        """See `ClipSource`. Raises `not_found` for an index that does not exist."""
        self._check(index)
        whole = layered(self.drawn(index), self.clip_id(index), self.provenance(index))
        return whole if frames is None else cut(whole, frames)

    def drawn(self, index: int) -> DrawnClip:
        """Clip `index` with its pieces and its motion as functions."""
        self._check(index)
        if self.stream == "studio":
            return paint(self._scene(index), self.width, self.height)
        return draw_figures(self._figures(index, self.stream), self.width, self.height)

    def layer_sketches(self, index: int) -> np.ndarray:
        """Line drawings of clip `index`, layer by layer, also where others hide it.

        uint8 [layers, frames, h, w], 0 on a line .. 255 paper.
        """
        self._check(index)
        if self.stream == "studio":
            return paint_layer_sketches(self._scene(index), self.width, self.height)
        return layer_sketches(self._figures(index, self.stream), self.width, self.height)

    def _scene(self, index: int) -> Scene:
        return make_scene((self.seed, index), frames=self.length)

    def _figures(self, index: int, stream: Stream) -> Clip:
        number = (self.seed << 32) | index
        clip = make_clip(number, stream=stream, frames=self.length)
        return repainted(clip, number) if stream == "train" else clip

    def provenance(self, index: int) -> Provenance:
        """The project's own work, under the project's licence."""
        name = f"{GENERATOR}/{self.stream}/{self.seed}/{index}"
        return Provenance(
            source_id=hashlib.sha256(name.encode()).hexdigest(),
            source=name,
            title=f"Procedural clip {self.clip_id(index)}",
            rights_holder=_OWNER,
            licence="Apache-2.0",
            licence_evidence="LICENSE of the generator's source; the clip is drawn by it alone",
            consent_for_training=True,
            consent_by=_OWNER,
            consent_date=MADE_ON,
            attribution=_OWNER,
            acquired=MADE_ON,
            first=0,
            last=self.length - 1,
            toolkit=f"acetate {version()}",
            parameters_hash=hashlib.sha256(self._settings().encode()).hexdigest(),
            annotations=tuple(
                Annotation(kind, "exact geometry", GENERATOR, "Apache-2.0") for kind in _KINDS
            ),
        )

    def _settings(self) -> str:
        size = f"{self.width}x{self.height}x{self.length}"
        return f"{GENERATOR}/{self.stream}/{self.seed}/{size}"

    def _check(self, index: int) -> None:
        if not 0 <= index < self.count:
            raise AcetateError("not_found", what=f"procedural clip {index} of {self.count}")


def layered(drawn: DrawnClip, clip_id: str, provenance: Provenance) -> LayeredClip:
    """A drawn clip with flow, tracks and scores computed from its own geometry."""
    _, height, width = drawn.pieces.shape
    flow = dense_flow(drawn.pieces, drawn.movement)
    shown = drawn.piece_elements[drawn.pieces]  # [frames, h, w], from 0
    scores = element_scores(flow, shown, len(drawn.elements))
    elements = tuple(
        Element(element.name, float(score), element.layer)
        for element, score in zip(drawn.elements, scores, strict=True)
    )
    layers = tuple(
        LayerFacts(layer.name, _layer_score(elements, number), layer.caption)
        for number, layer in enumerate(drawn.layers)
    )
    small = np.uint8 if len(elements) < 256 else np.uint16
    spacing_px = height / _TRACKS_ACROSS
    return LayeredClip(
        clip_id=clip_id,
        fps=drawn.fps,
        frames=drawn.frames,
        labels=(shown + 1).astype(small),
        elements=elements,
        layers=layers,
        score_scale=ScoreScale(width, height),
        tracks=grid_tracks(drawn.pieces, drawn.piece_elements, drawn.movement, spacing_px),
        caption=drawn.caption,
        provenance=provenance,
        depth_known=True,
        sketch=drawn.sketch,
        flow=flow.astype(np.float16),
    )


def _layer_score(elements: Sequence[Element], layer: int) -> float:
    """Unweighted mean over the layer's elements, as the papers' merging gives it."""
    scores = [element.score for element in elements if element.layer == layer]
    return float(np.mean(scores)) if scores else 0.0
