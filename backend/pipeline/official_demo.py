"""Turns an official LayerAnimate demo folder into a shot request; used by `acetate import-demo`.

Such a folder holds one settings document of the official command line, whose fields are those of
`DemoSettings`, and the pictures, masks, sketches and tracks that it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import cv2
import msgspec
import numpy as np

from backend.pipeline.demo_tracks import read_tracks
from backend.pipeline.fill import fill_from
from shared.blobs import MemoryBlobs
from shared.errors import AcetateError
from shared.pictures import decode_picture, encode_png
from shared.shot import (
    ArrayRef,
    Control,
    Key,
    Layer,
    Look,
    Mode,
    MotionScore,
    PictureRef,
    Role,
    ShotRequest,
    Sketch,
    SketchFrame,
    Trajectory,
    shot_from_json,
    to_json,
)
from shared.strokes import save_arrays

MAX_SLOTS = 16
_MAX_VIDEO_FRAMES = 1024
_LINE_THRESHOLD = 48
_BLANK_PIXELS = 12

_T = TypeVar("_T")
Count = Annotated[int, msgspec.Meta(ge=1, le=1024)]


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
    width: Count = msgspec.field(name="W", default=512)
    height: Count = msgspec.field(name="H", default=320)
    length: Annotated[int, msgspec.Meta(ge=2, le=1024)] = msgspec.field(name="L", default=16)


@dataclass(frozen=True, eq=False)
class _Slot:
    """One layer slot: masks bool [keys, h, w] at the key frames."""

    number: int
    masks: np.ndarray


@dataclass(frozen=True, eq=False)
class _Demo:
    """A demo folder read: frames uint8 [keys, h, w, 3], sketch alpha by frame index, tracks."""

    settings: DemoSettings
    frames: np.ndarray
    slots: tuple[_Slot, ...]
    sketches: dict[int, np.ndarray]
    tracks: np.ndarray | None


def import_demo(folder: Path, settings: DemoSettings) -> tuple[ShotRequest, MemoryBlobs]:
    """Read a demo folder and make the same shot of it.

    The first key lies on scene frame 1. Layers are cut from the key frames by their masks; what no
    mask covers becomes the background. No picture says which layer is in front: larger ones go
    below smaller ones. The lowest is continued under the others, and the background behind all,
    so that no hole opens when they move; at the keys none of this is seen. Raises
    `not_found`, `bad_picture` or `invalid_request`.
    """
    demo = _read(folder, settings)
    blobs = MemoryBlobs()
    layers = [*_background(demo, blobs), *_slot_layers(demo, blobs)]
    request = ShotRequest(
        width=int(demo.frames.shape[2]),
        height=int(demo.frames.shape[1]),
        fps=settings.fps,
        start=1,
        end=settings.length,
        mode=Mode.INTERPOLATE if len(demo.frames) == 2 else Mode.ANIMATE,
        keys=tuple(_key_frames(demo)),
        layers=tuple(layers),
        look=Look(
            prompt=settings.prompt,
            negative_prompt=settings.n_prompt,
            steps=settings.num_inference_steps,
            guidance=settings.guidance_scale,
            guidance_rescale=settings.guidance_rescale,
            eta=settings.eta,
            seed=settings.seed,
            takes=settings.num_videos_per_prompt,
        ),
    )
    return shot_from_json(to_json(request)), blobs


def _key_frames(demo: _Demo) -> list[int]:
    return [1, demo.settings.length][: len(demo.frames)]


def _read(folder: Path, settings: DemoSettings) -> _Demo:
    mode = settings.mode
    if mode is None:
        mode = "interpolate" if _find(folder, "last_frame") else "i2v"
    names = ("first_frame", "last_frame") if mode == "interpolate" else ("first_frame",)
    aspect = settings.width / settings.height
    frames = np.stack(_same_size([_picture(folder, name, aspect) for name in names]))
    suffixes = ("", "_last") if mode == "interpolate" else ("",)
    slots = []
    for number in range(MAX_SLOTS):
        if not _entry(settings.layer_validity, number, default=True):
            continue
        if _find(folder, f"layer_{number}") is None:
            continue
        masks = [_mask(folder, f"layer_{number}{suffix}", frames, aspect) for suffix in suffixes]
        slots.append(_Slot(number, np.stack(masks)))
    if not slots:
        raise AcetateError("not_found", what=f"layer mask (layer_0.jpg) in {folder.name}")
    size = frames.shape[2], frames.shape[1]
    return _Demo(
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
        raise AcetateError("not_found", what=f"{name}.jpg or {name}.png in {folder.name}")
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


def _background(demo: _Demo, blobs: MemoryBlobs) -> list[Layer]:
    """What no mask covers, completed behind the layers by a still copy of the lowest one."""
    covered = np.any([slot.masks for slot in demo.slots], axis=0)  # [keys, h, w]
    lowest = _from_below(demo)[0]
    if covered.all() and _entry(demo.settings.layer_static, lowest.number, default=False):
        return []
    filled, _ = _filled_under(demo, lowest)
    frames = np.where(covered[..., None], filled, demo.frames)
    keys = _keys(demo, frames, np.ones_like(covered), blobs)
    return [Layer(name="background", order=0, role=Role.BACKGROUND, keys=keys)]


def _from_below(demo: _Demo) -> list[_Slot]:
    """Slots in the order they are stacked: no picture tells it, so larger ones lie lower."""
    return sorted(demo.slots, key=lambda slot: (-int(slot.masks.sum()), slot.number))


def _slot_layers(demo: _Demo, blobs: MemoryBlobs) -> list[Layer]:
    sketched, tracked = _sketch_slot(demo), _tracks_slot(demo)
    layers = []
    for order, slot in enumerate(_from_below(demo), 1):
        static = _entry(demo.settings.layer_static, slot.number, default=False)
        controls: list[Control] = []
        if slot.number == sketched and demo.sketches:
            controls.append(_sketch(demo, blobs))
        if slot.number == tracked and demo.tracks is not None:
            controls.append(_trajectory(demo.tracks, blobs))
        score = _entry(demo.settings.motion_scores, slot.number, default=-1.0)
        if score >= 0:
            controls.append(MotionScore(score=min(score, 1.0)))
        frames, masks = demo.frames, slot.masks
        if order == 1:
            frames, masks = _filled_under(demo, slot)
        layers.append(
            Layer(
                name=f"layer {slot.number}",
                order=order,
                role=Role.HOLD if static else Role.ANIMATE,
                keys=_keys(demo, frames, masks, blobs),
                controls=() if static else tuple(controls),
            )
        )
    return layers


def _entry(values: tuple[_T, ...], index: int, *, default: _T) -> _T:
    return values[index] if index < len(values) else default


def _sketch_slot(demo: _Demo) -> int:
    """The slot that the sketch belongs to: as said, else the one under most of its lines."""
    if demo.settings.sketch_layer_index is not None or not demo.sketches:
        return demo.settings.sketch_layer_index or 0
    lines = demo.sketches[min(demo.sketches)] > 128
    share = {
        slot.number: np.count_nonzero(lines & slot.masks[0]) / max(slot.masks[0].sum(), 1)
        for slot in demo.slots
    }
    return max(share, key=lambda number: share[number])


def _tracks_slot(demo: _Demo) -> int:
    """The slot that the tracks belong to: as said, else the one under most first points."""
    if demo.settings.traj_layer_index is not None or demo.tracks is None:
        return demo.settings.traj_layer_index or 0
    height, width = demo.frames.shape[1:3]
    x = np.clip(demo.tracks[0, :, 0].astype(int), 0, width - 1)
    y = np.clip(demo.tracks[0, :, 1].astype(int), 0, height - 1)
    hits = {slot.number: int(slot.masks[0][y, x].sum()) for slot in demo.slots}
    return max(hits, key=lambda number: hits[number])


def _sketch(demo: _Demo, blobs: MemoryBlobs) -> Sketch:
    frames = []
    for index, alpha in demo.sketches.items():
        pixels = np.zeros((*alpha.shape, 4), np.uint8)
        pixels[..., 3] = alpha
        frames.append(SketchFrame(frame=index + 1, picture=_reference(pixels, blobs)))
    return Sketch(frames=tuple(frames))


def _trajectory(tracks: np.ndarray, blobs: MemoryBlobs) -> Trajectory:
    frames = np.arange(1, len(tracks) + 1, dtype=np.int32)
    data = save_arrays({"frames": frames, "points": tracks})
    return Trajectory(tracks=ArrayRef(blob=blobs.put(data)))


def _keys(
    demo: _Demo, frames: np.ndarray, masks: np.ndarray, blobs: MemoryBlobs
) -> tuple[Key, ...]:
    keys = []
    for frame, pixels, mask in zip(_key_frames(demo), frames, masks, strict=True):
        if not mask.any():
            keys.append(Key(frame=frame))
            continue
        alpha = np.where(mask, 255, 0).astype(np.uint8)[..., None]
        cut = np.where(alpha > 0, np.concatenate([pixels, alpha], axis=-1), 0).astype(np.uint8)
        keys.append(Key(frame=frame, picture=_reference(cut, blobs)))
    return tuple(keys)


def _reference(pixels: np.ndarray, blobs: MemoryBlobs) -> PictureRef:
    height, width = pixels.shape[:2]
    return PictureRef(blob=blobs.put(encode_png(pixels)), width=width, height=height)


def _filled_under(demo: _Demo, lowest: _Slot) -> tuple[np.ndarray, np.ndarray]:
    """Frames and masks of the lowest slot, continued smoothly under all other slots."""
    others = [slot.masks for slot in demo.slots if slot.number != lowest.number]
    if not others:
        return demo.frames, lowest.masks
    hidden = np.any(others, axis=0) & ~lowest.masks  # [keys, h, w]
    filled = np.stack(
        [
            fill_from(frame, known, wanted)
            for frame, known, wanted in zip(demo.frames, lowest.masks, hidden, strict=True)
        ]
    )
    return filled, lowest.masks | hidden
