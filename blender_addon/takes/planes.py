"""Places a take as planes or image empties that fill the camera, one per layer; for `place`."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..shared.errors import AcetateError
from ..shared.result import ResultLayer
from .images import Timing, load_sequence, set_timing, timing_of
from .library import Take

_NEAREST = 0.05
_STEP = 0.002
# Nearer than this many clip starts a plane would begin to vanish.
_CLIP_MARGIN = 1.01


@dataclass(frozen=True)
class CameraFrame:
    """The camera's picture plane at one distance: edges in camera space, Blender units."""

    left: float
    right: float
    bottom: float
    top: float
    distance: float


def camera_frame(scene: bpy.types.Scene, distance: float) -> CameraFrame:
    """Where the picture's border lies at `distance` in front of the camera."""
    camera = scene.camera.data
    corners = camera.view_frame(scene=scene)
    # A perspective camera's border grows with distance, an orthographic one's does not.
    scale = 1.0 if camera.type == "ORTHO" else distance / -corners[0].z
    across = [corner.x * scale for corner in corners]
    up = [corner.y * scale for corner in corners]
    return CameraFrame(min(across), max(across), min(up), max(up), distance)


def place_objects(
    context: bpy.types.Context, take: Take, *, as_empties: bool
) -> bpy.types.Collection:
    """Make the collection `Take 003` with one object per layer, lowest farthest away.

    Raises `no_camera` or `import`. Nothing else in the scene is touched.
    """
    scene = context.scene
    if scene.camera is None:
        raise AcetateError("no_camera")
    make = _empty if as_empties else _plane
    layers = sorted(take.manifest.layers, key=lambda layer: layer.order)
    timing = timing_of(take)
    depths = distances(scene.camera, len(layers))
    made = []
    for layer, distance in zip(layers, depths, strict=True):
        image = load_sequence(take, layer.folder, f"{take.title} {layer.name}")
        thing = make(take, layer, image, timing, camera_frame(scene, distance))
        thing.parent = scene.camera
        thing["acetate_take"] = take.id
        thing["acetate_layer"] = layer.name
        thing["acetate_blend"] = layer.blend
        thing.hide_select = True
        show_only_inside(thing, timing, scene.frame_current)
        made.append(thing)
    collection = bpy.data.collections.new(take.title)
    scene.collection.children.link(collection)
    for thing in made:
        collection.objects.link(thing)
    return collection


def distances(camera: bpy.types.Object, count: int) -> list[float]:
    """Distances for `count` layers, lowest first, all nearer than the takes that are there."""
    placed = [_distance_of(one) for one in camera.children if "acetate_take" in one]
    clip = camera.data.clip_start
    if not placed:
        base = max(clip * 1.2, _NEAREST)
        return [base * (1.0 + _STEP * (count - index)) for index in range(count)]
    nearest = min(placed)
    room = max(nearest - clip * _CLIP_MARGIN, 0.0)
    step = min(nearest * _STEP, room / (count + 1))
    return [nearest - step * (index + 1) for index in range(count)]


def _distance_of(thing: bpy.types.Object) -> float:
    depth = thing.location.z
    if isinstance(thing.data, bpy.types.Mesh) and thing.data.vertices:
        depth += thing.data.vertices[0].co.z
    return -depth


def _plane(
    take: Take, layer: ResultLayer, image: bpy.types.Image, timing: Timing, frame: CameraFrame
) -> bpy.types.Object:
    name = f"{take.title} {layer.name}"
    mesh = bpy.data.meshes.new(name)
    corners = [
        (frame.left, frame.bottom, -frame.distance),
        (frame.right, frame.bottom, -frame.distance),
        (frame.right, frame.top, -frame.distance),
        (frame.left, frame.top, -frame.distance),
    ]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    uv_layer = mesh.uv_layers.new(name="UVMap")
    for loop, uv in zip(uv_layer.data, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        loop.uv = uv
    mesh.materials.append(_material(name, image, timing))
    return bpy.data.objects.new(name, mesh)


def _material(name: str, image: bpy.types.Image, timing: Timing) -> bpy.types.Material:
    """Emission mixed with transparency by the picture's alpha: no light changes the drawing."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    material.surface_render_method = "BLENDED"
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = image
    texture.interpolation = "Closest"
    texture.extension = "CLIP"
    set_timing(texture.image_user, timing)
    emission = nodes.new("ShaderNodeEmission")
    clear = nodes.new("ShaderNodeBsdfTransparent")
    mix = nodes.new("ShaderNodeMixShader")
    output = nodes.new("ShaderNodeOutputMaterial")
    links.new(texture.outputs["Color"], emission.inputs["Color"])
    links.new(texture.outputs["Alpha"], mix.inputs[0])
    links.new(clear.outputs[0], mix.inputs[1])
    links.new(emission.outputs[0], mix.inputs[2])
    links.new(mix.outputs[0], output.inputs["Surface"])
    for column, node in enumerate((texture, emission, clear, mix, output)):
        node.location = (column * 200.0, 0.0 if node is not clear else -150.0)
    return material


def _empty(
    take: Take, layer: ResultLayer, image: bpy.types.Image, timing: Timing, frame: CameraFrame
) -> bpy.types.Object:
    playhead = bpy.context.scene.frame_current
    thing = bpy.data.objects.new(f"{take.title} {layer.name}", None)
    thing.empty_display_type = "IMAGE"
    thing.data = image
    thing.use_empty_image_alpha = True
    thing.empty_image_side = "FRONT"
    # The longer side of the picture spans the display size.
    thing.empty_display_size = max(frame.right - frame.left, frame.top - frame.bottom)
    thing.empty_image_offset = (-0.5, -0.5)
    thing.location = (
        (frame.left + frame.right) / 2.0,
        (frame.bottom + frame.top) / 2.0,
        -frame.distance,
    )
    set_timing(thing.image_user, timing)
    # The viewport does not advance an empty's sequence by itself (seen in 5.2): a driver does, and
    # the first picture is set by hand because the driver runs at the next change of frame.
    shift = timing.first_number - timing.start
    thing.image_user.frame_current = min(max(playhead, timing.start), timing.end) + shift
    driver = thing.driver_add("image_user.frame_current").driver
    driver.type = "SCRIPTED"
    driver.expression = f"min(max(frame, {timing.start}), {timing.end}) + {shift}"
    return thing


def show_only_inside(thing: bpy.types.Object, timing: Timing, playhead: int) -> None:
    """Hide the object outside the take's frames, by keys that can be moved in the Dope Sheet."""
    for frame, hidden in ((timing.start - 1, True), (timing.start, False), (timing.end + 1, True)):
        thing.hide_render = thing.hide_viewport = hidden
        thing.keyframe_insert("hide_render", frame=frame)
        thing.keyframe_insert("hide_viewport", frame=frame)
    # Keys are only read at the next change of frame; the artist looks now.
    thing.hide_render = thing.hide_viewport = not timing.start <= playhead <= timing.end
