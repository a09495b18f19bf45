"""Draws strokes into Blender's Grease Pencil: sheets, keys, materials, the camera before them.

Called inside a `bpy` interpreter, by the gallery's scenes and by `examples/demo`. Works in Blender
4.5, 5.0 and 5.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import bpy
import numpy as np

from .ink import Stroke

PIXEL = 0.01  # world units
Size = tuple[int, int]  # of the picture that strokes are drawn in: width and height in pixels


def clear() -> None:
    """Remove all objects of the open file, and the data that drawn scenes are made of."""
    data = bpy.data
    for holder in (data.objects, data.cameras, data.lights, data.materials, data.meshes):
        for item in list(holder):
            holder.remove(item)


def set_up(frames: tuple[int, int], fps: int, size: Size) -> None:
    """First and last frame, speed and picture size of the open scene; true colours."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = frames
    scene.render.fps, scene.render.fps_base = fps, 1.0
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.dither_intensity = 0.0
    scene.view_settings.view_transform = "Standard"


def camera(fit: Literal["HORIZONTAL", "VERTICAL"], length_px: int) -> bpy.types.Object:
    """A camera that sees `length_px` picture pixels along one side, flat from the front."""
    data = bpy.data.cameras.new("Camera")
    data.type, data.sensor_fit, data.ortho_scale = "ORTHO", fit, length_px * PIXEL
    item = bpy.data.objects.new("Camera", data)
    item.location, item.rotation_euler = (0.0, -10.0, 0.0), (math.pi / 2, 0.0, 0.0)
    bpy.context.scene.collection.objects.link(item)
    bpy.context.scene.camera = item
    return item


def grease_pencil(name: str, depth: float) -> bpy.types.Object:
    """A new Grease Pencil object; 4.5 keeps version 3 data in a collection of its own."""
    blocks = getattr(bpy.data, "grease_pencils_v3", bpy.data.grease_pencils)
    item = bpy.data.objects.new(name, blocks.new(name))
    item.location = (0.0, depth, 0.0)
    bpy.context.scene.collection.objects.link(item)
    return item


def key(
    item: bpy.types.Object, name: str, frame: int, strokes: Sequence[Stroke], size: Size
) -> None:
    """A key of layer `name`, made where missing, with strokes in pixels of a `size` picture."""
    layer = item.data.layers.get(name) or item.data.layers.new(name)
    layer.use_lights = False
    drawing = layer.frames.new(frame).drawing
    if not strokes:
        return
    drawing.add_strokes([len(stroke.points) for stroke in strokes])
    points = np.concatenate([stroke.points for stroke in strokes])
    radius = np.concatenate([stroke.radius for stroke in strokes]) * PIXEL
    _write(drawing, "position", ("FLOAT_VECTOR", "POINT"), "vector", to_world(points, size))
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


def to_world(points_px: np.ndarray, size: Size) -> np.ndarray:
    """Pixels [n, 2] of a `size` picture as positions [n, 3] on the drawing plane."""
    width, height = size
    x, z = (points_px[:, 0] - width / 2) * PIXEL, (height / 2 - points_px[:, 1]) * PIXEL
    return np.stack([x, np.zeros_like(x), z], axis=1)


def path(
    name: str, where: Callable[[float], tuple[float, float]], frames: Iterable[int], size: Size
) -> None:
    """An empty that goes where a layer should: the trajectory an animator would set."""
    guide = bpy.data.objects.new(name, None)
    guide.empty_display_size = 0.1
    bpy.context.scene.collection.objects.link(guide)
    for frame in frames:
        guide.location = to_world(np.array([where(frame)]), size)[0]
        guide.keyframe_insert("location", frame=frame)


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
