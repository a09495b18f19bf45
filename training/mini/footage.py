"""Curated clips as lessons: their layers moved by layer motion beside what they truly did.

`shards` calls it for recipes with `source = "folders"`. The clips come from `acetate curate run`,
`acetate clips make` or any other data set with sketches.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import msgspec
import numpy as np

from backend.layer_motion.task import GapTask
from curation.dataset.clip import LayeredClip
from shared.pictures import Picture
from training.data.dataset_source import DataSetClips
from training.mini.samples import VALIDATION_SEEDS, Crop, Samples, stacked, task_crops
from training.mini.settings import MiniData, data_hash
from training.mini.stock import Stock
from training.modes import SPARSE_SKETCHES, Mode, sketched_frames

_FEWEST_FRAMES = 3
_LEAST, _LARGEST = 0.002, 0.6
"""Shares of the picture that a layer must have; the largest is the backdrop."""
_MOVES = 0.3 / 512
"""Least motion per frame, in widths of the picture."""
_LINE = 0.6
"""What a line of one source pixel keeps of its blackness at least, however small it is drawn."""


def footage_stock(data: MiniData) -> Stock:
    """Lessons of the data sets in `data.folders`, the last clips kept apart for validation.

    Raises `no_dataset` and the like, or `usage` where no clip passes.
    """
    rules = msgspec.structs.replace(
        data.where, with_sketch=True, min_frames=max(_FEWEST_FRAMES, data.where.min_frames)
    )
    clips = DataSetClips.open([Path(folder) for folder in data.folders], rules)
    apart = min(data.validation_clips, len(clips) // 4 or len(clips) // 2)
    learned = min(data.clips, len(clips) - apart)
    plain = msgspec.structs.replace(
        data, clips=1, validation_clips=1, clips_per_shard=1, folders=("",)
    )
    key = hashlib.sha256(f"{data_hash(plain)}/{clips.fingerprint}/{apart}".encode())
    return Stock(
        key.hexdigest()[:16],
        range(learned * data.draws),
        range(VALIDATION_SEEDS, VALIDATION_SEEDS + apart * data.draws),
        partial(footage_samples, clips, apart, data),
    )


def footage_samples(clips: DataSetClips, apart: int, data: MiniData, number: int) -> Samples:
    """All samples of one draw of one clip; validation counts from the first clip kept apart."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([data.seed, number, 0xF07])
    first = len(clips) - apart if number >= VALIDATION_SEEDS else 0
    index = first + (number % VALIDATION_SEEDS) // data.draws
    held = clips.frame_count(index)
    length = min(held, max(_FEWEST_FRAMES, int(rng.choice(data.frames))))
    start = int(rng.integers(held - length + 1))
    clip = clips.clip(index, range(start, start + length))
    mode = Mode(
        "training",
        last_key=bool(rng.random() < data.interpolate_share),
        sketches=-1 if rng.random() < data.dense_share else SPARSE_SKETCHES,
    )
    size = _size(clip, int(rng.choice(data.heights)))
    crops: list[Crop] = []
    for layer in moving_layers(clip):
        shown = layer_frames(clip, layer, size)
        crops += task_crops(shown.task(mode), shown.pictures, mode, data, rng)
    return stacked(crops, data.crop)


def moving_layers(clip: LayeredClip) -> list[int]:
    """Layers that move, are no backdrop and are there at both ends."""
    labels = clip.layer_labels()
    scale = clip.score_scale
    least_px = _MOVES * scale.width * scale.frame_step
    chosen = []
    for index, layer in enumerate(clip.layers):
        ends = [float((labels[frame] == index + 1).mean()) for frame in (0, -1)]
        if layer.score > least_px and min(ends) >= _LEAST and max(ends) <= _LARGEST:
            chosen.append(index)
    return chosen


@dataclass(frozen=True, eq=False)
class LayerFrames:
    """One layer of a clip by itself.

    `pictures`: one per frame, canvas-sized, straight alpha. `lines` float32 [frames, h, w], 1 on a
    stroke.
    """

    pictures: list[Picture]
    lines: np.ndarray

    def task(self, mode: Mode) -> GapTask:
        """The layer as layer motion is asked for it; moment f is frame f."""
        frames, height, width = self.lines.shape
        wanted = range(1, frames - 1 if mode.last_key else frames)
        return GapTask(
            width=width,
            height=height,
            first=self.pictures[0],
            last=self.pictures[-1] if mode.last_key else None,
            times=tuple(frame / (frames - 1) for frame in wanted),
            sketches={frame: self.lines[frame] for frame in sketched_frames(mode, frames)},
        )


def layer_frames(clip: LayeredClip, layer: int, size: tuple[int, int]) -> LayerFrames:
    """Pictures and lines of a layer at `size` (width, height); where others hide it are holes.

    The clip must have sketches.
    """
    if clip.sketch is None:
        raise ValueError("a clip without sketches")
    masks = clip.layer_labels() == layer + 1
    scale = size[1] / clip.frames.shape[1]
    near = np.ones((3, 3), np.uint8)
    pictures, lines = [], []
    for frame, mask, sketch in zip(clip.frames, masks, clip.sketch, strict=True):
        pictures.append(Picture(_cut_out(frame, mask, size)))
        ink = (255 - sketch) * cv2.dilate(mask.astype(np.uint8), near)
        fine = cv2.resize(ink.astype(np.float32) / 255, size, interpolation=cv2.INTER_AREA)
        lines.append(np.minimum(fine * max(1.0, _LINE / scale), 1.0))
    return LayerFrames(pictures, np.stack(lines).astype(np.float32))


def _cut_out(frame: np.ndarray, mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """RGBA uint8 [h, w, 4] of the masked pixels alone; no colour bleeds in over the edge."""
    cover = mask.astype(np.float32)
    art = np.concatenate([frame * cover[..., None], cover[..., None]], 2)
    small = cv2.resize(art.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    colour = small[..., :3] / np.maximum(small[..., 3:], 1e-6)
    pixels = np.concatenate([colour, 255 * small[..., 3:]], axis=2).round().clip(0, 255)
    pixels[small[..., 3] < 1 / 255] = 0
    return pixels.astype(np.uint8)


def _size(clip: LayeredClip, height: int) -> tuple[int, int]:
    return max(16, round(clip.frames.shape[2] * height / clip.frames.shape[1])), height
