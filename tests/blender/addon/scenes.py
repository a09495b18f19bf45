"""A small drawn scene for tests: a background and a figure with two keys, as strokes."""

from __future__ import annotations

import bpy

FIRST, LAST = 1, 9
Points = list[tuple[float, float]]


def draw_scene() -> bpy.types.Object:
    """Draw into the open file; returns the Grease Pencil object with layers `bg` and `figure`."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = FIRST, LAST
    blocks = getattr(bpy.data, "grease_pencils_v3", bpy.data.grease_pencils)
    art = bpy.data.objects.new("Art", blocks.new("Art"))
    scene.collection.objects.link(art)
    for index, colour in enumerate(((0.3, 0.5, 0.8, 1.0), (0.9, 0.3, 0.1, 1.0))):
        art.data.materials.append(_fill_material(f"Fill {index}", colour))
    draw(art, "bg", FIRST, _box(0.0, 0.0, 5.0, 4.0), material=0)
    draw(art, "figure", FIRST, _box(-1.0, -0.3, 0.5, 0.5), material=1)
    draw(art, "figure", LAST, _box(0.8, 0.2, 0.5, 0.5), material=1)
    scene.frame_set(FIRST)
    return art


def draw(
    art: bpy.types.Object, layer_name: str, frame: int, points: Points, *, material: int = 0
) -> None:
    """Add one filled stroke at a key of a layer; makes layer and key where they are missing."""
    layers = art.data.layers
    layer = layers.get(layer_name) or layers.new(layer_name)
    key = next((one for one in layer.frames if one.frame_number == frame), None)
    key = key or layer.frames.new(frame)
    key.drawing.add_strokes([len(points)])
    stroke = key.drawing.strokes[-1]
    stroke.material_index, stroke.cyclic = material, True
    for point, (x, z) in zip(stroke.points, points, strict=True):
        point.position, point.radius, point.opacity = (x, 0.0, z), 0.03, 1.0
    key.drawing.tag_positions_changed()


def _box(x: float, z: float, half_width: float, half_height: float) -> Points:
    return [
        (x - half_width, z - half_height),
        (x + half_width, z - half_height),
        (x + half_width, z + half_height),
        (x - half_width, z + half_height),
    ]


def _fill_material(name: str, colour: tuple[float, float, float, float]) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    bpy.data.materials.create_gpencil_data(material)
    look = material.grease_pencil
    look.show_fill, look.fill_color = True, colour
    return material
