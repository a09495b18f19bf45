"""Places a take's strokes as an editable Grease Pencil object in front of the camera; operators.

Only layers whose new drawings are strokes come back so; see `shared.result.ResultLayer.strokes`.
"""

from __future__ import annotations

import bpy
import numpy as np

from ..scene.api_versions import has_fill_ids, new_grease_pencil
from ..shared.errors import AcetateError
from ..shared.result import ResultLayer
from ..shared.strokes import Drawing, drawing_from_bytes
from .images import timing_of
from .library import Take
from .planes import CameraFrame, camera_frame, distances, show_only_inside

_Look = tuple[float, ...]  # line RGBA, fill RGBA, holdout bits


def place_strokes(context: bpy.types.Context, take: Take) -> bpy.types.Object:
    """Make the object `Take 003 strokes`: one layer per layer of strokes, a key per drawing.

    Raises `no_camera`, `no_strokes` where the take has none, or `import` for a damaged file,
    before anything is made.
    """
    scene = context.scene
    if scene.camera is None:
        raise AcetateError("no_camera")
    layers = sorted((one for one in take.manifest.layers if one.strokes), key=lambda one: one.order)
    if not layers:
        raise AcetateError("no_strokes", take=take.title)
    drawings = [_drawings(take, layer) for layer in layers]
    (distance,) = distances(scene.camera, 1)
    block = new_grease_pencil(f"{take.title} strokes")
    thing = bpy.data.objects.new(block.name, block)
    maker = _Maker(block, take, camera_frame(scene, distance))
    for layer, keys in zip(layers, drawings, strict=True):
        maker.add_layer(layer, keys)
    thing.parent, thing.location = scene.camera, (0.0, 0.0, -distance)
    thing["acetate_take"] = take.id
    scene.collection.objects.link(thing)
    show_only_inside(thing, timing_of(take), scene.frame_current)
    return thing


def _drawings(take: Take, layer: ResultLayer) -> dict[int, Drawing | None]:
    """The drawing of every frame at which it changes; None where strokes show nothing."""
    found: dict[int, Drawing | None] = {}
    before: str | None = ""
    files = take.stroke_files(layer.folder)
    for frame, (sha256, file) in enumerate(
        zip(layer.strokes, files, strict=True), take.manifest.start
    ):
        if sha256 == before:
            continue
        before = sha256
        try:
            found[frame] = None if sha256 is None else drawing_from_bytes(file.read_bytes())
        except (OSError, AcetateError) as error:
            where = f"strokes/{layer.folder}/{file.name}"
            raise AcetateError("import", where=where, detail=str(error)) from error
    return found


class _Maker:
    """Fills one Grease Pencil block; equal looks share a material."""

    def __init__(self, block: bpy.types.ID, take: Take, frame: CameraFrame) -> None:
        self._block = block
        self._take = take
        self._frame = frame
        self._materials: dict[_Look, int] = {}

    def add_layer(self, layer: ResultLayer, keys: dict[int, Drawing | None]) -> None:
        """Add a layer on top with these drawings."""
        made = self._block.layers.new(layer.name)
        made.use_lights = False
        opacities = [float(one.layer_opacity[0]) for one in keys.values() if one is not None]
        made.opacity = opacities[0] if opacities else 1.0
        for frame, drawing in keys.items():
            target = made.frames.new(frame).drawing
            if drawing is not None and drawing.stroke_count:
                self._fill(target, drawing)

    def _fill(self, target: bpy.types.bpy_struct, drawing: Drawing) -> None:
        target.add_strokes(np.diff(drawing.offsets).tolist())
        pixel = (self._frame.right - self._frame.left) / self._take.manifest.width
        _set(target, "position", "FLOAT_VECTOR", "POINT", self._placed(drawing.points))
        _set(target, "radius", "FLOAT", "POINT", drawing.radius * pixel)
        _set(target, "opacity", "FLOAT", "POINT", drawing.opacity)
        _set(target, "vertex_color", "FLOAT_COLOR", "POINT", _linear(drawing.point_colour))
        looks = self._looks(drawing)
        _set(target, "material_index", "INT", "CURVE", np.array(looks))
        _set(target, "cyclic", "BOOLEAN", "CURVE", drawing.cyclic)
        for cap in ("start_cap", "end_cap"):
            _set(target, cap, "INT8", "CURVE", np.where(drawing.round_caps, 0, 1))
        if has_fill_ids(target):
            filled = drawing.fill_colour[:, 3] > 0
            numbers = np.where(filled, np.arange(1, drawing.stroke_count + 1), 0)
            _set(target, "fill_id", "INT", "CURVE", numbers)
            _set(target, "hide_stroke", "BOOLEAN", "CURVE", drawing.stroke_colour[:, 3] <= 0)
        target.tag_positions_changed()

    def _placed(self, points: np.ndarray) -> np.ndarray:
        """Camera pixels [n, 2] on the picture plane of the object: [n, 3]."""
        frame, manifest = self._frame, self._take.manifest
        across = frame.left + points[:, 0] / manifest.width * (frame.right - frame.left)
        up = frame.top - points[:, 1] / manifest.height * (frame.top - frame.bottom)
        return np.stack([across, up, np.zeros_like(up)], axis=1)

    def _looks(self, drawing: Drawing) -> list[int]:
        """The material of every stroke."""
        colours = np.concatenate([_linear(drawing.stroke_colour), _linear(drawing.fill_colour)], 1)
        rows = np.concatenate([colours, drawing.holdout[:, None]], axis=1).round(5)
        return [self._material(tuple(row)) for row in rows.tolist()]

    def _material(self, look: _Look) -> int:
        if look in self._materials:
            return self._materials[look]
        material = bpy.data.materials.new(f"{self._take.title} ink")
        bpy.data.materials.create_gpencil_data(material)
        style = material.grease_pencil
        style.color, style.fill_color = look[:4], look[4:8]
        style.show_stroke, style.show_fill = look[3] > 0, look[7] > 0
        bits = int(look[8])
        style.use_stroke_holdout, style.use_fill_holdout = bool(bits & 1), bool(bits & 2)
        self._block.materials.append(material)
        self._materials[look] = len(self._block.materials) - 1
        return self._materials[look]


def _set(
    target: bpy.types.bpy_struct, name: str, kind: str, domain: str, values: np.ndarray
) -> None:
    attribute = target.attributes.get(name) or target.attributes.new(name, kind, domain)
    field = {"FLOAT_VECTOR": "vector", "FLOAT_COLOR": "color"}.get(kind, "value")
    dtype = {"INT": np.int32, "INT8": np.int32, "BOOLEAN": np.bool_}.get(kind, np.float32)
    attribute.data.foreach_set(field, np.ascontiguousarray(values, dtype).ravel())


def _linear(display: np.ndarray) -> np.ndarray:
    """Straight sRGB RGBA [n, 4] to straight linear RGBA."""
    found = display.astype(np.float64)
    colour = found[:, :3]
    found[:, :3] = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return found
