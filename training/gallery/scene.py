"""Puts a gallery shot into the open Blender file: keys, guide sketches, paths, the camera.

Called by `draw` and by tests inside a `bpy` interpreter. Works in Blender 4.5, 5.0 and 5.2.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from . import easel
from .hand import redrawn, roughed
from .ink import HEIGHT, WIDTH
from .shot import GalleryLayer, GalleryShot

FPS = 24
BACKDROP, DRAWINGS = "Backdrop", "Drawings"
SIZE_PX = 1920, 1080
_DRAWN = WIDTH, HEIGHT


def rough_name(layer: GalleryLayer) -> str:
    """The name of a layer's guide."""
    return f"{layer.name} rough"


def path_name(layer: GalleryLayer) -> str:
    """The name of the empty that shows where a layer goes."""
    return f"{layer.name} path"


def build_scene(shot: GalleryShot, *, fine: bool = False) -> None:
    """Replace what the open file holds by one shot.

    `fine`: every frame of every moving layer is a key, drawn by the same functions: the truth.
    """
    easel.clear()
    easel.set_up((shot.start, shot.end), FPS, SIZE_PX)
    _camera(shot)
    backdrop, drawings = easel.grease_pencil(BACKDROP, 1.0), easel.grease_pencil(DRAWINGS, 0.0)
    for number, layer in enumerate(shot.layers):
        item = backdrop if layer.background else drawings
        moving = len(layer.keys) > 1
        frames = range(shot.start, shot.end + 1) if fine and moving else layer.keys
        for frame in frames:
            strokes = layer.draw(frame)
            if layer.redrawn and not fine and frame != layer.keys[0]:
                strokes = redrawn(strokes, seed=100 * number + frame)
            easel.key(item, layer.name, frame, strokes, _DRAWN)
        if not fine:
            _guides(shot, layer, drawings, number)
    bpy.context.scene.frame_set(shot.start)


def _guides(shot: GalleryShot, layer: GalleryLayer, item: bpy.types.Object, number: int) -> None:
    for frame in layer.rough:
        strokes = roughed(layer.draw(frame), seed=100 * number + frame)
        easel.key(item, rough_name(layer), frame, strokes, _DRAWN)
    if layer.path is not None:
        easel.path(path_name(layer), layer.path, _frames(shot), _DRAWN)


def _camera(shot: GalleryShot) -> None:
    camera = easel.camera("HORIZONTAL", WIDTH)
    if shot.camera is None:
        return
    for frame in _frames(shot):
        x, y = shot.camera(frame)
        camera.location = (x * easel.PIXEL, -10.0, -y * easel.PIXEL)
        camera.keyframe_insert("location", frame=frame)


def _frames(shot: GalleryShot) -> Iterable[int]:
    return range(shot.start, shot.end + 1)
