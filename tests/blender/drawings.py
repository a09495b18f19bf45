"""Small scenes for the tests: a camera, Grease Pencil objects, layers, strokes and pictures.

World units are chosen so that one camera pixel measures 0.01 at the drawing plane (y = 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

PIXEL = 0.01
WIDTH, HEIGHT = 160, 100


@dataclass(frozen=True, eq=False)
class Ink:
    """One stroke: `points` [n, 2] camera pixels, `radius` pixels, linear RGBA colours or None."""

    points: np.ndarray
    radius: float | np.ndarray = 1.5
    line: tuple[float, ...] | None = (0.0, 0.0, 0.0, 1.0)
    fill: tuple[float, ...] | None = None
    cyclic: bool = False
    holdout: bool = False


def new_scene(*, width: int = WIDTH, height: int = HEIGHT) -> bpy.types.Scene:
    """An empty file with an orthographic camera that looks along +y."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.film_transparent = True
    scene.render.dither_intensity = 0.0
    scene.view_settings.view_transform = "Standard"
    scene.frame_start, scene.frame_end = 1, 8
    lens = bpy.data.cameras.new("Camera")
    lens.type, lens.ortho_scale = "ORTHO", width * PIXEL
    camera = bpy.data.objects.new("Camera", lens)
    camera.location, camera.rotation_euler = (0.0, -10.0, 0.0), (np.pi / 2, 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    return scene


def grease_pencil(name: str, *, depth: float = 0.0) -> bpy.types.Object:
    """A new Grease Pencil object in the open scene, `depth` units behind the drawing plane."""
    blocks = getattr(bpy.data, "grease_pencils_v3", bpy.data.grease_pencils)
    item = bpy.data.objects.new(name, blocks.new(name))
    item.location.y = depth
    bpy.context.scene.collection.objects.link(item)
    return item


def draw(
    item: bpy.types.Object, layer_name: str, frame: int, inks: Sequence[Ink]
) -> bpy.types.GreasePencilLayer:
    """A key with these strokes; the layer is made at first use, without lights."""
    layer = item.data.layers.get(layer_name) or item.data.layers.new(layer_name)
    layer.use_lights = False
    drawing = layer.frames.new(frame).drawing
    for ink in inks:
        drawing.add_strokes([len(ink.points)])
        stroke = drawing.strokes[-1]
        stroke.cyclic, stroke.material_index = ink.cyclic, _material(item, ink)
        radii = np.broadcast_to(ink.radius, len(ink.points))
        for point, at, radius in zip(stroke.points, to_world(ink.points), radii, strict=True):
            point.position, point.radius = at, float(radius) * PIXEL
    return layer


def to_world(points_px: np.ndarray) -> np.ndarray:
    """Camera pixels [n, 2] on the drawing plane: [n, 3]."""
    render = bpy.context.scene.render
    x = (points_px[:, 0] - render.resolution_x / 2) * PIXEL
    z = (render.resolution_y / 2 - points_px[:, 1]) * PIXEL
    return np.stack([x, np.zeros_like(x), z], axis=1)


def _material(item: bpy.types.Object, ink: Ink) -> int:
    material = bpy.data.materials.new("ink")
    bpy.data.materials.create_gpencil_data(material)
    look = material.grease_pencil
    look.show_stroke, look.show_fill = ink.line is not None, ink.fill is not None
    look.color, look.fill_color = ink.line or (0, 0, 0, 1), ink.fill or (0, 0, 0, 1)
    look.use_stroke_holdout = look.use_fill_holdout = ink.holdout
    item.data.materials.append(material)
    return len(item.data.materials) - 1


def line(*points: tuple[float, float], radius: float = 1.5) -> Ink:
    """A black line through camera pixels."""
    return Ink(np.array(points, float), radius)


def disc(
    centre: tuple[float, float],
    size: float,
    fill: tuple[float, ...] = (0.8, 0.2, 0.1, 1.0),
    *,
    holdout: bool = False,
) -> Ink:
    """A filled circle without an outline."""
    angle = np.linspace(0.0, 2 * np.pi, 48, endpoint=False)
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * size + centre
    return Ink(points, 0.0, None, fill, cyclic=True, holdout=holdout)


def image_empty(name: str, image: bpy.types.Image) -> bpy.types.Object:
    """An empty in the open scene that shows a picture, facing the camera."""
    item = bpy.data.objects.new(name, None)
    item.empty_display_type, item.data = "IMAGE", image
    item.rotation_euler.x = np.pi / 2
    bpy.context.scene.collection.objects.link(item)
    return item


def new_image(name: str, pixels: np.ndarray) -> bpy.types.Image:
    """A picture in the file from uint8 [h, w, 4], straight alpha, first row at the top."""
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True)
    image.pixels.foreach_set((pixels[::-1].astype(np.float32) / 255.0).ravel())
    image.update()
    return image
