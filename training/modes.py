"""The ways a clip can be asked for: which keys and which controls; builds the engines' tasks.

Used by the evaluation and by the trainer's data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.layer_motion.task import GapTask
from training.procedural import RenderedClip, SketchStyle

SPARSE_SKETCHES = 4  # keys and two drawings between, evenly spaced
ROUGH_JITTER_PX, ROUGH_LINES = 2.0, 320


@dataclass(frozen=True)
class Mode:
    """One column of the evaluation: with a last key or not, tracked points, sketches per layer.

    `sketches`: 0 none, `SPARSE_SKETCHES`, or -1 for every frame. `rough`: the sketches are those of
    `rough_style`.
    """

    name: str
    last_key: bool
    points: int = 0
    sketches: int = 0
    rough: bool = False

    @property
    def has_sketch(self) -> bool:
        """Whether layers come with sketches."""
        return self.sketches != 0


MODES: tuple[Mode, ...] = (
    Mode("interpolate/none", True),
    Mode("interpolate/1-point", True, points=1),
    Mode("interpolate/3-points", True, points=3),
    Mode("interpolate/4-sketches", True, sketches=SPARSE_SKETCHES),
    Mode("interpolate/dense-sketch", True, sketches=-1),
    Mode("animate/1-point", False, points=1),
    Mode("animate/3-points", False, points=3),
    Mode("animate/4-sketches", False, sketches=SPARSE_SKETCHES),
    Mode("animate/dense-sketch", False, sketches=-1),
    Mode("interpolate/rough-sketch", True, sketches=-1, rough=True),
    Mode("animate/rough-sketch", False, sketches=-1, rough=True),
)


def rough_style(height: int) -> SketchStyle:
    """Rough sketches for frames of `height` lines: trembling, broken, every line drawn twice.

    The tremble is 2 px rms where the picture has `ROUGH_LINES` lines and the same share of it at
    any other size: 2 px of 96 lines would leave no limb and no eye to recognise.
    """
    jitter_px = ROUGH_JITTER_PX * height / ROUGH_LINES
    return SketchStyle(jitter_px=jitter_px, gaps=0.2, doubles=1.0)


def sketched_frames(mode: Mode, frames: int) -> tuple[int, ...]:
    """Frames that carry a sketch, keys included."""
    if not mode.has_sketch:
        return ()
    if mode.sketches < 0:
        return tuple(range(frames))
    return tuple(int(f) for f in np.rint(np.linspace(0, frames - 1, mode.sketches)))


def layer_task(clip: RenderedClip, layer: int, mode: Mode) -> GapTask:
    """One layer of a clip as a task; moment f is frame f, so the keys are the first and last."""
    frames = clip.clip.frames
    wanted = range(1, frames - 1 if mode.last_key else frames)
    pictures = clip.layers[layer]
    return GapTask(
        width=clip.width,
        height=clip.height,
        first=pictures[0],
        last=pictures[-1] if mode.last_key else None,
        times=tuple(clip.clip.time(frame) for frame in wanted),
        tracks=clip.tracks[layer, :, : mode.points].copy() if mode.points else None,
        sketches={
            frame: clip.sketches[layer, frame].astype(np.float32) / 255
            for frame in sketched_frames(mode, frames)
        },
    )
