"""Turns an official LayerAnimate demo folder into a shot request; used by `acetate import-demo`.

Such a folder holds one settings document of the official command line, whose fields are those of
`DemoSettings`, and the pictures, masks, sketches and tracks that it names.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from backend.pipeline.demo_files import Demo, DemoSettings, entry, read_demo
from backend.pipeline.demo_matte import around
from backend.pipeline.demo_sketch import lines_of_layer
from backend.pipeline.demo_stack import Slot, Stack, take_apart
from backend.pipeline.fill import fill_from
from shared.blobs import MemoryBlobs
from shared.pictures import encode_png
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

__all__ = ["DemoSettings", "import_demo"]

_OVERSCAN = 0.25
_BAR_EDGE_PX = 2
"""What compression smears of a bar into the picture beside it."""


def import_demo(folder: Path, settings: DemoSettings) -> tuple[ShotRequest, MemoryBlobs]:
    """Read a demo folder and make the same shot of it.

    The first key lies on scene frame 1. Layers are cut from the key frames by their masks (see
    `demo_stack`); what no mask covers becomes the background. The backdrop is completed behind
    all others, from the other key where that shows it, so that no hole opens when they move; bars
    along the sides lie on top, and the backdrop goes on under them. At the keys none of this is
    seen. Raises `not_found`, `bad_picture` or `invalid_request`.
    """
    demo = read_demo(folder, settings)
    blobs = MemoryBlobs()
    stack = take_apart(demo.frames, demo.slots)
    bars = _edged(stack)
    stack = replace(stack, ground=_under_bars(stack.ground, bars))
    layers = [*_background(demo, stack, blobs), *_slot_layers(demo, stack, blobs)]
    layers += _bars(demo, bars, len(layers), blobs)
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


def _key_frames(demo: Demo) -> list[int]:
    return [1, demo.settings.length][: len(demo.frames)]


def _background(demo: Demo, stack: Stack, blobs: MemoryBlobs) -> list[Layer]:
    """The backdrop where no slot is it, or a still copy behind a slot that may uncover it."""
    if stack.ground_slot is not None and stack.ground_slot.is_static:
        return []
    keys = _keys(demo, [_opaque(picture) for picture in stack.ground], blobs)
    moves = stack.ground_slot is None and not stack.is_still
    role = Role.ANIMATE if moves else Role.BACKGROUND
    return [Layer(name="background", order=0, role=role, keys=keys)]


def _bars(demo: Demo, bars: np.ndarray, order: int, blobs: MemoryBlobs) -> list[Layer]:
    """The strips along the sides, bool [h, w], in front of all that moves."""
    if not bars.any():
        return []
    pictures = [np.dstack([frame, np.uint8(255) * bars]) for frame in demo.frames]
    for picture in pictures:
        picture[~bars] = 0
    keys = _keys(demo, pictures, blobs)
    return [Layer(name="bars", order=order, role=Role.BACKGROUND, keys=keys)]


def _edged(stack: Stack) -> np.ndarray:
    """The bars and the backdrop's pixels next to them, which show something of both: bool."""
    taken = [(pictures[..., 3] > 0).any(axis=0) for _, pictures in stack.cuts]
    beside = around(stack.bars, _BAR_EDGE_PX) & ~np.any([stack.bars, *taken], axis=0)
    return stack.bars | beside if stack.bars.any() else stack.bars


def _under_bars(ground: np.ndarray, bars: np.ndarray) -> np.ndarray:
    """A backdrop uint8 [keys, h, w, 3] continued under the bars."""
    if not bars.any():
        return ground
    return np.stack([fill_from(picture, ~bars, bars) for picture in ground])


def _slot_layers(demo: Demo, stack: Stack, blobs: MemoryBlobs) -> list[Layer]:
    cuts = list(stack.cuts)
    if stack.ground_slot is not None:
        pictures = np.stack([_opaque(picture) for picture in stack.ground])
        cuts.insert(0, (stack.ground_slot, pictures))
    controls = _Controls(demo)
    return [
        _slot_layer(
            demo,
            slot,
            order,
            list(pictures),
            controls.of(slot, blobs),
            blobs,
            is_ground=slot is stack.ground_slot,
        )
        for order, (slot, pictures) in enumerate(cuts, 1)
    ]


def _slot_layer(
    demo: Demo,
    slot: Slot,
    order: int,
    pictures: list[np.ndarray],
    controls: tuple[Control, ...],
    blobs: MemoryBlobs,
    *,
    is_ground: bool,
) -> Layer:
    role = Role.HOLD if slot.is_static else Role.ANIMATE
    beyond_px = (0, 0)
    if controls and (is_ground or len(pictures) == 1):
        beyond_px = _beyond(demo, controls)
        extend = _overscanned if len(pictures) == 1 else _continued
        pictures = [extend(picture, beyond_px) for picture in pictures]
    keys = _keys(demo, pictures, blobs, beyond_px)
    return Layer(name=f"layer {slot.number}", order=order, role=role, keys=keys, controls=controls)


def _beyond(demo: Demo, controls: tuple[Control, ...]) -> tuple[int, int]:
    """How far (across, down) to continue art over the canvas: as its tracks move, at least 1/4."""
    height, width = demo.frames.shape[1:3]
    size = np.array([width, height])
    reach = _OVERSCAN * np.array([max(width, height)] * 2)
    if demo.tracks is not None and any(isinstance(control, Trajectory) for control in controls):
        reach = np.maximum(reach, np.abs(demo.tracks - demo.tracks[:1]).max(axis=(0, 1)) + 8)
    across, down = np.ceil(np.minimum(reach, size)).astype(int)
    return int(across), int(down)


def _overscanned(picture: np.ndarray, beyond_px: tuple[int, int]) -> np.ndarray:
    """Art that the camera cuts, continued beyond its border: a backdrop mirrored, others drawn out.

    With a second key that is not needed: there the other key shows what comes in.
    """
    whole = bool((picture[..., 3] == 255).all())
    border = cv2.BORDER_REFLECT_101 if whole else cv2.BORDER_REPLICATE
    across, down = beyond_px
    return cv2.copyMakeBorder(picture, down, down, across, across, border)


def _continued(picture: np.ndarray, beyond_px: tuple[int, int]) -> np.ndarray:
    """A backdrop between two keys, its colours going on softly beyond its border.

    Mirrored it would show, where the keys blend, clouds that run against each other.
    """
    across, down = beyond_px
    wide = cv2.copyMakeBorder(picture, down, down, across, across, cv2.BORDER_CONSTANT)
    known = wide[..., 3] > 0
    return _opaque(fill_from(wide[..., :3], known, ~known))


class _Controls:
    """Which slot the folder's one sketch and one set of tracks belong to."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._sketched, self._tracked = _sketch_slot(demo), _tracks_slot(demo)

    def of(self, slot: Slot, blobs: MemoryBlobs) -> tuple[Control, ...]:
        """The controls of a slot; none for one that never moves."""
        if slot.is_static:
            return ()
        controls: list[Control] = []
        if slot.number == self._sketched and self._demo.sketches:
            lines = lines_of_layer(self._demo.sketches, slot.masks[0])
            controls.append(_sketch(lines, blobs))
        if slot.number == self._tracked and self._demo.tracks is not None:
            controls.append(_trajectory(self._demo.tracks, blobs))
        score = entry(self._demo.settings.motion_scores, slot.number, default=-1.0)
        if score >= 0:
            controls.append(MotionScore(score=min(score, 1.0)))
        return tuple(controls)


def _sketch_slot(demo: Demo) -> int:
    """The slot that the sketch belongs to: as said, else the one under most of its lines."""
    if demo.settings.sketch_layer_index is not None or not demo.sketches:
        return demo.settings.sketch_layer_index or 0
    lines = demo.sketches[min(demo.sketches)] > 128
    share = {
        slot.number: np.count_nonzero(lines & slot.masks[0]) / max(slot.masks[0].sum(), 1)
        for slot in demo.slots
    }
    return max(share, key=lambda number: share[number])


def _tracks_slot(demo: Demo) -> int:
    """The slot that the tracks belong to: as said, else the one under most first points."""
    if demo.settings.traj_layer_index is not None or demo.tracks is None:
        return demo.settings.traj_layer_index or 0
    height, width = demo.frames.shape[1:3]
    x = np.clip(demo.tracks[0, :, 0].astype(int), 0, width - 1)
    y = np.clip(demo.tracks[0, :, 1].astype(int), 0, height - 1)
    hits = {slot.number: int(slot.masks[0][y, x].sum()) for slot in demo.slots}
    return max(hits, key=lambda number: hits[number])


def _sketch(lines: dict[int, np.ndarray], blobs: MemoryBlobs) -> Sketch:
    frames = []
    for index, alpha in lines.items():
        pixels = np.zeros((*alpha.shape, 4), np.uint8)
        pixels[..., 3] = alpha
        frames.append(SketchFrame(frame=index + 1, picture=_reference(pixels, blobs)))
    return Sketch(frames=tuple(frames))


def _trajectory(tracks: np.ndarray, blobs: MemoryBlobs) -> Trajectory:
    frames = np.arange(1, len(tracks) + 1, dtype=np.int32)
    data = save_arrays({"frames": frames, "points": tracks})
    return Trajectory(tracks=ArrayRef(blob=blobs.put(data)))


def _keys(
    demo: Demo,
    pictures: list[np.ndarray],
    blobs: MemoryBlobs,
    beyond_px: tuple[int, int] = (0, 0),
) -> tuple[Key, ...]:
    """Keys of pictures uint8 [h, w, 4] that reach `beyond_px` (across, down) over the canvas."""
    keys = []
    for frame, pixels in zip(_key_frames(demo), pictures, strict=True):
        if not pixels[..., 3].any():
            keys.append(Key(frame=frame))
            continue
        keys.append(Key(frame=frame, picture=_reference(pixels, blobs, beyond_px)))
    return tuple(keys)


def _opaque(picture: np.ndarray) -> np.ndarray:
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


def _reference(
    pixels: np.ndarray, blobs: MemoryBlobs, beyond_px: tuple[int, int] = (0, 0)
) -> PictureRef:
    height, width = pixels.shape[:2]
    blob = blobs.put(encode_png(pixels))
    x, y = -beyond_px[0], -beyond_px[1]
    return PictureRef(blob=blob, width=width, height=height, x=x, y=y)
