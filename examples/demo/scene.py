"""Builds the demo scene in the open Blender file, through Blender's own API; run it or import it.

`python -m examples.demo.scene --save demo.blend` inside a `bpy` interpreter, or `build_scene()`
from a test. Works in Blender 4.5, 5.0 and 5.2.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable

import bpy
import numpy as np

from . import ball as ball_art
from .fox import CROUCH, LEAP, TAIL_KEYS, fox, tail, tail_rough
from .ink import Stroke
from .meadow import meadow

WIDTH, HEIGHT, FPS = 512, 320, 24
FIRST, LAST = ball_art.FIRST, ball_art.LAST
PIXEL = 0.01  # world units
PENCIL = "#2a6fd0"
CHARACTER, SET, BALL_PATH = "Fox", "Meadow", "ball path"
BACKGROUND, TAIL, FOX, BALL, ROUGH = "background", "tail", "fox", "ball", "tail rough"


def build_scene(*, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Replace what the open file holds by the demo shot: frames 1 to 17, keys at both ends."""
    _clear()
    scene = bpy.context.scene
    _settings(scene, width, height)
    _camera(scene)
    backdrop = _grease_pencil(SET, depth=1.0)
    _key(backdrop, BACKGROUND, FIRST, meadow())
    shot = _grease_pencil(CHARACTER, depth=0.0)
    for frame, pose in ((FIRST, CROUCH), (LAST, LEAP)):
        _key(shot, TAIL, frame, tail(TAIL_KEYS[frame]))
        _key(shot, FOX, frame, fox(pose))
        _key(shot, BALL, frame, ball_art.ball(frame))
    for frame, tail_pose in TAIL_KEYS.items():
        _key(shot, ROUGH, frame, tail_rough(tail_pose, PENCIL))
    _ball_path(scene)
    scene.frame_set(FIRST)


def _clear() -> None:
    for holder in (bpy.data.objects, bpy.data.meshes, bpy.data.cameras, bpy.data.lights):
        for item in list(holder):
            holder.remove(item)


def _settings(scene: bpy.types.Scene, width: int, height: int) -> None:
    scene.frame_start, scene.frame_end = FIRST, LAST
    scene.render.fps, scene.render.fps_base = FPS, 1.0
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.dither_intensity = 0.0
    scene.view_settings.view_transform = "Standard"


def _camera(scene: bpy.types.Scene) -> None:
    data = bpy.data.cameras.new("Camera")
    data.type, data.sensor_fit, data.ortho_scale = "ORTHO", "VERTICAL", HEIGHT * PIXEL
    camera = bpy.data.objects.new("Camera", data)
    camera.location, camera.rotation_euler = (0.0, -10.0, 0.0), (math.pi / 2, 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera


def _grease_pencil(name: str, *, depth: float) -> bpy.types.Object:
    """A new Grease Pencil object; 4.5 keeps version 3 data in a collection of its own."""
    blocks = getattr(bpy.data, "grease_pencils_v3", bpy.data.grease_pencils)
    item = bpy.data.objects.new(name, blocks.new(name))
    item.location = (0.0, depth, 0.0)
    bpy.context.scene.collection.objects.link(item)
    return item


def _key(item: bpy.types.Object, name: str, frame: int, strokes: Iterable[Stroke]) -> None:
    layer = item.data.layers.get(name) or item.data.layers.new(name)
    layer.use_lights = False
    drawing = layer.frames.new(frame).drawing
    for stroke in strokes:
        _draw(drawing, stroke, _material(item, stroke))


def _draw(drawing: bpy.types.GreasePencilDrawing, stroke: Stroke, material: int) -> None:
    drawing.add_strokes([len(stroke.points)])
    target = drawing.strokes[-1]
    target.cyclic, target.material_index = stroke.cyclic, material
    if stroke.fill is not None and hasattr(target, "fill_id"):
        # Since Blender 5.2 a stroke is filled by its own number, not by its material alone.
        target.fill_id = len(drawing.strokes)
    for point, at, radius in zip(
        target.points, to_world(stroke.points), stroke.radius, strict=True
    ):
        point.position, point.radius = at, float(radius) * PIXEL


def to_world(points_px: np.ndarray) -> np.ndarray:
    """Picture pixels [n, 2] as positions [n, 3] on the drawing plane."""
    x, y = (points_px[:, 0] - WIDTH / 2) * PIXEL, (HEIGHT / 2 - points_px[:, 1]) * PIXEL
    return np.stack([x, np.zeros_like(x), y], axis=1)


def _material(item: bpy.types.Object, stroke: Stroke) -> int:
    """Index of the object's material for these colours, made at first use."""
    name = f"{stroke.line or 'no line'} {stroke.fill or 'no fill'}"
    found = item.data.materials.find(name)
    if found >= 0:
        return found
    material = bpy.data.materials.get(name) or bpy.data.materials.new(name)
    if not material.is_grease_pencil:
        bpy.data.materials.create_gpencil_data(material)
    look = material.grease_pencil
    look.show_stroke, look.show_fill = stroke.line is not None, stroke.fill is not None
    look.color = linear(stroke.line or "#000000")
    look.fill_color = linear(stroke.fill or "#000000")
    item.data.materials.append(material)
    return len(item.data.materials) - 1


def linear(colour: str) -> tuple[float, float, float, float]:
    """A display colour `#rrggbb[aa]` as the linear RGBA that materials hold."""
    red, green, blue, *alpha = (int(colour[i : i + 2], 16) / 255 for i in range(1, len(colour), 2))
    return _linear(red), _linear(green), _linear(blue), alpha[0] if alpha else 1.0


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _ball_path(scene: bpy.types.Scene) -> None:
    """An empty that flies where the ball should: the trajectory an animator would set."""
    path = bpy.data.objects.new(BALL_PATH, None)
    path.empty_display_size = 0.1
    scene.collection.objects.link(path)
    _animate(path, ball_art.centre)


def _animate(item: bpy.types.Object, where: Callable[[float], tuple[float, float]]) -> None:
    for frame in range(FIRST, LAST + 1, 2):
        item.location = to_world(np.array([where(frame)]))[0]
        item.keyframe_insert("location", frame=frame)


def main() -> None:
    """Build the scene and save it where `--save` says."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--save", required=True, metavar="PATH")
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--height", type=int, default=HEIGHT)
    options = parser.parse_args()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    build_scene(width=options.width, height=options.height)
    bpy.ops.wm.save_as_mainfile(filepath=options.save)


if __name__ == "__main__":
    main()
