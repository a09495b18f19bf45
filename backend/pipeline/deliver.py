"""Turns drawings into the result: camera-sized PNG blobs per layer and frame, and the manifest.

The last stage of `execute`. Works frame by frame, so that memory does not grow with the shot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import msgspec
import numpy as np

from backend.pipeline.artwork import Artwork
from backend.pipeline.context import RunContext
from backend.pipeline.motion import MotionResult
from backend.pipeline.plan import LayerPlan, ShotPlan, Shown, key_in_effect
from backend.pipeline.spool import PictureSpool
from shared.blobs import Blobs
from shared.pictures import Picture, alpha_over, encode_png
from shared.result import ResultLayer, folder_names
from shared.strokes import drawing_to_bytes

PREVIEW_WIDTH_PX = 320
_THREADS = 2


@dataclass(frozen=True)
class Delivered:
    """Hashes of what was stored: `layers` lowest first, `composite` one hash per scene frame."""

    layers: tuple[ResultLayer, ...]
    composite: tuple[str, ...]


PictureOf = Callable[[LayerPlan, Shown], Picture]


def picture_source(artwork: Artwork, spool: PictureSpool) -> PictureOf:
    """How to get any shown drawing: keys from the artist, everything else from the spool.

    Drawings that are not ready yet are stood in for by the key in effect (for previews).
    """

    def picture_of(layer_plan: LayerPlan, shown: Shown) -> Picture:
        layer = layer_plan.layer
        if not shown.is_key and (layer.name, shown.frame) in spool:
            return spool.get((layer.name, shown.frame))
        key = key_in_effect(layer, shown.frame)
        if key is None:
            raise ValueError(f"nothing is shown at frame {shown.frame}")
        return artwork.key_picture(key)

    return picture_of


def composite(plan: ShotPlan, index: int, picture_of: PictureOf) -> np.ndarray:
    """Alpha-over of all layers at one frame index: uint8 [height, width, 4]."""
    canvas = np.zeros((plan.request.height, plan.request.width, 4), np.uint8)
    for layer_plan in plan.layers:
        shown = layer_plan.shown[index]
        if shown is not None:
            place(canvas, picture_of(layer_plan, shown))
    return canvas


def place(canvas: np.ndarray, picture: Picture) -> None:
    """Alpha-over a picture onto a canvas in place, touching only the area that it covers."""
    height, width = canvas.shape[:2]
    left, top = max(picture.x, 0), max(picture.y, 0)
    right = min(picture.x + picture.width, width)
    bottom = min(picture.y + picture.height, height)
    if left < right and top < bottom:
        above = picture.pixels[
            top - picture.y : bottom - picture.y, left - picture.x : right - picture.x
        ]
        area = canvas[top:bottom, left:right]
        canvas[top:bottom, left:right] = alpha_over(area, above)


def offer_preview(context: RunContext, pixels: np.ndarray) -> None:
    """Send a picture made at most `PREVIEW_WIDTH_PX` wide."""
    height, width = pixels.shape[:2]
    if width > PREVIEW_WIDTH_PX:
        size = (PREVIEW_WIDTH_PX, max(1, round(height * PREVIEW_WIDTH_PX / width)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    context.preview(pixels)


def deliver(
    plan: ShotPlan,
    artwork: Artwork,
    motion: MotionResult,
    outputs: Blobs,
    context: RunContext,
) -> Delivered:
    """Store every distinct drawing and composite once and say which frame shows which."""
    picture_of = picture_source(artwork, motion.spool)
    stored = _Stored(plan, picture_of, outputs)
    frames_count = len(plan.frames)
    layer_hashes: list[list[str]] = [[] for _ in plan.layers]
    composites: list[str] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for index in range(frames_count):
            context.check()
            hashes, whole = stored.frame(index, pool)
            composites.append(whole)
            for row, sha256 in zip(layer_hashes, hashes, strict=True):
                row.append(sha256)
            if index % 4 == 0 and stored.latest is not None:
                offer_preview(context, stored.latest)
            context.report("deliver", index + 1, frames_count)
    folders = folder_names([layer_plan.layer.name for layer_plan in plan.layers])
    layers = tuple(
        msgspec.structs.replace(
            _result_layer(plan, layer_plan, folder, tuple(hashes), motion.methods),
            strokes=_stroke_row(layer_plan, artwork, motion, outputs),
        )
        for layer_plan, folder, hashes in zip(plan.layers, folders, layer_hashes, strict=True)
    )
    return Delivered(layers, tuple(composites))


class _Stored:
    """Remembers what was encoded, so that held drawings cost nothing."""

    def __init__(self, plan: ShotPlan, picture_of: PictureOf, outputs: Blobs) -> None:
        self._plan = plan
        self._picture_of = picture_of
        self._outputs = outputs
        self._layers: dict[tuple[int, Shown | None], str] = {}
        self._composites: dict[tuple[Shown | None, ...], str] = {}
        self.latest: np.ndarray | None = None

    def frame(self, index: int, pool: ThreadPoolExecutor) -> tuple[list[str], str]:
        """Hashes of all layers and of the composite at one frame index."""
        seen = tuple(layer_plan.shown[index] for layer_plan in self._plan.layers)
        names = list(enumerate(seen))
        missing = [name for name in names if name not in self._layers]
        drawn = pool.map(self._encode_layer, missing)
        if seen not in self._composites:
            self.latest = composite(self._plan, index, self._picture_of)
            self._composites[seen] = self._outputs.put(encode_png(self.latest))
        for name, data in zip(missing, drawn, strict=True):
            self._layers[name] = self._outputs.put(data)
        return [self._layers[name] for name in names], self._composites[seen]

    def _encode_layer(self, name: tuple[int, Shown | None]) -> bytes:
        number, shown = name
        width, height = self._plan.request.width, self._plan.request.height
        if shown is None:
            return encode_png(np.zeros((height, width, 4), np.uint8))
        picture = self._picture_of(self._plan.layers[number], shown)
        return encode_png(picture.on_canvas(width, height))


def _result_layer(
    plan: ShotPlan,
    layer_plan: LayerPlan,
    folder: str,
    hashes: tuple[str, ...],
    methods: Mapping[str, tuple[str, ...]],
) -> ResultLayer:
    layer = layer_plan.layer
    used = methods.get(layer.name, ())
    moved = {
        frame
        for gap, method in zip(layer_plan.gaps, used, strict=True)
        if method != "hold"
        for frame in gap.frames
    }
    painted = tuple(
        frame
        for frame, shown in zip(plan.frames, layer_plan.shown, strict=True)
        if shown is not None and not shown.is_key and shown.frame in moved
    )
    return ResultLayer(
        name=layer.name,
        order=layer.order,
        role=layer.role,
        folder=folder,
        frames=hashes,
        painted=painted,
        method=_main_method(layer_plan, used),
        blend=layer.blend,
    )


def _stroke_row(
    layer_plan: LayerPlan, artwork: Artwork, motion: MotionResult, outputs: Blobs
) -> tuple[str | None, ...]:
    """Hashes of the strokes that show the layer, one per frame; empty without any new ones."""
    layer = layer_plan.layer
    drawn = {frame for name, frame in motion.strokes if name == layer.name}
    if not any(s is not None and not s.is_key and s.frame in drawn for s in layer_plan.shown):
        return ()
    keys = {key.frame: key for key in layer.keys}
    stored: dict[Shown, str | None] = {}
    for shown in filter(None, layer_plan.shown):
        if shown in stored:
            continue
        own = artwork.key_strokes(keys[shown.frame]) if shown.is_key else None
        stored[shown] = outputs.put(drawing_to_bytes(own)) if own is not None else None
        if not shown.is_key:
            stored[shown] = motion.strokes.get((layer.name, shown.frame))
    return tuple(None if shown is None else stored[shown] for shown in layer_plan.shown)


def _main_method(layer_plan: LayerPlan, used: tuple[str, ...]) -> str:
    """The method of most drawings, real motion before holding."""
    weights: dict[str, int] = {}
    for gap, method in zip(layer_plan.gaps, used, strict=True):
        weights[method] = weights.get(method, 0) + len(gap.frames)
    moving = {method: weight for method, weight in weights.items() if method != "hold"}
    if moving:
        return max(sorted(moving), key=lambda method: moving[method])
    if weights:
        return "hold"
    keys_count = len({shown.frame for shown in layer_plan.shown if shown is not None})
    return "key" if keys_count > 1 else "hold"
