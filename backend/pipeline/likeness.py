"""How near the approximate presets of a model come to `final`: measured once, kept, always told.

`execute` tells it in every take; `acetate models calibrate` and the first quick enough take
measure it. The clip is drawn here, so that everybody measures the same one.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np

from backend.measure.fidelity import psnr_db, ssim
from backend.models.layeranimate.clip import (
    NO_SCORE,
    Check,
    ClipConditions,
    FloatArray,
    Report,
    SampleSettings,
)
from backend.pipeline.presets import FINAL, Preset
from shared.blobs import write_atomically
from shared.errors import AcetateError

log = logging.getLogger("acetate.pipeline")

SETTINGS = SampleSettings(steps=50, eta=0.0, seed=1)
"""No noise but the first: a preset with fewer steps would draw other noise than final's."""

AT_ONCE_WITHIN_S = 60.0
"""A first approximate take that would be measured within this time is measured at once."""

_FINAL_COST = 8.0
"""Final and a preset together take at most so many times what the preset took."""

_MAX_FILE_BYTES = 1 << 16


class Painter(Protocol):
    """What is needed of a painter; `ClipPainter` has it."""

    @property
    def paint(self) -> Callable[[ClipConditions, SampleSettings, Check, Report], np.ndarray]:
        """One clip."""
        ...

    @property
    def clip_frames(self) -> int:
        """Frames of a clip."""
        ...

    @property
    def width(self) -> int:
        """In pixels."""
        ...

    @property
    def height(self) -> int:
        """In pixels."""
        ...


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """What one preset's frames have in common with final's from the same noise (means)."""

    psnr_db: float
    ssim: float
    steps: int
    width: int
    height: int

    @property
    def text(self) -> str:
        """One line for people."""
        return (
            f"{self.psnr_db:.1f} dB PSNR and {self.ssim:.3f} SSIM to final from the same noise "
            f"(built-in clip of a disc on a path, {self.width}x{self.height}, {self.steps} steps)"
        )


@dataclass(frozen=True)
class LikenessBook:
    """What was measured of one model in one number format; a file per preset in `folder`.

    `identity` names weights, adapters and number format; a preset whose definition has changed has
    not been measured. A damaged file counts as none.
    """

    folder: Path
    identity: str
    model: str

    def known(self, preset: Preset) -> Likeness | None:
        """What was measured of a preset."""
        try:
            path = self._path(preset)
            if path.stat().st_size > _MAX_FILE_BYTES:
                return None
            return msgspec.json.decode(path.read_bytes(), type=Likeness)
        except (OSError, msgspec.DecodeError):
            return None

    def keep(self, preset: Preset, likeness: Likeness) -> None:
        """Keeps it; where that fails the log says so, and it will be measured again."""
        try:
            write_atomically(self._path(preset), msgspec.json.encode(likeness), durable=False)
        except AcetateError as error:
            log.warning("the likeness of %s to final was not kept: %s", preset.name, error)

    def told(self, preset: Preset) -> str:
        """One line for a take: the figures, or how to get them."""
        found = self.known(preset)
        return found.text if found else f"not measured; run: acetate models calibrate {self.model}"

    def _path(self, preset: Preset) -> Path:
        text = f"{self.identity} {preset!r} {SETTINGS!r}"
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()}.json"


def is_quick(paint_s: float) -> bool:
    """Whether a preset can be measured at once, after a take that took so many seconds."""
    return paint_s * _FINAL_COST <= AT_ONCE_WITHIN_S


def measure(
    painter: Painter,
    preset: Preset,
    check: Check,
    report: Report,
    settings: SampleSettings = SETTINGS,
) -> Likeness:
    """Paints the built-in clip by `final` and by a preset. Raises what painting raises."""
    clip = built_in_clip(painter.width, painter.height, painter.clip_frames)
    final, own = (
        painter.paint(clip, some.applied(settings), check, report) for some in (FINAL, preset)
    )
    return compare(own, final, settings.steps)


def compare(frames: FloatArray, final: FloatArray, steps: int) -> Likeness:
    """Likeness of frames [T, h, w, 3] in 0..1 to those of final."""
    pairs = list(zip(_bytes(frames), _bytes(final), strict=True))
    return Likeness(
        psnr_db=round(float(np.mean([psnr_db(a, b) for a, b in pairs])), 2),
        ssim=round(float(np.mean([ssim(a, b) for a, b in pairs])), 4),
        steps=steps,
        width=int(final.shape[2]),
        height=int(final.shape[1]),
    )


def built_in_clip(width: int, height: int, frames: int) -> ClipConditions:
    """A disc that follows a curved path over a sky, from one key frame."""
    across, down = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    start, radius = np.array([0.25 * width, 0.6 * height]), 0.16 * height
    away = np.hypot(across - start[0], down - start[1])
    cover = np.clip(radius - away + 0.5, 0, 1)[..., None]  # [h, w, 1]
    sky = np.stack([0.35 + 0.3 * down / height, 0.6 + 0.2 * across / width, 0.9 + 0 * down], -1)
    ink = np.clip(2.5 - np.abs(away - radius), 0, 1)[..., None]
    disc = np.array([0.85, 0.3, 0.2]) * (1 - ink) + 0.1 * ink
    picture = sky * (1 - cover) + disc * cover
    time = np.linspace(0, 1, frames)[:, None]
    way = np.concatenate([0.45 * width * time, -0.25 * height * np.sin(np.pi * time)], axis=1)
    masks = np.stack([1 - cover[..., 0], cover[..., 0]])[:, None]  # [2, 1, h, w]
    nothing = np.zeros((frames, 0, 2), np.float32)
    return ClipConditions(
        frames=picture[None].astype(np.float32),
        layer_masks=masks.astype(np.float32),
        layer_static=np.array([True, False]),
        layer_validity=np.array([True, True]),
        motion_scores=np.array([0.0, NO_SCORE], np.float32),
        frames_count=frames,
        tracks=(nothing, (start + way)[:, None].astype(np.float32)),
    )


def _bytes(frames: FloatArray) -> np.ndarray:
    """Frames in 0..1 as uint8."""
    return np.rint(frames * 255).astype(np.uint8)
