"""Reads the evaluated strokes of one Grease Pencil layer into plain arrays; the exporter calls it.

Evaluated means: modifiers, parents, layer transforms and animation applied; a layer's tint and
radius offset are then part of the points' colours and radii already (measured in 4.5 and 5.0).
Attributes are read by name with defaults, because Blender stores only those that were written.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..shared.errors import AcetateError
from .api_versions import has_fill_ids
from .grease_pencil import MaskSource, mask_sources
from .settings import LayerId

_LARGEST = 1e18
# Blender's attribute type -> (numpy type, numbers per element, name for foreach_get)
_ATTRIBUTE_FORMS: dict[str, tuple[type, int, str]] = {
    "FLOAT": (np.float32, 1, "value"),
    "INT": (np.int32, 1, "value"),
    "INT8": (np.int32, 1, "value"),
    "BOOLEAN": (np.bool_, 1, "value"),
    "FLOAT_VECTOR": (np.float32, 3, "vector"),
    "FLOAT2": (np.float32, 2, "vector"),
    "FLOAT_COLOR": (np.float32, 4, "color"),
    "QUATERNION": (np.float32, 4, "value"),
}


@dataclass(frozen=True, eq=False)
class Attribute:
    """One attribute of a drawing: `values` [n] or [n, k], one row per point or per stroke."""

    domain: str
    data_type: str
    values: np.ndarray


@dataclass(frozen=True)
class MaterialStyle:
    """How a Grease Pencil material paints; colours are straight linear RGBA.

    `solid_line`, `solid_fill`: no dots, textures or gradients. `hidden`: paints nothing.
    """

    line: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    fill: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    show_line: bool = True
    show_fill: bool = False
    line_holdout: bool = False
    fill_holdout: bool = False
    solid_line: bool = True
    solid_fill: bool = True
    hidden: bool = False


@dataclass(frozen=True, eq=False)
class LayerReading:
    """One layer at one frame, evaluated. S strokes, P points.

    `offsets` int32 [S + 1]; `attributes` by name. `layer_to_object`, `object_to_world` float64
    [4, 4]. `simple` is False where an object effect or another
    setting changes the picture in ways that strokes cannot tell. `has_fill_ids`: this Blender
    fills by the number of a stroke's fill.
    """

    id: LayerId
    offsets: np.ndarray
    attributes: dict[str, Attribute]
    layer_to_object: np.ndarray
    object_to_world: np.ndarray
    materials: tuple[MaterialStyle, ...]
    opacity: float
    masks: tuple[MaskSource, ...]
    simple: bool
    has_fill_ids: bool = False

    @property
    def stroke_count(self) -> int:
        """Number of strokes."""
        return max(len(self.offsets) - 1, 0)

    @property
    def point_count(self) -> int:
        """Number of points of all strokes."""
        return int(self.offsets[-1]) if len(self.offsets) else 0

    def values(self, name: str, domain: str, default: np.ndarray | np.generic) -> np.ndarray:
        """An attribute's values, or `default` repeated for each point or stroke."""
        found = self.attributes.get(name)
        if found is not None and found.domain == domain:
            return found.values
        count = self.point_count if domain == "POINT" else self.stroke_count
        return np.tile(default, (count,) + (1,) * default.ndim)

    def style(self, stroke: int) -> MaterialStyle:
        """The material of one stroke; Blender's own default where it has none."""
        index = int(self.values("material_index", "CURVE", np.int32(0))[stroke])
        return self.materials[index] if 0 <= index < len(self.materials) else MaterialStyle()

    def filled(self) -> np.ndarray:
        """Which strokes show a fill: bool [S].

        From 5.2 on a stroke is filled where it has a number that tells which fill it belongs to,
        whatever its material says (measured); before, the material decides alone.
        """
        styles = [self.style(stroke) for stroke in range(self.stroke_count)]
        shown = np.array([s.show_fill or self.has_fill_ids for s in styles], bool)
        return shown & ~np.array([s.hidden for s in styles], bool) & (self.fill_ids() != 0)

    def fill_ids(self) -> np.ndarray:
        """Which fill each stroke belongs to: int32 [S]; 0 for none."""
        if not self.has_fill_ids:
            return np.arange(1, self.stroke_count + 1, dtype=np.int32)
        return self.values("fill_id", "CURVE", np.int32(0))

    def lined(self) -> np.ndarray:
        """Which strokes show a line: bool [S]; as with fills, 5.2 asks the stroke alone."""
        styles = [self.style(stroke) for stroke in range(self.stroke_count)]
        shown = np.array([s.show_line or self.has_fill_ids for s in styles], bool)
        kept = ~self.values("hide_stroke", "CURVE", np.bool_(False))
        return (
            shown & ~np.array([s.hidden for s in styles], bool) & (kept | (not self.has_fill_ids))
        )


def read_layer(
    item: bpy.types.Object, layer_name: str, depsgraph: bpy.types.Depsgraph, frame: int
) -> LayerReading | None:
    """The evaluated strokes of a layer, or None where it shows nothing at this frame.

    `depsgraph` must show `frame`. Raises `not_found` for an unknown layer and `bad_numbers` where
    a point, radius or colour is not finite.
    """
    original = _original(item, layer_name)
    evaluated = item.evaluated_get(depsgraph)  # the object itself where it is switched off
    layer = evaluated.data.layers.get(layer_name) or original
    key = layer.get_frame_at(frame)
    if key is None or len(key.drawing.curve_offsets) < 2:
        return None
    offsets = np.empty(len(key.drawing.curve_offsets), np.int32)
    key.drawing.curve_offsets.foreach_get("value", offsets)
    reading = LayerReading(
        id=LayerId(item.name, layer_name),
        offsets=offsets,
        attributes=_attributes(key.drawing),
        layer_to_object=_layer_to_object(evaluated, layer, depsgraph),
        object_to_world=np.array(evaluated.matrix_world),
        materials=tuple(_style(slot.material) for slot in evaluated.material_slots),
        opacity=float(layer.opacity),
        masks=mask_sources(item.data, original),
        simple=not any(effect.show_render for effect in item.shader_effects),
        has_fill_ids=has_fill_ids(key.drawing),
    )
    _check_finite(reading)
    return reading


def _original(item: bpy.types.Object, layer_name: str) -> bpy.types.GreasePencilLayer:
    """The layer as the artist has it, who may have deleted it while the export goes on."""
    layer = item.data.layers.get(layer_name)
    if layer is None:
        raise AcetateError("not_found", what=f'layer "{item.name}/{layer_name}"')
    return layer


def layer_matrix(
    item: bpy.types.Object, layer_name: str, depsgraph: bpy.types.Depsgraph
) -> np.ndarray:
    """A layer's space to the world at the depsgraph's frame: float64 [4, 4]. Raises `not_found`."""
    evaluated = item.evaluated_get(depsgraph)
    layer = evaluated.data.layers.get(layer_name) or _original(item, layer_name)
    to_world = np.array(evaluated.matrix_world)
    return to_world @ _layer_to_object(evaluated, layer, depsgraph)


def _attributes(drawing: bpy.types.bpy_struct) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    for attribute in drawing.attributes:
        form = _ATTRIBUTE_FORMS.get(attribute.data_type)
        if form is None or attribute.name.startswith("."):
            continue
        dtype, width, field = form
        flat = np.empty(len(attribute.data) * width, dtype)
        attribute.data.foreach_get(field, flat)
        values = flat if width == 1 else flat.reshape(-1, width)
        found[attribute.name] = Attribute(attribute.domain, attribute.data_type, values)
    return found


def _layer_to_object(
    evaluated: bpy.types.Object, layer: bpy.types.bpy_struct, depsgraph: bpy.types.Depsgraph
) -> np.ndarray:
    """A layer's transform within its object; a parented layer follows its parent in the world."""
    local = np.array(layer.matrix_local)
    if layer.parent is None:
        return local
    parent = layer.parent.evaluated_get(depsgraph)
    parent_to_world = np.array(parent.matrix_world)
    if parent.type == "ARMATURE" and layer.parent_bone in parent.pose.bones:
        parent_to_world = parent_to_world @ np.array(parent.pose.bones[layer.parent_bone].matrix)
    to_object = np.linalg.inv(np.array(evaluated.matrix_world))
    return to_object @ parent_to_world @ np.array(layer.matrix_parent_inverse) @ local


def _style(material: bpy.types.Material | None) -> MaterialStyle:
    look = material.grease_pencil if material is not None else None
    if look is None:
        return MaterialStyle()
    return MaterialStyle(
        line=tuple(look.color),
        fill=tuple(look.fill_color),
        show_line=bool(look.show_stroke),
        show_fill=bool(look.show_fill),
        line_holdout=bool(look.use_stroke_holdout),
        fill_holdout=bool(look.use_fill_holdout),
        solid_line=look.mode == "LINE" and look.stroke_style == "SOLID",
        solid_fill=look.fill_style == "SOLID",
        hidden=bool(look.hide),
    )


def _check_finite(reading: LayerReading) -> None:
    name = f"{reading.id.object_name}/{reading.id.layer_name}"
    for attribute in reading.attributes.values():
        if attribute.values.dtype != np.float32 or not attribute.values.size:
            continue
        # Blender stores an infinite coordinate as the largest float. NaN fails this test, too.
        if not bool((np.abs(attribute.values) < _LARGEST).all()):
            raise AcetateError("bad_numbers", layer=name)
    if not np.isfinite([reading.layer_to_object, reading.object_to_world]).all():
        raise AcetateError("bad_numbers", layer=name)
