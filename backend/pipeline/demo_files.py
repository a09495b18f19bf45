"""Reads an official demo folder: pictures, masks, sketches and tracks; used by `official_demo`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import cv2
import msgspec
import numpy as np

from backend.pipeline.demo_stack import Slot
from backend.pipeline.demo_tracks import read_tracks
from shared.errors import AcetateError
from shared.pictures import decode_picture

MAX_SLOTS = 16
_MAX_VIDEO_FRAMES = 1024
_LINE_THRESHOLD = 48
_BLANK_PIXELS = 12

_T = TypeVar("_T")
Side = Annotated[int, msgspec.Meta(ge=1, le=16384)]


class DemoSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings file of a demo, by its official names; anything else in it is ignored.

    Lists have one entry per layer slot and may be shorter. A `mode`, sketch slot or trajectory
    slot of None is found out from the pictures.
    """

    mode: Literal["i2v", "interpolate"] | None = None
    motion_scores: tuple[float, ...] = ()
    layer_static: tuple[bool, ...] = ()
    layer_validity: tuple[bool, ...] = ()
    sketch_layer_index: int | None = None
    traj_layer_index: int | None = None
    prompt: str = ""
    n_prompt: str = ""
    fps: float = 24.0
    num_inference_steps: int = 50
    guidance_scale: float = 7.5
    guidance_rescale: float = 0.7
    eta: float = 1.0
    seed: int = 0
    num_videos_per_prompt: int = 1
    width: Side = msgspec.field(name="W", default=512)
    height: Side = msgspec.field(name="H", default=320)
    length: Annotated[int, msgspec.Meta(ge=2, le=1024)] = msgspec.field(name="L", default=16)


@dataclass(frozen=True, eq=False)
class Demo:
    """A demo folder read: frames uint8 [keys, h, w, 3], sketch alpha by frame index, tracks."""

    settings: DemoSettings
    frames: np.ndarray
    slots: tuple[Slot, ...]
    sketches: dict[int, np.ndarray]
    tracks: np.ndarray | None


def read_demo(folder: Path, settings: DemoSettings) -> Demo:
    """Read all parts of a folder. Raises `not_found`, `bad_picture` or `bad_package`."""
    mode = settings.mode
    if mode is None:
        mode = "interpolate" if _find(folder, "last_frame") else "i2v"
    names = ("first_frame", "last_frame") if mode == "interpolate" else ("first_frame",)
    aspect = settings.width / settings.height
    frames = np.stack(_same_size([_picture(folder, name, aspect) for name in names]))
    suffixes = ("", "_last") if mode == "interpolate" else ("",)
    slots = []
    for number in range(MAX_SLOTS):
        if not entry(settings.layer_validity, number, default=True):
            continue
        if _find(folder, f"layer_{number}") is None:
            continue
        masks = [_mask(folder, f"layer_{number}{suffix}", frames, aspect) for suffix in suffixes]
        is_static = entry(settings.layer_static, number, default=False)
        slots.append(Slot(number, np.stack(masks), is_static))
    if not slots:
        raise AcetateError("not_found", what=f"layer mask (layer_0.jpg) in {folder.resolve().name}")
    size = frames.shape[2], frames.shape[1]
    return Demo(
        settings,
        frames,
        tuple(slots),
        _read_sketches(folder / "sketch.mp4", settings.length, size),
        read_tracks(folder, settings.length, size),
    )


def _find(folder: Path, name: str) -> Path | None:
    for suffix in (".jpg", ".jpeg", ".png"):
        if (folder / f"{name}{suffix}").is_file():
            return folder / f"{name}{suffix}"
    return None


def _picture(folder: Path, name: str, aspect: float) -> np.ndarray:
    """A picture cut centrally to the demo's aspect: uint8 [h, w, 3]."""
    path = _find(folder, name)
    if path is None:
        raise AcetateError("not_found", what=f"{name}.jpg or {name}.png in {folder.resolve().name}")
    pixels = decode_picture(path.read_bytes())[..., :3]
    height, width = pixels.shape[:2]
    wide, high = min(width, round(height * aspect)), min(height, round(width / aspect))
    left, top = (width - wide) // 2, (height - high) // 2
    return pixels[top : top + high, left : left + wide]


def _same_size(pictures: list[np.ndarray]) -> list[np.ndarray]:
    if any(picture.shape != pictures[0].shape for picture in pictures):
        raise AcetateError("bad_picture", where="first and last frame differ in size")
    return pictures


def _mask(folder: Path, name: str, frames: np.ndarray, aspect: float) -> np.ndarray:
    """A layer's mask at frame size: bool [h, w]; lighter than middle grey belongs to the layer."""
    grey = cv2.cvtColor(np.ascontiguousarray(_picture(folder, name, aspect)), cv2.COLOR_RGB2GRAY)
    height, width = frames.shape[1:3]
    if grey.shape != (height, width):
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return grey > 127


def _read_sketches(path: Path, length: int, size: tuple[int, int]) -> dict[int, np.ndarray]:
    """Line alpha uint8 [h, w] by frame index from 0; blank frames are left out."""
    if not path.is_file():
        return {}
    video = cv2.VideoCapture(str(path))
    sketches: dict[int, np.ndarray] = {}
    for index in range(min(length, _MAX_VIDEO_FRAMES)):
        read, frame = video.read()
        if not read:
            break
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        if grey.shape != size[::-1]:
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        # Video compression leaves grey dust around the lines; it is not part of the drawing.
        alpha = np.where(grey < 255 - _LINE_THRESHOLD, 255 - grey, 0).astype(np.uint8)
        if np.count_nonzero(alpha > 128) >= _BLANK_PIXELS:
            sketches[index] = alpha
    video.release()
    if not sketches:
        raise AcetateError("bad_picture", where=f"{path.name} holds no drawing")
    return sketches


def entry(values: tuple[_T, ...], index: int, *, default: _T) -> _T:
    """One slot's value of a list that may be shorter than there are slots."""
    return values[index] if index < len(values) else default
