"""Cuts filled strokes to the surroundings of a window before they are drawn; `render` calls it.

Pure numpy. A software renderer drops whole triangles of a fill that reach far beyond the frame of
a perspective camera, so no fill may do that (measured in 4.5, 5.0 and 5.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..scene.camera import CameraView
from ..scene.strokes import Attribute, LayerReading
from .windows import Window

_POLY = 1


@dataclass(eq=False)
class _Pieces:
    """Strokes of the result: where their points and settings come from, and which part shows."""

    positions: list[np.ndarray] = field(default_factory=list)  # each [n, 3], layer space
    points: list[np.ndarray] = field(default_factory=list)  # each [n], indices of source points
    strokes: list[int] = field(default_factory=list)  # indices of source strokes
    line: list[bool] = field(default_factory=list)
    fill: list[bool] = field(default_factory=list)

    def add(
        self, stroke: int, positions: np.ndarray, points: np.ndarray, *, line: bool, fill: bool
    ) -> None:
        """Append one stroke."""
        self.strokes.append(stroke)
        self.positions.append(positions)
        self.points.append(points)
        self.line.append(line)
        self.fill.append(fill)


def clip_fills(reading: LayerReading, view: CameraView, window: Window) -> LayerReading:
    """The same layer with fills cut to `window`; lines stay whole. Itself where nothing is cut.

    A fill that is cut and its line become two strokes, one after the other. Curves other than
    straight ones and textured fills, whose pattern hangs on the outline, are left as they are.
    """
    distances = _distances(reading, view, window)  # [P, 5]
    cut = _to_cut(reading, distances)
    if not cut.any():
        return reading
    pieces, lined = _Pieces(), reading.lined()
    position = reading.attributes["position"].values
    for stroke, (start, stop) in enumerate(
        zip(reading.offsets[:-1], reading.offsets[1:], strict=True)
    ):
        points = np.arange(start, stop)
        if not cut[stroke]:
            pieces.add(stroke, position[points], points, line=True, fill=True)
            continue
        inside, source = _clipped(position[points].astype(np.float64), distances[points])
        if len(inside) >= 3:
            pieces.add(stroke, inside, points[source], line=False, fill=True)
        if lined[stroke]:
            pieces.add(stroke, position[points], points, line=True, fill=False)
    return _assembled(reading, pieces) if pieces.strokes else reading


def _distances(reading: LayerReading, view: CameraView, window: Window) -> np.ndarray:
    """How far each point lies within the window's four sides and the near plane: [P, 5]."""
    to_clip = (
        view.projection @ view.world_to_view @ reading.object_to_world @ reading.layer_to_object
    )
    local = reading.values("position", "POINT", np.zeros(3, np.float32))
    clip = local @ to_clip[:, :3].T + to_clip[:, 3]  # [P, 4]
    x, y, z, w = clip.T
    across = (x * 0.5 + w * 0.5) * view.width  # pixels, still multiplied by w
    down = (w * 0.5 - y * 0.5) * view.height
    right, bottom = window.x + window.width, window.y + window.height
    sides = (across - window.x * w, right * w - across, down - window.y * w, bottom * w - down)
    return np.stack([*sides, z + w], axis=1)


def _to_cut(reading: LayerReading, distances: np.ndarray) -> np.ndarray:
    """Which strokes have a plain fill that leaves the window: bool [S]."""
    outside = np.concatenate([[0], np.cumsum((distances < 0.0).any(axis=1))])
    leaves = outside[reading.offsets[1:]] > outside[reading.offsets[:-1]]
    straight = reading.values("curve_type", "CURVE", np.int32(_POLY)) == _POLY
    solid = np.array([reading.style(s).solid_fill for s in range(reading.stroke_count)], bool)
    return leaves & straight & solid & reading.filled()


def _clipped(positions: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A polygon [n, 3] cut at each plane in turn, and a source point for each corner that is left.

    Distances are linear in space, so cutting in front of the lens is exact in perspective, too.
    """
    source = np.arange(len(positions))
    for plane in range(distances.shape[1]):
        if not len(positions):
            break
        positions, distances, source = _cut(positions, distances, source, plane)
    return positions, source


def _cut(
    positions: np.ndarray, distances: np.ndarray, source: np.ndarray, plane: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    here, after = distances[:, plane], np.roll(distances[:, plane], -1)
    inside, crosses = here >= 0.0, (here >= 0.0) != (after >= 0.0)
    part = (here / np.where(crosses, here - after, 1.0))[:, None]
    kept = np.stack([inside, crosses], axis=1).ravel()  # each corner, then the cut of its edge

    def along(values: np.ndarray) -> np.ndarray:
        between = values + (np.roll(values, -1, axis=0) - values) * part
        return np.stack([values, between], axis=1).reshape(-1, values.shape[1])[kept]

    return along(positions), along(distances), np.repeat(source, 2)[kept]


def _assembled(reading: LayerReading, pieces: _Pieces) -> LayerReading:
    points, strokes = np.concatenate(pieces.points), np.array(pieces.strokes)
    lengths = [len(one) for one in pieces.points]
    line, fill = np.array(pieces.line), np.array(pieces.fill)
    opacity = reading.values("opacity", "POINT", np.float32(1.0))[points] * np.repeat(line, lengths)
    fill_opacity = reading.values("fill_opacity", "CURVE", np.float32(1.0))[strokes] * fill
    attributes = {
        name: replace(one, values=one.values[points if one.domain == "POINT" else strokes])
        for name, one in reading.attributes.items()
    }
    positions = np.concatenate(pieces.positions).astype(np.float32)
    attributes["position"] = Attribute("POINT", "FLOAT_VECTOR", positions)
    attributes["opacity"] = Attribute("POINT", "FLOAT", opacity.astype(np.float32))
    attributes["fill_opacity"] = Attribute("CURVE", "FLOAT", fill_opacity.astype(np.float32))
    if "fill_id" in attributes:
        ids = attributes["fill_id"]
        attributes["fill_id"] = replace(ids, values=(ids.values * fill).astype(np.int32))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return replace(reading, offsets=offsets, attributes=attributes)
