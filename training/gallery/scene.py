"""Puts a gallery shot into the open Blender file: keys, guide sketches, paths, the camera.

Called by `draw` and by tests inside a `bpy` interpreter. Works in Blender 4.5, 5.0 and 5.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import bpy
import numpy as np

from .hand import redrawn, roughed
from .ink import HEIGHT, WIDTH, Stroke
from .shot import GalleryLayer, GalleryShot, Place

PIXEL = 0.01  # world units
FPS = 24
BACKDROP, DRAWINGS = "Backdrop", "Drawings"
SIZE_PX = 1920, 1080


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
    _clear()
    scene = bpy.context.scene
    _settings(scene, shot)
    _camera(scene, shot)
    backdrop, drawings = _grease_pencil(BACKDROP, 1.0), _grease_pencil(DRAWINGS, 0.0)
    for number, layer in enumerate(shot.layers):
        item = backdrop if layer.background else drawings
        moving = len(layer.keys) > 1
        frames = range(shot.start, shot.end + 1) if fine and moving else layer.keys
        for frame in frames:
            strokes = layer.draw(frame)
            if layer.redrawn and not fine and frame != layer.keys[0]:
                strokes = redrawn(strokes, seed=100 * number + frame)
            _key(item, layer.name, frame, strokes)
        if not fine:
            _guides(scene, shot, layer, drawings, number)
    scene.frame_set(shot.start)


def _guides(
    scene: bpy.types.Scene,
    shot: GalleryShot,
    layer: GalleryLayer,
    item: bpy.types.Object,
    number: int,
) -> None:
    for frame in layer.rough:
        _key(item, rough_name(layer), frame, roughed(layer.draw(frame), seed=100 * number + frame))
    if layer.path is not None:
        _path(scene, path_name(layer), layer.path, shot)


def _clear() -> None:
    for holder in (bpy.data.objects, bpy.data.cameras, bpy.data.materials, bpy.data.meshes):
        for item in list(holder):
            holder.remove(item)


def _settings(scene: bpy.types.Scene, shot: GalleryShot) -> None:
    scene.frame_start, scene.frame_end = shot.start, shot.end
    scene.render.fps, scene.render.fps_base = FPS, 1.0
    scene.render.resolution_x, scene.render.resolution_y = SIZE_PX
    scene.render.resolution_percentage = 100
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.dither_intensity = 0.0
    scene.view_settings.view_transform = "Standard"


def _camera(scene: bpy.types.Scene, shot: GalleryShot) -> None:
    data = bpy.data.cameras.new("Camera")
    data.type, data.sensor_fit, data.ortho_scale = "ORTHO", "HORIZONTAL", WIDTH * PIXEL
    camera = bpy.data.objects.new("Camera", data)
    camera.location, camera.rotation_euler = (0.0, -10.0, 0.0), (math.pi / 2, 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    if shot.camera is None:
        return
    for frame in range(shot.start, shot.end + 1):
        x, y = shot.camera(frame)
        camera.location = (x * PIXEL, -10.0, -y * PIXEL)
        camera.keyframe_insert("location", frame=frame)


def _grease_pencil(name: str, depth: float) -> bpy.types.Object:
    """A new Grease Pencil object; 4.5 keeps version 3 data in a collection of its own."""
    blocks = getattr(bpy.data, "grease_pencils_v3", bpy.data.grease_pencils)
    item = bpy.data.objects.new(name, blocks.new(name))
    item.location = (0.0, depth, 0.0)
    bpy.context.scene.collection.objects.link(item)
    return item


def _key(item: bpy.types.Object, name: str, frame: int, strokes: Sequence[Stroke]) -> None:
    layer = item.data.layers.get(name) or item.data.layers.new(name)
    layer.use_lights = False
    drawing = layer.frames.new(frame).drawing
    if not strokes:
        return
    drawing.add_strokes([len(stroke.points) for stroke in strokes])
    points = np.concatenate([stroke.points for stroke in strokes])
    radius = np.concatenate([stroke.radius for stroke in strokes]) * PIXEL
    _write(drawing, "position", ("FLOAT_VECTOR", "POINT"), "vector", to_world(points))
    _write(drawing, "radius", ("FLOAT", "POINT"), "value", radius)
    cyclic = np.array([stroke.cyclic for stroke in strokes])
    _write(drawing, "cyclic", ("BOOLEAN", "CURVE"), "value", cyclic)
    materials = np.array([_material(item, stroke) for stroke in strokes], np.int32)
    _write(drawing, "material_index", ("INT", "CURVE"), "value", materials)
    if hasattr(drawing.strokes[0], "fill_id"):
        # Since Blender 5.2 a stroke is filled by its own number, not by its material alone.
        filled = [number if stroke.fill else 0 for number, stroke in enumerate(strokes, 1)]
        _write(drawing, "fill_id", ("INT", "CURVE"), "value", np.array(filled, np.int32))
    drawing.tag_positions_changed()


def _write(
    drawing: bpy.types.GreasePencilDrawing,
    name: str,
    kind: tuple[str, str],
    field: str,
    values: np.ndarray,
) -> None:
    target = drawing.attributes.get(name) or drawing.attributes.new(name, *kind)
    dtype = np.float32 if values.dtype.kind == "f" else values.dtype
    target.data.foreach_set(field, np.ascontiguousarray(values, dtype).ravel())


def to_world(points_px: np.ndarray) -> np.ndarray:
    """Picture pixels [n, 2] as positions [n, 3] on the drawing plane."""
    x, z = (points_px[:, 0] - WIDTH / 2) * PIXEL, (HEIGHT / 2 - points_px[:, 1]) * PIXEL
    return np.stack([x, np.zeros_like(x), z], axis=1)


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
    look.color, look.fill_color = linear(stroke.line or "#000000"), linear(stroke.fill or "#000000")
    item.data.materials.append(material)
    return len(item.data.materials) - 1


def linear(colour: str) -> tuple[float, float, float, float]:
    """A display colour `#rrggbb[aa]` as the linear RGBA that materials hold."""
    red, green, blue, *alpha = (int(colour[i : i + 2], 16) / 255 for i in range(1, len(colour), 2))
    return _linear(red), _linear(green), _linear(blue), alpha[0] if alpha else 1.0


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _path(scene: bpy.types.Scene, name: str, where: Place, shot: GalleryShot) -> None:
    """An empty that goes where the layer should: the trajectory an animator would set."""
    guide = bpy.data.objects.new(name, None)
    guide.empty_display_size = 0.1
    scene.collection.objects.link(guide)
    for frame in _frames(shot):
        guide.location = to_world(np.array([where(frame)]))[0]
        guide.keyframe_insert("location", frame=frame)


def _frames(shot: GalleryShot) -> Iterable[int]:
    return range(shot.start, shot.end + 1)
