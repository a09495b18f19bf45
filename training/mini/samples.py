"""Layer-frames with a sketch as training samples: layer motion's drawing and the true one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from backend.layer_motion.engine import animate_gap
from backend.layer_motion.task import GapTask
from backend.mini.frames import LayerFrame, Window, cut, layer_frame, premultiplied
from backend.mini.network import IN_CHANNELS
from shared.pictures import Picture
from training.mini.settings import MiniData
from training.modes import SPARSE_SKETCHES, Mode, layer_task, rough_style
from training.procedural import SketchStyle, make_clip, render
from training.procedural.look import repainted
from training.procedural.motion import ASPECT

VALIDATION_SEEDS = 1_000_000_000  # validation seeds start here, training seeds stay below


Crop = tuple[np.ndarray, np.ndarray, np.ndarray, float]  # inputs, target, allowed, fit error


@dataclass(frozen=True, eq=False)
class Samples:
    """Crops of layer-frames, uint8: `inputs` [n, 10, s, s] as the network takes them, `target`
    [n, 4, s, s] premultiplied RGBA, `allowed` [n, s, s] 0 or 1; 255 stands for 1.0.
    `fit_error_px` float32 [n]: how far layer motion stayed off its sketch, as in `GapResult`.
    """

    inputs: np.ndarray
    target: np.ndarray
    allowed: np.ndarray
    fit_error_px: np.ndarray

    def part(self, rows: np.ndarray | slice) -> Samples:
        """Some of the samples."""
        return Samples(
            self.inputs[rows], self.target[rows], self.allowed[rows], self.fit_error_px[rows]
        )

    def __len__(self) -> int:
        return len(self.inputs)


def clip_samples(seed: int, data: MiniData) -> Samples:
    """All samples of one clip of the stream "train"; the same for the same seed and data."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, 0x5A3])
    height = int(rng.choice(data.heights))
    clip = make_clip(seed, stream="train", frames=int(rng.choice(data.frames)))
    if rng.random() < data.repainted_share:
        clip = repainted(clip, seed)
    style = _style(rng, data, height)
    rendered = render(clip, round(ASPECT * height), height, sketch=style)
    mode = Mode(
        "training",
        last_key=bool(rng.random() < data.interpolate_share),
        sketches=-1 if rng.random() < data.dense_share else SPARSE_SKETCHES,
    )
    crops: list[Crop] = []
    for index, layer in enumerate(clip.layers):
        if layer.stratum != "static":
            truth = rendered.layers[index]
            crops += task_crops(layer_task(rendered, index, mode), truth, mode, data, rng)
    return stacked(crops, data.crop)


def stacked(crops: list[Crop], side: int) -> Samples:
    """Samples of crops; well-shaped even without any."""
    if not crops:
        return Samples(
            np.zeros((0, IN_CHANNELS, side, side), np.uint8),
            np.zeros((0, 4, side, side), np.uint8),
            np.zeros((0, side, side), np.uint8),
            np.zeros(0, np.float32),
        )
    inputs, target, allowed, errors = zip(*crops, strict=True)
    return Samples(
        np.stack(inputs), np.stack(target), np.stack(allowed), np.array(errors, np.float32)
    )


def _style(rng: np.random.Generator, data: MiniData, height: int) -> SketchStyle:
    if rng.random() < data.clean_share:
        return SketchStyle()
    if data.rough_share and rng.random() < data.rough_share:
        return replace(rough_style(height), seed=int(rng.integers(1 << 31)))
    return SketchStyle(
        width_px=float(rng.uniform(0.9, 2.0)),
        jitter_px=float(rng.uniform(0.0, 0.5)),
        gaps=float(rng.uniform(0.0, data.gaps)) if rng.random() < 0.5 else 0.0,
        seed=int(rng.integers(1 << 31)),
    )


def task_crops(
    task: GapTask,
    truth: Sequence[Picture],
    mode: Mode,
    data: MiniData,
    rng: np.random.Generator,
) -> list[Crop]:
    """Layer motion's answers to a task at sketched moments, beside the true pictures by moment."""
    result = animate_gap(task)
    moments = [moment for moment in task.sketches if 1 <= moment <= len(result.pictures)]
    chosen = rng.permutation(moments)[: data.frames_per_layer]
    crops: list[Crop] = []
    for moment in sorted(int(m) for m in chosen):
        frame = layer_frame(result.pictures[moment - 1], task.sketches[moment])
        error_px = result.fit_errors_px[moment - 1]
        if frame is not None and error_px is not None:
            true = truth[moment].on_canvas(task.width, task.height)
            images = _crop(frame, true, data.crop, last_key=mode.last_key)
            crops.append((*images, error_px))
    return crops


def _crop(
    frame: LayerFrame, truth: np.ndarray, side: int, *, last_key: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The middle of a layer-frame, cut or padded to a square."""
    target = cut(premultiplied(truth), frame.window)
    inputs = frame.inputs(last_key=last_key)
    return (
        np.stack([_square(plane, side) for plane in _bytes(inputs)]),
        np.stack([_square(plane, side) for plane in _bytes(target.transpose(2, 0, 1))]),
        _square(frame.allowed.astype(np.uint8), side),
    )


def _square(plane: np.ndarray, side: int) -> np.ndarray:
    height, width = plane.shape
    top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return cut(plane, Window(left, top, side, side))


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(values * 255).clip(0, 255).astype(np.uint8)
