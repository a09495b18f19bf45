"""Where the material of a figure's clip goes: every part's map from layer to picture, and back.

A `Movement` for clips of `make_clip`. Pieces: 0 is the plate, then every part of every layer in
painting order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from training.procedural.clip import Clip, Layer
from training.procedural.figure import Figure, Part
from training.procedural.motion import ASPECT

_NEWTON_STEPS = 12
_CLOSE_ENOUGH = 1e-10  # in radii of the body


class FigureMovement:
    """The motion of all parts of a clip at one picture size."""

    def __init__(self, clip: Clip, width: int, height: int) -> None:
        self._clip = clip
        self._height = height
        self._left_px = (width - ASPECT * height) / 2
        self._owners = [
            (layer, part) for layer in clip.layers for part in range(len(layer.figure.parts))
        ]

    def moving(self, frame: int, other: int) -> np.ndarray:
        """See `Movement`."""
        moves = [layer.stratum != "static" and frame != other for layer, _ in self._owners]
        return np.array([False, *moves])

    def to_material(self, pieces: np.ndarray, points: np.ndarray, frame: int) -> np.ndarray:
        """See `Movement`; of the plate and of layers that rest, pixels are their material."""
        time = self._clip.time(frame)
        material = np.array(points, np.float64)
        for layer, part, mine in self._moving(pieces):
            heights = (material[mine] - (self._left_px, 0.0)) / self._height
            material[mine] = to_material(layer, part, heights, time)
        return material

    def to_picture(self, pieces: np.ndarray, material: np.ndarray, frame: int) -> np.ndarray:
        """See `Movement`."""
        time = self._clip.time(frame)
        points = np.array(material, np.float64)
        for layer, part, mine in self._moving(pieces):
            heights = from_material(layer, part, points[mine], time)
            points[mine] = heights * self._height + (self._left_px, 0.0)
        return points

    def shift(self, pieces: np.ndarray, points: np.ndarray, frame: int, other: int) -> np.ndarray:
        """See `Movement`."""
        return self.to_picture(pieces, self.to_material(pieces, points, frame), other) - points

    def _moving(self, pieces: np.ndarray) -> Iterator[tuple[Layer, int, np.ndarray]]:
        """Each piece that moves, with the indices of its points."""
        order = np.argsort(pieces, kind="stable")
        numbers, starts = np.unique(pieces[order], return_index=True)
        for number, mine in zip(numbers, np.split(order, starts[1:]), strict=True):
            if number:
                layer, part = self._owners[int(number) - 1]
                if layer.stratum != "static":
                    yield layer, part, mine


def from_material(layer: Layer, part: int, points: np.ndarray, time: float) -> np.ndarray:
    """Material points [n, 2] of a part at a time 0..1, in frame heights."""
    figure = layer.figure
    posed = _posed(figure, figure.parts[part], points, time)
    return layer.motion.pose(time).apply(figure.bent(posed, time) * layer.radius)


def to_material(layer: Layer, part: int, points: np.ndarray, time: float) -> np.ndarray:
    """The inverse of `from_material`: frame heights [n, 2] at a time to the part's own units."""
    pose = layer.motion.pose(time)
    figure = layer.figure
    placed = (points - pose.shift) @ np.linalg.inv(pose.matrix).T / layer.radius
    return _unposed(figure, figure.parts[part], _unbent(figure, placed, time), time)


def _unbent(figure: Figure, points: np.ndarray, time: float) -> np.ndarray:
    """Inverse of `Figure.bent`. Where a bend folds the plane, the side nearer to y is taken."""
    change = figure.deformation
    x, y = points[:, 0], points[:, 1]
    if change.bend is not None:
        bend, row = change.bend.at(time), y
        for _ in range(_NEWTON_STEPS):
            cosine, sine = np.cos(bend * row), np.sin(bend * row)
            slope = 1 + bend * (x * cosine + y * sine)
            step = (row + x * sine - y * cosine) / np.where(slope > 0.1, slope, 0.1)
            row = row - np.clip(step, -0.5, 0.5)
            if np.abs(step).max(initial=0.0) < _CLOSE_ENOUGH:
                break
        x, y = x * np.cos(bend * row) + y * np.sin(bend * row), row
    if change.wave is not None:
        wave = change.wave
        phase = wave.phase + wave.cycles * time
        swell = wave.amount * np.sin(2 * math.pi * (change.wave_number * y - phase))
        x = x - swell + wave.amount * math.sin(-2 * math.pi * phase)
    return np.stack([x, y], axis=1)


def _placing(figure: Figure, part: Part, time: float) -> tuple[np.ndarray, np.ndarray]:
    """Scale [2] and shift [2] that a part which is no limb has within its figure."""
    scale, shift, change = np.ones(2), np.zeros(2), figure.deformation
    middle = part.points.mean(axis=0)
    if part.kind == "eye" and change.blink is not None:
        distance = abs(time - change.blink) / change.blink_half
        scale = np.array([1.0, 0.12 + 0.88 * min(distance, 1.0)])
        shift = middle * (1 - scale)
    if part.kind == "body" or change.turn is None:
        return scale, shift
    turned = change.turn.at(time)
    narrow = np.array([1 - 0.5 * abs(turned), 1.0])
    offset = np.array([turned * part.depth, 0.0])
    return scale * narrow, middle * (1 - narrow) + shift * narrow + offset


def _posed(figure: Figure, part: Part, points: np.ndarray, time: float) -> np.ndarray:
    if part.kind != "limb":
        scale, shift = _placing(figure, part, time)
        return points * scale + shift
    start, curvature = _limb_pose(part, time)
    along, across = points[:, 0], points[:, 1]
    heading = start + curvature * along
    if abs(curvature) < 1e-6:
        spine = along[:, None] * np.array([math.cos(start), math.sin(start)])
    else:
        x, y = np.sin(heading) - math.sin(start), math.cos(start) - np.cos(heading)
        spine = np.stack([x, y], axis=1) / curvature
    normal = np.stack([-np.sin(heading), np.cos(heading)], axis=1)
    return np.array(part.root) + spine + normal * across[:, None]


def _unposed(figure: Figure, part: Part, points: np.ndarray, time: float) -> np.ndarray:
    if part.kind != "limb":
        scale, shift = _placing(figure, part, time)
        return (points - shift) / scale
    start, curvature = _limb_pose(part, time)
    x, y = (points - np.array(part.root)).T
    if abs(curvature) < 1e-6:
        cosine, sine = math.cos(start), math.sin(start)
        return np.stack([x * cosine + y * sine, y * cosine - x * sine], axis=1)
    # A limb is a ring's piece around the centre of its spine's curvature.
    side = math.copysign(1.0, curvature)
    x, y = side * (x + math.sin(start) / curvature), side * (y - math.cos(start) / curvature)
    turned = np.arctan2(x, -y) - start
    turned = (turned + math.pi) % (2 * math.pi) - math.pi
    return np.stack([turned / curvature, 1 / curvature - side * np.hypot(x, y)], axis=1)


def _limb_pose(part: Part, time: float) -> tuple[float, float]:
    """Direction of a limb at its root, and the curvature of its spine."""
    swing = part.swing.at(time) if part.swing else 0.0
    curl = part.curl.at(time) if part.curl else 0.0
    return part.angle + swing, curl / part.length
