"""Painted backgrounds wider than the view: skies, hills, streets, rooms, the sea floor, paper.

Every background gives planes that follow the camera by their own share; used by stage.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from training.procedural.figure import Colour
from training.procedural.motion import ASPECT
from training.procedural.studio.actor import Cue
from training.procedural.studio.look import PAPER, darker, hsv, mixed
from training.procedural.studio.outline import box, capsule, cloud, ellipse, smooth
from training.procedural.studio.rig import Piece, Rig, Shape

_LEFT, _RIGHT = -2.4, ASPECT + 2.4
_FAR, _MIDDLE, _NEAR = 0.35, 1.0, 1.5


@dataclass(frozen=True, eq=False)
class Backdrop:
    """Background pieces with their parallax; `horizon`: where the ground begins (world y)."""

    name: str
    pieces: tuple[Piece, ...]
    parallax: tuple[float, ...]
    horizon: float


class _Painter:
    """Collects pieces of a background, calmer in colour and line than the figures before it."""

    def __init__(self, cue: Cue) -> None:
        self._look = replace(cue.look, width=cue.look.width * 0.7)
        self._rig = Rig(cue.times)
        self._still = self._rig.joint(None)
        self.parallax: list[float] = []
        self.rng = cue.rng

    def add(
        self,
        points: np.ndarray,
        colour: Colour,
        element: str,
        parallax: float,
        *,
        pen: float = 1.0,
    ) -> None:
        look = self._look
        shape = look.shape(points, colour, pen=pen)
        if look.style == "cel":  # painted, not cel: a soft gradient instead of a hard shade
            shape = replace(shape, shade=None, fill_end=darker(colour, 0.88))
        if look.style in ("cel", "shaded"):
            shape = replace(shape, line=mixed(colour, look.ink, 0.65) if pen else None)
        self.put(shape, element, parallax)

    def put(self, shape: Shape, element: str, parallax: float) -> None:
        self._rig.piece(self._still, shape, element)
        self.parallax.append(parallax)

    def sky(self, top: Colour, bottom: Colour) -> None:
        if self._look.style == "line art":
            top = bottom = PAPER
        wide = box((_LEFT - 2, -2.5), (_RIGHT + 2, 3.5))
        shape = Shape(wide, top, None, 0.0, fill_end=bottom, span=(0.0, 0.8), sketched=False)
        self.put(shape, "sky", 0.0)

    def done(self, name: str, horizon: float) -> Backdrop:
        return Backdrop(name, tuple(self._rig.pieces), tuple(self.parallax), horizon)


def make_backdrop(cue: Cue, kind: str) -> Backdrop:
    """The background of that name, see `BACKDROPS`."""
    return BACKDROPS[kind](_Painter(cue))


def _tones(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Top and bottom of a sky at some hour of the day."""
    hour = rng.random()
    if hour < 0.6:
        hue = float(rng.uniform(0.52, 0.6))
        return hsv(hue, float(rng.uniform(0.3, 0.6)), 0.95), hsv(hue, 0.12, 1.0)
    if hour < 0.85:
        return hsv(float(rng.uniform(0.62, 0.8)), 0.4, 0.8), hsv(0.07, 0.45, 1.0)
    return hsv(0.64, 0.6, 0.25), hsv(0.66, 0.45, 0.5)


def _ground(painter: _Painter, colour: Colour, horizon: float, element: str = "ground") -> None:
    rng = painter.rng
    x = np.linspace(_LEFT, _RIGHT, 15)
    ridge = np.stack([x, horizon + rng.normal(0, 0.008, 15)], axis=1)
    line = smooth(ridge, closed=False, per=4)
    points = np.concatenate([line, [(_RIGHT, 2.6), (_LEFT, 2.6)]])
    painter.add(points, colour, element, _MIDDLE)


def _hills(painter: _Painter, colour: Colour, base: float, high: float, parallax: float) -> None:
    rng = painter.rng
    x = np.linspace(_LEFT, _RIGHT, 12)
    tops = np.stack([x, base - rng.uniform(0.05, high, 12)], axis=1)
    line = smooth(tops, closed=False, per=6)
    points = np.concatenate([line, [(_RIGHT, 2.0), (_LEFT, 2.0)]])
    painter.add(points, colour, "hills", parallax)


def _clouds(painter: _Painter, count: int) -> None:
    rng = painter.rng
    for _ in range(count):
        place = (float(rng.uniform(_LEFT + 1, _RIGHT - 1)), float(rng.uniform(0.05, 0.4)))
        radii = (float(rng.uniform(0.12, 0.26)), float(rng.uniform(0.05, 0.09)))
        painter.add(cloud(rng, place, radii, 9), (250, 250, 252), "clouds", 0.15, pen=0.6)


def _tree(painter: _Painter, x: float, ground: float, size: float, hue: float) -> None:
    rng = painter.rng
    bark = hsv(float(rng.uniform(0.04, 0.09)), 0.5, float(rng.uniform(0.3, 0.6)))
    painter.add(
        capsule((x, ground), (x, ground - 0.5 * size), 0.05 * size, 0.035 * size), bark, "trees",
        _MIDDLE,
    )  # fmt: skip
    green = hsv(hue, float(rng.uniform(0.4, 0.75)), float(rng.uniform(0.45, 0.85)))
    if rng.random() < 0.3:
        for step in range(3):
            y, half = ground - (0.3 + 0.25 * step) * size, (0.3 - 0.07 * step) * size
            tip = np.array([(x - half, y), (x, y - 0.4 * size), (x + half, y)])
            painter.add(smooth(tip, per=4), green, "trees", _MIDDLE)
        return
    painter.add(cloud(rng, (x, ground - 0.72 * size), (0.32 * size, 0.3 * size), 9), green,
                "trees", _MIDDLE)  # fmt: skip


def _meadow(painter: _Painter) -> Backdrop:
    rng = painter.rng
    painter.sky(*_tones(rng))
    if rng.random() < 0.5:
        sun = ellipse((float(rng.uniform(0.1, 1.5)), float(rng.uniform(0.1, 0.3))), (0.09, 0.09))
        painter.add(sun, hsv(0.13, 0.4, 1.0), "sun", 0.05, pen=0.6)
    _clouds(painter, int(rng.integers(2, 7)))
    horizon = float(rng.uniform(0.58, 0.72))
    hue = float(rng.uniform(0.2, 0.38))
    _hills(painter, hsv(hue + 0.2, 0.3, 0.8), horizon, 0.3, _FAR)
    _hills(painter, hsv(hue + 0.06, 0.42, 0.74), horizon + 0.02, 0.16, 0.6)
    _ground(painter, hsv(hue, 0.5, float(rng.uniform(0.65, 0.85))), horizon)
    for _ in range(int(rng.integers(3, 9))):
        size = float(rng.uniform(0.25, 0.5))
        _tree(painter, float(rng.uniform(_LEFT + 1, _RIGHT - 1)), horizon + 0.03, size, hue)
    if rng.random() < 0.5:
        way = smooth([(_LEFT, horizon + 0.16), (0.3, horizon + 0.12), (1.2, horizon + 0.2),
                      (_RIGHT, horizon + 0.14), (_RIGHT, horizon + 0.28), (1.0, horizon + 0.36),
                      (_LEFT, horizon + 0.3)])  # fmt: skip
        painter.add(way, hsv(0.1, 0.3, 0.85), "path", _MIDDLE, pen=0.6)
    return painter.done("meadow", horizon + 0.1)


def _street(painter: _Painter) -> Backdrop:
    rng = painter.rng
    top, bottom = _tones(rng)
    painter.sky(top, bottom)
    night = sum(top) < 330
    _clouds(painter, 0 if night else int(rng.integers(1, 5)))
    horizon = float(rng.uniform(0.66, 0.76))
    x = _LEFT + 0.4
    while x < _RIGHT - 0.6:
        wide, tall = float(rng.uniform(0.25, 0.5)), float(rng.uniform(0.3, 0.75))
        wall = hsv(float(rng.random()), float(rng.uniform(0.15, 0.45)), 0.45 if night else 0.85)
        painter.add(box((x, horizon - tall), (x + wide, horizon + 0.05)), wall, "houses", _MIDDLE)
        if rng.random() < 0.45:
            roof = np.array([(x - 0.03, horizon - tall), (x + wide / 2, horizon - tall - 0.14),
                             (x + wide + 0.03, horizon - tall)])  # fmt: skip
            painter.add(roof, hsv(0.03, 0.5, 0.6), "houses", _MIDDLE)
        glass = hsv(0.14, 0.5, 1.0) if night else hsv(0.55, 0.25, 0.95)
        for row in np.arange(horizon - tall + 0.08, horizon - 0.14, 0.17):
            for column in np.arange(x + 0.06, x + wide - 0.09, 0.14):
                pane = box((column, row), (column + 0.07, row + 0.09))
                painter.add(pane, glass if rng.random() < 0.8 else darker(wall, 0.7), "houses",
                            _MIDDLE, pen=0.6)  # fmt: skip
        x += wide + float(rng.choice([0.0, 0.0, 0.12]))
    _ground(painter, hsv(0.6, 0.05, 0.4 if night else 0.72), horizon)
    curb = box((_LEFT, horizon + 0.1), (_RIGHT, horizon + 0.13))
    painter.add(curb, hsv(0.1, 0.05, 0.5 if night else 0.88), "kerb", _MIDDLE, pen=0.6)
    return painter.done("street", horizon + 0.12)


def _room(painter: _Painter) -> Backdrop:
    rng = painter.rng
    wall = hsv(float(rng.random()), float(rng.uniform(0.08, 0.35)), float(rng.uniform(0.75, 0.98)))
    painter.sky(wall, darker(wall, 0.94))
    horizon = float(rng.uniform(0.68, 0.78))
    if rng.random() < 0.4:
        for x in np.arange(_LEFT, _RIGHT, 0.22):
            stripe = box((x, -2.0), (x + 0.1, horizon))
            painter.add(stripe, mixed(wall, (255, 255, 255), 0.35), "wall", _MIDDLE, pen=0.0)
    for x in np.arange(_LEFT + 0.6, _RIGHT - 0.6, 1.3) + float(rng.uniform(0, 0.5)):
        frame = box((x, 0.16), (x + 0.46, 0.52), 0.02)
        painter.add(frame, (244, 240, 230), "window", _MIDDLE)
        if rng.random() < 0.6:
            pane = box((x + 0.03, 0.19), (x + 0.43, 0.49))
            painter.add(pane, hsv(0.55, 0.35, 0.95), "window", _MIDDLE, pen=0.6)
            painter.add(box((x + 0.22, 0.19), (x + 0.24, 0.49)), (244, 240, 230), "window",
                        _MIDDLE, pen=0.5)  # fmt: skip
        else:
            canvas = box((x + 0.05, 0.2), (x + 0.41, 0.48))
            painter.add(canvas, hsv(float(rng.random()), 0.5, 0.8), "picture", _MIDDLE, pen=0.6)
            painter.add(ellipse((x + 0.22, 0.36), (0.09, 0.07)), hsv(float(rng.random()), 0.5, 0.9),
                        "picture", _MIDDLE, pen=0.5)  # fmt: skip
    planks = hsv(0.07, float(rng.uniform(0.3, 0.55)), float(rng.uniform(0.5, 0.8)))
    _ground(painter, planks, horizon, "floor")
    board = box((_LEFT, horizon - 0.035), (_RIGHT, horizon + 0.015))
    painter.add(board, mixed(wall, (255, 255, 255), 0.6), "skirting", _MIDDLE, pen=0.7)
    x = float(rng.uniform(0.1, 1.3))
    wood = hsv(0.07, 0.55, float(rng.uniform(0.35, 0.65)))
    painter.add(box((x, horizon - 0.22), (x + 0.42, horizon - 0.18), 0.01), wood, "table", _MIDDLE)
    for leg in (0.04, 0.35):
        painter.add(box((x + leg, horizon - 0.18), (x + leg + 0.03, horizon + 0.05)), wood, "table",
                    _MIDDLE)  # fmt: skip
    return painter.done("room", horizon + 0.08)


def _sea(painter: _Painter) -> Backdrop:
    rng = painter.rng
    top, bottom = _tones(rng)
    painter.sky(top, bottom)
    _clouds(painter, int(rng.integers(2, 7)))
    horizon = float(rng.uniform(0.5, 0.62))
    _hills(painter, mixed(hsv(0.4, 0.3, 0.7), top, 0.4), horizon + 0.05, 0.16, _FAR)
    deep = hsv(float(rng.uniform(0.52, 0.6)), 0.55, 0.75)
    painter.add(box((_LEFT, horizon), (_RIGHT, 2.6)), deep, "sea", 0.6, pen=0.6)
    return painter.done("sea", horizon + 0.16)


def _depths(painter: _Painter) -> Backdrop:
    rng = painter.rng
    hue = float(rng.uniform(0.48, 0.62))
    painter.sky(hsv(hue, 0.45, 0.95), hsv(hue + 0.03, 0.75, 0.45))
    _hills(painter, hsv(hue, 0.55, 0.6), 0.85, 0.25, _FAR)
    horizon = float(rng.uniform(0.82, 0.9))
    _ground(painter, hsv(0.12, 0.3, 0.8), horizon, "sand")
    for _ in range(int(rng.integers(4, 10))):
        place = (float(rng.uniform(_LEFT + 1, _RIGHT - 1)), horizon + float(rng.uniform(0.0, 0.12)))
        radii = (float(rng.uniform(0.05, 0.16)), float(rng.uniform(0.04, 0.1)))
        rock = hsv(float(rng.random()), 0.2, float(rng.uniform(0.4, 0.7)))
        painter.add(cloud(rng, place, radii, 6), rock, "rocks", _MIDDLE)
    return painter.done("sea floor", horizon)


def _paper(painter: _Painter) -> Backdrop:
    rng = painter.rng
    tone = hsv(float(rng.random()), float(rng.uniform(0.0, 0.25)), float(rng.uniform(0.85, 1.0)))
    painter.sky(tone, mixed(tone, (255, 255, 255), 0.4))
    horizon = float(rng.uniform(0.74, 0.82))
    line = box((_LEFT, horizon), (_RIGHT, horizon + 0.008))
    painter.add(line, darker(tone, 0.6), "ground line", _MIDDLE, pen=0.0)
    return painter.done("plain background", horizon)


BACKDROPS: dict[str, Callable[[_Painter], Backdrop]] = {
    "meadow": _meadow,
    "street": _street,
    "room": _room,
    "sea": _sea,
    "depths": _depths,
    "paper": _paper,
}


def foreground(cue: Cue, kind: str) -> tuple[tuple[Piece, ...], str]:
    """Something near that figures pass behind: bushes, a fence, a lamp post; and its name."""
    rng, look = cue.rng, cue.look
    rig = cue.rig()
    still = rig.joint(None)
    choice = "post" if kind in ("street", "room") else str(rng.choice(["bushes", "fence"]))
    if choice == "bushes":
        green = hsv(float(rng.uniform(0.22, 0.4)), 0.6, float(rng.uniform(0.3, 0.55)))
        for _ in range(int(rng.integers(3, 7))):
            place = (float(rng.uniform(-1, ASPECT + 1)), 1.02)
            radii = (float(rng.uniform(0.15, 0.3)), float(rng.uniform(0.1, 0.22)))
            rig.piece(still, look.shape(cloud(rng, place, radii, 8), green), "")
    elif choice == "fence":
        wood = hsv(0.08, float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.6, 0.95)))
        top = float(rng.uniform(0.7, 0.78))
        for y in (top + 0.06, top + 0.18):
            rig.piece(still, look.shape(box((-2.2, y), (ASPECT + 2.2, y + 0.035)), wood), "")
        for x in np.arange(-2.2, ASPECT + 2.2, 0.17):
            tip = np.array([(x, top + 0.03), (x + 0.035, top), (x + 0.07, top + 0.03),
                            (x + 0.07, 1.2), (x, 1.2)])  # fmt: skip
            rig.piece(still, look.shape(tip, wood), "")
    else:
        metal = hsv(float(rng.random()), 0.3, float(rng.uniform(0.2, 0.5)))
        for x in np.arange(-2.0, ASPECT + 2.0, 1.4) + float(rng.uniform(0.0, 1.0)):
            rig.piece(still, look.shape(box((x, -0.3), (x + 0.05, 1.3), 0.01), metal), "")
            foot = box((x - 0.03, 0.92), (x + 0.08, 1.3), 0.01)
            rig.piece(still, look.shape(foot, metal), "")
    return tuple(rig.pieces), choice


NEAR_PARALLAX = _NEAR


def falls_open(kind: str) -> bool:
    """Whether the sky is above, so that rain and leaves may fall."""
    return kind in ("meadow", "street", "sea")
