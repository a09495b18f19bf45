"""Turns an evaluated layer into strokes in camera pixels with display colours; `shot` calls it.

Pure numpy. The rules were measured against Blender's renderer (blender spec, section 4).
"""

from __future__ import annotations

import numpy as np

from ..scene.camera import CameraView
from ..scene.strokes import LayerReading, MaterialStyle
from ..shared.strokes import Drawing

_DEFAULT_RADIUS = np.float32(0.01)
_POLY = 1
_CLEAR = np.zeros(4, np.float32)


def is_representable(reading: LayerReading) -> bool:
    """Whether strokes alone give the layer's picture: no masks, effects, textures or soft lines."""
    if reading.masks or not reading.simple:
        return False
    styles, filled = _styles(reading), reading.filled()
    if not all(s.solid_line for s, shown in zip(styles, reading.lined(), strict=True) if shown):
        return False
    if not all(s.solid_fill for s, shown in zip(styles, filled, strict=True) if shown):
        return False
    fills = reading.fill_ids()[filled]
    if len(np.unique(fills)) < len(fills):  # several outlines of one fill: holes
        return False
    curve_type = reading.values("curve_type", "CURVE", np.int32(_POLY))
    softness = reading.values("softness", "CURVE", np.float32(0.0))
    return bool((curve_type == _POLY).all() and (softness == 0.0).all())


def to_drawing(reading: LayerReading, view: CameraView) -> Drawing:
    """Project a layer's strokes. Strokes with a point behind the camera are left out."""
    layer_to_world = reading.object_to_world @ reading.layer_to_object
    local = reading.values("position", "POINT", np.zeros(3, np.float32))
    world = local @ layer_to_world[:3, :3].T + layer_to_world[:3, 3]
    points, divisor = view.project(world)  # [P, 2], [P]
    radius = _radius(reading) * view.pixels_per_unit(divisor)
    line, fill = _stroke_colours(reading)
    kept = _in_front(reading.offsets, divisor)
    owner = np.repeat(kept, np.diff(reading.offsets))
    lengths = np.diff(reading.offsets)[kept]
    return Drawing(
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
        points=points[owner].astype(np.float32),
        radius=radius[owner].astype(np.float32),
        opacity=np.clip(reading.values("opacity", "POINT", np.float32(1.0))[owner], 0.0, 1.0),
        stroke_colour=line[kept],
        fill_colour=fill[kept],
        point_colour=_point_colours(reading)[owner],
        cyclic=reading.values("cyclic", "CURVE", np.bool_(False))[kept],
        holdout=_holdouts(reading)[kept],
        round_caps=(_caps(reading) == 0)[kept],
        material=reading.values("material_index", "CURVE", np.int32(0))[kept],
        layer_opacity=np.array([reading.opacity], np.float32),
    )


def _radius(reading: LayerReading) -> np.ndarray:
    """Radius of each point in world units.

    Only the object's scale widens a line, by how much it stretches the space diagonal (measured).
    """
    scale = float(np.linalg.norm(reading.object_to_world[:3, :3] @ np.full(3, 3.0**-0.5)))
    radius = reading.values("radius", "POINT", _DEFAULT_RADIUS)
    return np.maximum(radius, 0.0) * scale


def _in_front(offsets: np.ndarray, divisor: np.ndarray) -> np.ndarray:
    hidden = np.concatenate([[0], np.cumsum(divisor <= 1e-6)])
    return (hidden[offsets[1:]] == hidden[offsets[:-1]]) & (np.diff(offsets) > 0)


def _styles(reading: LayerReading) -> list[MaterialStyle]:
    return [reading.style(stroke) for stroke in range(reading.stroke_count)]


def _stroke_colours(reading: LayerReading) -> tuple[np.ndarray, np.ndarray]:
    """Line and fill colours with paint: two float32 [S, 4], straight sRGB."""
    styles = _styles(reading)
    line = np.array([s.line for s in styles], np.float32) * reading.lined()[:, None]
    fill = np.array([s.fill for s in styles], np.float32) * reading.filled()[:, None]
    paint = reading.values("fill_color", "CURVE", _CLEAR)
    fill[:, :3] += (paint[:, :3] - fill[:, :3]) * paint[:, 3:]
    fill[:, 3] *= reading.values("fill_opacity", "CURVE", np.float32(1.0))
    return _display(line), _display(fill)


def _point_colours(reading: LayerReading) -> np.ndarray:
    return _display(reading.values("vertex_color", "POINT", _CLEAR))


def _display(linear: np.ndarray) -> np.ndarray:
    """Straight linear RGBA [n, 4] to display-referred sRGB, clipped to 0..1."""
    clipped = np.clip(linear, 0.0, 1.0).astype(np.float32)
    colour = clipped[:, :3]
    clipped[:, :3] = np.where(
        colour <= 0.0031308, colour * 12.92, 1.055 * colour ** (1.0 / 2.4) - 0.055
    )
    return clipped


def _holdouts(reading: LayerReading) -> np.ndarray:
    bits = [s.line_holdout * 1 + s.fill_holdout * 2 for s in _styles(reading)]
    return np.array(bits, np.uint8)


def _caps(reading: LayerReading) -> np.ndarray:
    return reading.values("start_cap", "CURVE", np.int32(0))
