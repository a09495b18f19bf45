"""A drawn puppet whose pose at any time is known, and ways to redraw it; for tests of strokes."""

from __future__ import annotations

import numpy as np

from backend.layer_motion.strokes.shape import level as stroke_level
from backend.layer_motion.strokes.shape.level import Line
from shared.strokes import Drawing

INK = (0.1, 0.1, 0.15, 1.0)
NOTHING = (0.0, 0.0, 0.0, 0.0)


def line(
    points: np.ndarray,
    *,
    cyclic: bool = False,
    fill: tuple[float, float, float, float] = NOTHING,
    radius_px: float = 1.6,
) -> Line:
    """An inked stroke through points [n, 2] camera pixels."""
    values = np.zeros((len(points), 8))
    values[:, :2], values[:, 2], values[:, 3] = points, radius_px, 1.0
    return Line(values, np.array([*INK, *fill]), cyclic, 0, True, 0)


def drawing(lines: list[Line]) -> Drawing:
    """The strokes in this painting order."""
    return stroke_level.drawing_of(lines, np.ones(1, np.float32))


def _turn(degrees: float) -> complex:
    return complex(np.exp(1j * np.deg2rad(degrees)))


def _plain(points: np.ndarray) -> np.ndarray:
    return np.stack([np.real(points), np.imag(points)], axis=1)


def _bowed(start: complex, end: complex, bow: float, count: int = 14) -> np.ndarray:
    way = np.linspace(0, 1, count)
    return start + (end - start) * (way + 1j * bow * np.sin(np.pi * way))


def puppet(time: float) -> list[Line]:
    """Strokes at a time 0..1 of half a stride, in the fixed order of drawing.

    Body, head with eyes and mouth, two jointed arms with hands, two jointed legs with feet, a belt.
    """
    base = 150 + 60 * time + 150j
    lean = _turn(4 - 8 * time)
    around = np.exp(2j * np.pi * np.arange(40) / 40)
    oval = 26 * np.real(around) + 44j * np.imag(around)
    lines = [line(_plain(base + lean * oval), cyclic=True, fill=(0.9, 0.6, 0.3, 1.0))]
    neck = base + lean * -44j
    nod = _turn(-10 + 30 * time)
    head = neck + lean * nod * -26j
    lines.append(line(_plain(head + lean * nod * 24 * around), cyclic=True,
                      fill=(0.95, 0.8, 0.7, 1.0)))  # fmt: skip
    for side in (-9, 9):
        eye = head + lean * nod * (side - 4j)
        lines.append(line(_plain(eye + 4 * around[::2]), cyclic=True, fill=(0.1, 0.1, 0.1, 1.0)))
    mouth = head + lean * nod * np.array([-9 + 10j, 0 + (12 + 4 * time) * 1j, 9 + 10j])
    lines.append(
        line(
            _plain(
                np.interp(np.linspace(0, 2, 9), [0, 1, 2], np.real(mouth))
                + 1j * np.interp(np.linspace(0, 2, 9), [0, 1, 2], np.imag(mouth))
            )
        )
    )
    lines.append(line(_plain(base + lean * (np.linspace(-25, 25, 12) + 12j))))
    swings = (
        (-20 - 28j, 60, -65, 15, 40, 34, 30, 8),
        (20 - 28j, -70, 55, 40, 20, 34, 30, 8),
        (-10 + 40j, 35, -35, -10, -45, 42, 40, 12),
        (10 + 40j, -35, 35, -45, -5, 42, 40, 12),
    )
    for place, begin, end, bend_begin, bend_end, upper, lower, last in swings:
        lines += _limb(base + lean * place, lean, time, (begin, end), (bend_begin, bend_end),
                       (upper, lower, last))  # fmt: skip
    return lines


def _limb(
    root: complex,
    lean: complex,
    time: float,
    swing: tuple[float, float],
    bend: tuple[float, float],
    lengths: tuple[float, float, float],
) -> list[Line]:
    upper = lean * _turn(swing[0] + (swing[1] - swing[0]) * time) * 1j
    lower = upper * _turn(bend[0] + (bend[1] - bend[0]) * time)
    knee = root + lengths[0] * upper
    end = knee + lengths[1] * lower
    tip = end + lengths[2] * lower * -1j
    return [
        line(_plain(_bowed(root, knee, 0.06)), radius_px=2.5),
        line(_plain(_bowed(knee, end, -0.06)), radius_px=2.5),
        line(_plain(_bowed(end, tip, 0.1, 7)), radius_px=2.5),
    ]


def redrawn(lines: list[Line], seed: int, *, wobble_px: float = 0.0, split: int = 0) -> list[Line]:
    """The same lines in another order, other point counts, half of them reversed, some in two.

    Body and head stay below everything else.
    """
    chance = np.random.default_rng(seed)
    parts = list(lines)
    for stroke in chance.permutation([i for i, one in enumerate(lines) if not one.cyclic])[:split]:
        parts[stroke], more = stroke_level.cut(lines[stroke], float(chance.uniform(0.35, 0.65)))
        parts.append(more)
    found: list[Line] = []
    for place in (0, 1, *(2 + chance.permutation(len(parts) - 2))):
        one = stroke_level.resampled(parts[place], int(chance.integers(20, 40)))
        if chance.random() < 0.5:
            one = stroke_level.reversed_line(one)
        found.append(one.placed(one.points + wobble_px * _wobble(one, chance)))
    return found


def _wobble(one: Line, chance: np.random.Generator) -> np.ndarray:
    """A slow random drift of about one pixel along a stroke: [n, 2]."""
    phase, speed = chance.uniform(0, 2 * np.pi, 2), chance.uniform(1, 3, 2)
    if one.cyclic:
        speed = np.rint(speed)
    way = np.linspace(0, 2 * np.pi, len(one.values), endpoint=not one.cyclic)[:, None]
    return np.sin(way * speed + phase)
