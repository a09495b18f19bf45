"""Blender's own picture of one layer, on a throw-away scene of its own; only `shot` calls it.

The evaluated strokes are written into a temporary object in front of a copy of the camera, so that
nothing of the artist's takes part. Settings follow the measurements of the blender spec, section 4.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix

from ..scene import api_versions
from ..scene.camera import CameraView
from ..scene.strokes import LayerReading
from ..shared.errors import AcetateError
from ..shared.pictures import Picture
from .clipping import clip_fills
from .windows import Window

_FIELDS = {"FLOAT_VECTOR": "vector", "FLOAT2": "vector", "FLOAT_COLOR": "color"}
_SMOOTHING = ("antialias_threshold", "antialias_threshold_render", "aa_samples")
_RESULT = "Render Result"
_NOT_WRITTEN = ("cannot save", "could not write", "no space left", "error writing")
_SENSOR_MM = 36.0
_FILL_MARGIN_PX = 8  # wider than any filter smooths, so that the cut itself is never seen


@dataclass(frozen=True)
class RenderLook:
    """The artist's own settings that shape how Grease Pencil edges are smoothed."""

    filter_size: float
    smoothing: tuple[tuple[str, float], ...]


def look_of(scene: bpy.types.Scene) -> RenderLook:
    """How `scene` smooths edges; Blender 4.5 and 5.0 have other defaults."""
    settings = scene.grease_pencil_settings
    found = tuple((name, getattr(settings, name)) for name in _SMOOTHING if hasattr(settings, name))
    return RenderLook(scene.render.filter_size, found)


def render_layer(
    reading: LayerReading, view: CameraView, window: Window, look: RenderLook
) -> Picture:
    """Blender's picture of one layer inside `window`: full layer opacity, no masks, blend regular.

    Raises `not_found` where the layer's object is gone, `disk`, `render_failed`, `render_busy`.
    """
    source = bpy.data.objects.get(reading.id.object_name)
    if source is None:
        raise AcetateError("not_found", what=f'object "{reading.id.object_name}"')
    art = clip_fills(reading, view, window.grown(_FILL_MARGIN_PX))
    # Where fills were cut, the frame holds them whole: the renderer itself has nothing to cut off.
    spare = 0 if art is reading else 2 * _FILL_MARGIN_PX
    frame = window.grown(spare)
    with _stage(view, frame, look) as scene, _actor(source, art, scene):
        pixels = _render(scene, frame)
    inner = pixels[spare : spare + window.height, spare : spare + window.width]
    return Picture(np.ascontiguousarray(inner), window.x, window.y)


@contextmanager
def _stage(view: CameraView, window: Window, look: RenderLook) -> Iterator[bpy.types.Scene]:
    """An empty scene whose camera sees exactly the window, at the camera's own pixel scale."""
    scene = bpy.data.scenes.new("acetate export")
    lens = bpy.data.cameras.new("acetate export")
    camera = bpy.data.objects.new("acetate export", lens)
    try:
        scene.collection.objects.link(camera)
        scene.camera = camera
        _set_render(scene, window, look)
        _set_lens(lens, view, window)
        camera.matrix_world = Matrix(np.linalg.inv(view.world_to_view).tolist())
        yield scene
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.objects.remove(camera)
        bpy.data.cameras.remove(lens)


def _set_render(scene: bpy.types.Scene, window: Window, look: RenderLook) -> None:
    for name, value in look.smoothing:
        setattr(scene.grease_pencil_settings, name, value)
    render = scene.render
    render.filter_size = look.filter_size
    render.engine = "BLENDER_WORKBENCH"
    render.resolution_x, render.resolution_y = window.width, window.height
    render.resolution_percentage = 100
    render.film_transparent = True
    render.dither_intensity = 0.0
    render.use_compositing = render.use_sequencer = False
    render.use_stamp = False
    render.use_file_extension = False
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.look = "None"
    image = render.image_settings
    image.file_format, image.color_mode, image.color_depth = "PNG", "RGBA", "8"
    image.compression = 0


def _set_lens(lens: bpy.types.Camera, view: CameraView, window: Window) -> None:
    """A lens that maps the window as `view` maps the whole picture."""
    matrix = view.projection
    orthographic = abs(matrix[3, 3]) > 0.5
    lens.sensor_fit, lens.sensor_width = "HORIZONTAL", _SENSOR_MM
    across = matrix[0, 0] * view.width / window.width
    # Where the camera's axis pierces the picture plane, in pixels of the window.
    sign = 1.0 if orthographic else -1.0
    offset = matrix[:2, 3] if orthographic else matrix[:2, 2]
    axis_x = (sign * offset[0] * 0.5 + 0.5) * view.width - window.x
    axis_y = (0.5 - sign * offset[1] * 0.5) * view.height - window.y
    lens.shift_x = (window.width / 2 - axis_x) / window.width
    lens.shift_y = (axis_y - window.height / 2) / window.width
    if orthographic:
        lens.type, lens.ortho_scale = "ORTHO", 2.0 / across
        lens.clip_start, lens.clip_end = _orthographic_clip(matrix)
    else:
        lens.type, lens.lens = "PERSP", across * _SENSOR_MM / 2
        lens.clip_start = matrix[2, 3] / (matrix[2, 2] - 1.0)
        lens.clip_end = matrix[2, 3] / (matrix[2, 2] + 1.0)


def _orthographic_clip(matrix: np.ndarray) -> tuple[float, float]:
    near = (matrix[2, 3] + 1.0) / matrix[2, 2]
    far = (matrix[2, 3] - 1.0) / matrix[2, 2]
    return float(near), float(far)


@contextmanager
def _actor(
    source: bpy.types.Object, reading: LayerReading, scene: bpy.types.Scene
) -> Iterator[None]:
    """A copy of the layer's object whose only drawing holds the evaluated strokes."""
    block = api_versions.new_grease_pencil("acetate export")
    actor = holder = None
    try:
        block.stroke_depth_order = source.data.stroke_depth_order
        actor = source.copy()
        actor.animation_data_clear()
        actor.modifiers.clear()
        actor.constraints.clear()
        actor.hide_render = actor.hide_viewport = False
        _write_layer(block, reading)
        actor.data = block
        for slot in source.material_slots:
            block.materials.append(slot.material)
        holder = bpy.data.objects.new("acetate export", None)
        # A parent inverse holds any matrix, a sheared one too; location and scale would not.
        actor.parent, actor.parent_type = holder, "OBJECT"
        actor.matrix_parent_inverse = Matrix(reading.object_to_world.tolist())
        actor.matrix_basis = Matrix.Identity(4)
        for item in (holder, actor):
            scene.collection.objects.link(item)
        yield
    finally:
        for item in (actor, holder):
            if item is not None:
                bpy.data.objects.remove(item)
        api_versions.remove_grease_pencil(block)


def _write_layer(block: bpy.types.ID, reading: LayerReading) -> None:
    layer = block.layers.new("layer")
    layer.use_lights = False
    drawing = layer.frames.new(1).drawing
    drawing.add_strokes(np.diff(reading.offsets).tolist())
    for name, attribute in reading.attributes.items():
        target = drawing.attributes.get(name)
        if target is None:
            target = drawing.attributes.new(name, attribute.data_type, attribute.domain)
        values = attribute.values
        if name in ("position", "handle_left", "handle_right"):
            matrix = reading.layer_to_object
            values = (values @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
        field = _FIELDS.get(attribute.data_type, "value")
        target.data.foreach_set(field, np.ascontiguousarray(values).ravel())
    drawing.tag_positions_changed()


def _render(scene: bpy.types.Scene, window: Window) -> np.ndarray:
    """Render and read back: uint8 [h, w, 4] straight sRGB.

    Raises `disk`, `render_failed` or `render_busy`.
    """
    if bpy.app.is_job_running("RENDER"):
        raise AcetateError("render_busy")
    try:
        with tempfile.TemporaryDirectory(prefix="acetate-") as folder, _no_new_render_result():
            path = os.path.join(folder, "layer.png")
            scene.render.filepath = path
            _write_still(scene)
            return _read_back(path, window)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error


def _write_still(scene: bpy.types.Scene) -> None:
    try:
        bpy.ops.render.render(write_still=True, scene=scene.name)
    except RuntimeError as error:
        text = str(error).strip()
        unwritten = any(words in text.lower() for words in _NOT_WRITTEN)
        raise AcetateError("disk" if unwritten else "render_failed", detail=text) from error


def _read_back(path: str, window: Window) -> np.ndarray:
    try:
        image = bpy.data.images.load(path)
    except RuntimeError as error:  # a render that ends well and leaves no picture had no room
        raise AcetateError("disk", detail=str(error).strip()) from error
    try:
        image.colorspace_settings.name = "Non-Color"
        image.alpha_mode = "CHANNEL_PACKED"
        if tuple(image.size) != (window.width, window.height):
            raise AcetateError("disk", detail="the rendered picture is not whole")
        flat = np.empty(window.width * window.height * 4, np.float32)
        image.pixels.foreach_get(flat)
    finally:
        bpy.data.images.remove(image)
    rows = flat.reshape(window.height, window.width, 4)[::-1]  # Blender's first row is the lowest
    return np.rint(rows * 255.0).astype(np.uint8)


@contextmanager
def _no_new_render_result() -> Iterator[None]:
    """Rendering makes an image that shows results; a file that had none gets none."""
    known = _RESULT in bpy.data.images
    try:
        yield
    finally:
        if not known and _RESULT in bpy.data.images:
            bpy.data.images.remove(bpy.data.images[_RESULT])
