"""Draws a studio scene at any size, with the piece that each pixel shows and the line drawing.

Called by sources of training clips and by tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import skia

from training.procedural.canvas import (
    NumberCanvas,
    SketchCanvas,
    pen,
    polygon,
    sketch_line_px,
    straight,
    surface,
)
from training.procedural.drawn import DrawnClip, DrawnElement, DrawnLayer
from training.procedural.studio.rig import Piece, Shape, sway_shift
from training.procedural.studio.scene import Scene
from training.procedural.words import sentence

_LIGHT = (-0.16, -0.2)
"""How far the light side of a cel-shaded piece lies from its outline, in its own size."""


class PieceMovement:
    """The motion of a scene's pieces at one picture size; a `Movement`."""

    def __init__(self, matrices_px: np.ndarray, sways: list[np.ndarray | None]) -> None:
        self._matrices = matrices_px  # [frames, pieces, 2, 3]
        self._sways = {number: sway for number, sway in enumerate(sways) if sway is not None}

    def moving(self, frame: int, other: int) -> np.ndarray:
        """See `Movement`."""
        moves = (self._matrices[frame] != self._matrices[other]).any(axis=(1, 2))
        for number, sway in self._sways.items():
            moves[number] |= not np.array_equal(sway[frame], sway[other])
        return moves

    def to_material(self, pieces: np.ndarray, points: np.ndarray, frame: int) -> np.ndarray:
        """See `Movement`."""
        whole = self._matrices[frame]
        turn = _inverse(whole[:, :, :2])
        shift = -(turn @ whole[:, :, 2:])[..., 0]
        material = _mapped(turn, shift, pieces, points)
        for sway, mine in self._swaying(pieces, frame):
            material[mine, 0] -= sway_shift(sway, material[mine, 1])
        return material

    def to_picture(self, pieces: np.ndarray, material: np.ndarray, frame: int) -> np.ndarray:
        """See `Movement`."""
        swayed = np.array(material, np.float64)
        for sway, mine in self._swaying(pieces, frame):
            swayed[mine, 0] += sway_shift(sway, swayed[mine, 1])
        whole = self._matrices[frame]
        return _mapped(whole[:, :, :2], whole[:, :, 2], pieces, swayed)

    def shift(self, pieces: np.ndarray, points: np.ndarray, frame: int, other: int) -> np.ndarray:
        """See `Movement`; pieces that do not sway take one step instead of two."""
        before, after = self._matrices[frame], self._matrices[other]
        turn = after[:, :, :2] @ _inverse(before[:, :, :2])
        shift = after[:, :, 2] - (turn @ before[:, :, 2:])[..., 0]
        # Matrices of the way alone are small, so that single precision keeps it.
        way = np.concatenate([(turn - np.eye(2)).reshape(-1, 4), shift], axis=1)
        a, b, c, d, e, f = (column.take(pieces) for column in way.T.astype(np.float32, order="C"))
        x, y = points.T.astype(np.float32, order="C")
        gone = np.stack([a * x + b * y + e, c * x + d * y + f], axis=1)
        for _, mine in self._swaying(pieces, frame):
            material = self.to_material(pieces[mine], points[mine], frame)
            gone[mine] = self.to_picture(pieces[mine], material, other) - points[mine]
        return gone

    def _swaying(self, pieces: np.ndarray, frame: int) -> list[tuple[np.ndarray, np.ndarray]]:
        present = set(np.unique(pieces).tolist()) & set(self._sways)
        return [(self._sways[n][frame], np.flatnonzero(pieces == n)) for n in sorted(present)]


def _inverse(turns: np.ndarray) -> np.ndarray:
    """Inverses of matrices [n, 2, 2]; zero for pieces folded flat, which no pixel shows."""
    (a, b), (c, d) = np.moveaxis(turns, 0, -1)
    size = a * d - b * c
    size = np.where(np.abs(size) > 1e-9, size, np.inf)
    return np.moveaxis(np.array([[d, -b], [-c, a]]) / size, -1, 0)


def _mapped(
    turn: np.ndarray, shift: np.ndarray, pieces: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Every point [n, 2] through its own piece's matrix [pieces, 2, 2] and shift [pieces, 2]."""
    x, y = points[:, 0], points[:, 1]
    table = np.concatenate([turn.reshape(-1, 4), shift], axis=1)[pieces]  # [n, 6]
    return np.stack(
        [
            table[:, 0] * x + table[:, 1] * y + table[:, 4],
            table[:, 2] * x + table[:, 3] * y + table[:, 5],
        ],
        axis=1,
    )


def paint(scene: Scene, width: int, height: int) -> DrawnClip:
    """Draw all frames. Frames in which nothing moves repeat the one before, bit for bit."""
    matrices = scene.matrices_px(width, height)
    pieces = scene.pieces
    easel = _Easel(scene, width, height, _resting(pieces, matrices))
    drawn: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for frame in range(scene.frames):
        if frame and _held(pieces, matrices, frame):
            drawn.append(drawn[-1])
        else:
            drawn.append(easel.frame(matrices[frame], frame))
    elements, owners = _elements(scene)
    return DrawnClip(
        frames=np.stack([one[0] for one in drawn]),
        pieces=np.stack([one[1] for one in drawn]),
        piece_elements=owners,
        elements=elements,
        layers=tuple(DrawnLayer(layer.name, sentence(layer.phrase)) for layer in scene.layers),
        sketch=np.stack([one[2] for one in drawn]),
        movement=PieceMovement(matrices, [piece.sway for piece in pieces]),
        caption=scene.caption,
        fps=scene.fps,
    )


def paint_layer_sketches(scene: Scene, width: int, height: int) -> np.ndarray:
    """Line drawings of each layer alone: uint8 [layers, frames, h, w], 0 on a line .. 255 paper.

    A layer's own pieces hide each other's lines, other layers hide nothing.
    """
    matrices = scene.matrices_px(width, height)
    easel = _Easel(scene, width, height, 0)
    sketches = np.empty((len(scene.layers), scene.frames, height, width), np.uint8)
    first = 0
    for number, layer in enumerate(scene.layers):
        mine = range(first, first + len(layer.pieces))
        for frame in range(scene.frames):
            sketches[number, frame] = easel.sketch(mine, matrices[frame], frame)
        first = mine.stop
    return sketches


def _resting(pieces: list[Piece], matrices: np.ndarray) -> int:
    """How many of the lowest pieces never change; they are painted once."""
    still = (matrices == matrices[:1]).all(axis=(0, 2, 3))
    for number, piece in enumerate(pieces):
        sways = piece.sway is not None and (piece.sway != piece.sway[:1]).any()
        if sways or not still[number] or not piece.shown.all():
            return number
    return len(pieces)


def _held(pieces: list[Piece], matrices: np.ndarray, frame: int) -> bool:
    """Whether a frame shows what the one before shows."""
    if not np.array_equal(matrices[frame], matrices[frame - 1]):
        return False
    return all(
        piece.shown[frame] == piece.shown[frame - 1]
        and (piece.sway is None or np.array_equal(piece.sway[frame], piece.sway[frame - 1]))
        for piece in pieces
    )


def _elements(scene: Scene) -> tuple[tuple[DrawnElement, ...], np.ndarray]:
    """Elements in the order in which their first pieces are painted; the owner of each piece."""
    numbers: dict[tuple[int, str], int] = {}
    owners: list[int] = []
    for number, layer in enumerate(scene.layers):
        for piece in layer.pieces:
            owners.append(numbers.setdefault((number, piece.element), len(numbers)))
    elements = tuple(
        DrawnElement(f"{scene.layers[layer].name} {name}".strip(), layer) for layer, name in numbers
    )
    return elements, np.array(owners, np.uint16)


@dataclass(frozen=True, eq=False)
class _Placed:
    """A piece's path in pixels, and what its shading needs to know of its place."""

    path: skia.Path
    matrix: np.ndarray
    line_px: float


class _Easel:
    """The three canvases of a scene, the paths of its stiff pieces, and what never changes."""

    def __init__(self, scene: Scene, width: int, height: int, resting: int) -> None:
        self._resting = resting
        self._base: list[skia.Image] | None = None
        self._scene = scene
        self._pieces = scene.pieces
        self._height = height
        self._view = skia.Rect.MakeWH(width, height)
        self._picture = surface(width, height)
        self._canvas = self._picture.getCanvas()
        self._numbers = NumberCanvas(width, height)
        self._lines = SketchCanvas(width, height, sketch_line_px(height))
        self._paths = [
            polygon(piece.shape.points, closed=piece.shape.closed) if piece.sway is None else None
            for piece in self._pieces
        ]

    def frame(self, matrices: np.ndarray, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Picture [h, w, 3], pieces [h, w] and sketch [h, w] of one frame."""
        if self._base is None:
            self._canvas.clear(skia.ColorBLACK)
            self._numbers.clear()
            self._lines.clear()
            self._pieces_of(range(self._resting), matrices, frame)
            canvases = self._picture, self._numbers.surface, self._lines.surface
            self._base = [canvas.makeImageSnapshot() for canvas in canvases]
        else:
            canvases = self._picture, self._numbers.surface, self._lines.surface
            for canvas, image in zip(canvases, self._base, strict=True):
                canvas.getCanvas().clear(skia.ColorTRANSPARENT)
                canvas.getCanvas().drawImage(image, 0, 0)
        self._pieces_of(range(self._resting, len(self._pieces)), matrices, frame)
        picture = np.ascontiguousarray(straight(self._picture)[..., :3])
        return picture, self._numbers.numbers(), 255 - self._lines.cover()

    def sketch(self, numbers: range, matrices: np.ndarray, frame: int) -> np.ndarray:
        """Line drawing [h, w] of some pieces alone."""
        self._lines.clear()
        for number in numbers:
            shape = self._pieces[number].shape
            if self._pieces[number].shown[frame]:
                placed = self._place(number, self._pieces[number], matrices[number], frame)
                hides = shape.fill is not None and shape.closed
                self._lines.shape(placed.path, hides=hides, drawn=shape.sketched)
        return 255 - self._lines.cover()

    def _pieces_of(self, numbers: range, matrices: np.ndarray, frame: int) -> None:
        for number in numbers:
            piece = self._pieces[number]
            if not piece.shown[frame]:
                continue
            placed = self._place(number, piece, matrices[number], frame)
            if placed.path.getBounds().makeOutset(4.0, 4.0).intersect(self._view):
                self._draw(number, piece.shape, placed)

    def _place(self, number: int, piece: Piece, matrix: np.ndarray, frame: int) -> _Placed:
        shape, path = piece.shape, skia.Path()
        stiff = self._paths[number]
        if stiff is None:
            points = shape.points.copy()
            points[:, 0] += sway_shift(_row(piece.sway, frame), points[:, 1])
            stiff = polygon(points, closed=shape.closed)
        (a, b, x), (c, d, y) = matrix.tolist()
        stiff.transform(skia.Matrix.MakeAll(a, b, x, c, d, y, 0.0, 0.0, 1.0), path)
        zoom = float(self._scene.camera.zoom[frame])
        return _Placed(path, matrix, shape.line_width * self._height * zoom)

    def _draw(self, number: int, shape: Shape, placed: _Placed) -> None:
        filled = shape.fill is not None and shape.closed
        if filled:
            _fill(self._canvas, shape, placed)
        line_px = 0.0
        if shape.line is not None and placed.line_px > 0:
            line_px = placed.line_px
            self._canvas.drawPath(placed.path, pen(skia.Color(*shape.line), line_px))
        self._numbers.shape(placed.path, number, filled=filled, line_px=line_px)
        self._lines.shape(placed.path, hides=filled, drawn=shape.sketched)


def _row(sway: np.ndarray | None, frame: int) -> np.ndarray:
    if sway is None:
        raise ValueError("a stiff piece does not sway")
    return sway[frame]


def _fill(canvas: skia.Canvas, shape: Shape, placed: _Placed) -> None:
    colour = shape.fill or (0, 0, 0)
    opacity = round(255 * shape.alpha)
    paint_ = skia.Paint(AntiAlias=True, Color=skia.Color(*(shape.shade or colour), opacity))
    if shape.fill_end is not None:
        turn, shift = placed.matrix[:, :2], placed.matrix[:, 2]
        ends = [skia.Point(*(turn @ (0.0, y) + shift).tolist()) for y in shape.span]
        colours = [skia.Color(*colour, opacity), skia.Color(*shape.fill_end, opacity)]
        paint_.setShader(skia.GradientShader.MakeLinear(ends, colours))
    canvas.drawPath(placed.path, paint_)
    if shape.shade is None:
        return
    bounds = placed.path.getBounds()
    size = min(bounds.width(), bounds.height())
    canvas.save()
    canvas.clipPath(placed.path, skia.ClipOp.kIntersect, True)
    canvas.translate(_LIGHT[0] * size, _LIGHT[1] * size)
    canvas.drawPath(placed.path, skia.Paint(AntiAlias=True, Color=skia.Color(*colour, opacity)))
    canvas.restore()
