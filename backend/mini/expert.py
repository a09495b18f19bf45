"""Where the sketch expert may correct layer motion, and how; called by the pipeline.

The rules stand outside the network, so that everything they do not name is bit-equal to layer
motion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from backend.layer_motion.task import GapResult, GapTask
from backend.mini.frames import enlarged_change, layer_frame, with_change
from backend.mini.guard import guarded
from backend.mini.network import SketchExpertNet, corrected
from backend.mini.weights import NAME, load_weights
from backend.weights import bundled
from shared.pictures import Picture

MIN_FIT_ERROR_PX = 0.05  # closer than this layer motion leaves too little to mend (card.md)
MIN_ENLARGED_ERROR_PX = 0.2  # enlarged corrections soften lines: only clear misfits are mended
MAX_ENLARGEMENT = 3.0  # beyond, an enlarged correction is a smudge beside the artist's crisp lines


@dataclass(frozen=True, eq=False)
class Expert:
    """The loaded network; `sha256` names its weights."""

    network: SketchExpertNet
    working_height: int
    sha256: str

    def change(self, inputs: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """Correction of the art: inputs [10, h, w], allowed [h, w] -> float32 [h, w, 4]."""
        with torch.inference_mode():
            batch = torch.from_numpy(inputs)[None]
            mask = torch.from_numpy(allowed.astype(np.float32))[None, None]
            trust, residual = self.network(batch)
            refined = corrected(batch, trust, residual, mask)
            return (refined - batch[:, :4])[0].permute(1, 2, 0).numpy()


@lru_cache(maxsize=4)
def load_expert(folder: Path | None = None) -> Expert:
    """The bundled expert, or that of a folder; cached. Raises `model_missing`, `model_corrupt`."""
    network, config = load_weights(folder or bundled(NAME))
    return Expert(network, config.working_height, config.sha256)


def _no_check() -> None:
    return


def refine_gap(
    task: GapTask,
    result: GapResult,
    expert: Expert,
    *,
    check: Callable[[], None] = _no_check,
) -> GapResult:
    """Layer motion's drawings with those corrected that have a sketch of their own.

    Untouched: drawings without a sketch, drawings that fit theirs within `MIN_FIT_ERROR_PX` (where
    the camera has more lines than the working height: `MIN_ENLARGED_ERROR_PX`) or whose fit is not
    known, drawings that are a key's own picture (a static layer), and of the
    others all pixels farther than `REACH_PX` from art and strokes, and whatever the guard of
    guard.py keeps: broad areas and interiors of opaque art; all of them where the camera has more
    than `MAX_ENLARGEMENT` times the working height. Returns `result` itself where nothing
    changed. `check` is called before every drawing and may raise to stop.
    """
    if task.height > MAX_ENLARGEMENT * expert.working_height:
        return result
    enlarged = task.height > expert.working_height
    least_px = MIN_ENLARGED_ERROR_PX if enlarged else MIN_FIT_ERROR_PX
    pictures = list(result.pictures)
    for index, error_px in enumerate(result.fit_errors_px):
        sketch = task.sketches.get(index + 1)
        if sketch is None or error_px is None or error_px <= least_px:
            continue
        if not _is_key(pictures[index], task):
            check()
            last_key = task.last is not None
            pictures[index] = _refined(pictures[index], sketch, expert, last_key=last_key)
    if all(new is old for new, old in zip(pictures, result.pictures, strict=True)):
        return result
    return GapResult(tuple(pictures), f"{result.method}+mini", result.fit_errors_px)


def _is_key(picture: Picture, task: GapTask) -> bool:
    return any(key is not None and _equal(picture, key) for key in (task.first, task.last))


def _equal(one: Picture, other: Picture) -> bool:
    if one is other:
        return True
    one, other = one.cropped(), other.cropped()
    return (one.x, one.y) == (other.x, other.y) and np.array_equal(one.pixels, other.pixels)


def _refined(picture: Picture, sketch: np.ndarray, expert: Expert, *, last_key: bool) -> Picture:
    height, width = sketch.shape
    scale = min(1.0, expert.working_height / height)
    frame = layer_frame(picture, sketch, scale)
    if frame is None:
        return picture
    change = guarded(frame, expert.change(frame.inputs(last_key=last_key), frame.allowed))
    if scale == 1:
        return with_change(picture, change, frame.window.left, frame.window.top)
    return with_change(picture, *enlarged_change(picture, frame, change, (width, height)))
