"""What one LayerAnimate call needs and reports, as plain arrays; used by the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

NO_SCORE = -1.0
"""Motion score of a slot that is steered by something else, or not used at all."""


@dataclass(frozen=True)
class ClipTokens:
    """What the text and image encoders saw, for the prompt and for its neutral counterpart.

    `text` [77, c] and `image` [m, e] hold encoder outputs (before the resampler); the `neutral_`
    ones belong to the empty prompt and to the all-zero picture (spec 2, guidance order).
    """

    text: FloatArray
    neutral_text: FloatArray
    image: FloatArray
    neutral_image: FloatArray


@dataclass(frozen=True)
class ClipConditions:
    """Everything that steers one clip of `frames_count` frames with n layer slots.

    frames           [K, H, W, 3] in 0..1, K = 1 (first frame) or 2 (first and last frame)
    layer_masks      [n, K, H, W] in 0..1, what belongs to each layer at the key frames
    layer_static     [n] the layer never moves
    layer_validity   [n] the slot is used
    motion_scores    [n] in 0..1, or NO_SCORE
    sketch           [n, T, H, W], 0 = stroke, 1 = blank paper; None = no layer has a sketch
    tracks           one [T, P, 2] array of x, y in pixels per layer (P may be 0); empty = none
    layer_regions    [n, K, H, W, 3] the layers' own pictures in 0..1; None = frames times mask
    tokens           None = made of the prompts by whoever paints, neutral where no encoders are
    prompt           what the shot shows, and in `negative_prompt` what it must not show

    H and W are multiples of 64; T is the model's clip length (`LayerAnimateModel.clip_frames`).
    """

    frames: FloatArray
    layer_masks: FloatArray
    layer_static: BoolArray
    layer_validity: BoolArray
    motion_scores: FloatArray
    frames_count: int
    sketch: FloatArray | None = None
    tracks: tuple[FloatArray, ...] = ()
    layer_regions: FloatArray | None = None
    fps: float = 24.0
    tokens: ClipTokens | None = None
    prompt: str = ""
    negative_prompt: str = ""

    @property
    def keys_count(self) -> int:
        """How many key frames steer the clip: 1 (animate) or 2 (interpolate)."""
        return int(self.frames.shape[0])

    @property
    def layers_count(self) -> int:
        """How many layer slots there are, used or not."""
        return int(self.layer_masks.shape[0])


@dataclass(frozen=True)
class SampleSettings:
    """How the clip is sampled (paper defaults); `preview_every` 0 means no preview pictures.

    guidance_interval  share of the steps, from and to (exclusive), that use guidance; the others
                       compute the prompted half only
    features_every     the layers' features are computed at every so many steps and held between
                       (1 = at each: exact)
    half_decode        the two-key decoder may multiply in half precision, where that is faster
    decode             what it multiplies in whatever a preset says: fp32, tf32 or bf16
    """

    steps: int = 50
    guidance_scale: float = 7.5
    guidance_rescale: float = 0.7
    eta: float = 1.0
    seed: int = 0
    preview_every: int = 0
    guidance_interval: tuple[float, float] = (0.0, 1.0)
    features_every: int = 1
    half_decode: bool = False
    decode: str = ""

    def guides(self, index: int) -> bool:
        """Whether step `index` computes both halves; at scale 1 the neutral one has no weight."""
        low, high = self.guidance_interval
        return self.guidance_scale != 1 and low <= index / self.steps < high


@dataclass(frozen=True)
class ClipProgress:
    """One report: `done` of `total` units of `stage` ("encode", "sample", "decode").

    `preview` is a small picture [h, w, 3] in 0..1 of the middle frame, where one was asked for.
    """

    stage: str
    done: int
    total: int
    preview: FloatArray | None = field(default=None, compare=False)


Check = Callable[[], None]
"""Called often; raises `AcetateError` when the job was cancelled."""

Report = Callable[[ClipProgress], None]
"""Receives progress; must return quickly."""


def ignore_check() -> None:
    """A `Check` for callers that cannot be cancelled."""


def ignore_report(progress: ClipProgress) -> None:
    """A `Report` for callers that watch nothing."""
    del progress
