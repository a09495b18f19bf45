"""How unlike two strokes are, measured on even samples of each; for stroke matching only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .stroke_level import Line, resampled

SAMPLES = 16
IMPOSSIBLE = 1e6
_SHAPE_WEIGHT = 1.0
_PLACE_WEIGHT = 0.5
_LENGTH_WEIGHT = 0.4
_LOOK_WEIGHT = 0.5
_OPEN_CLOSED = 0.15
_NEAR_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Strokes:
    """Samples of all strokes of a drawing; S strokes.

    `samples` complex [S, SAMPLES] camera pixels (x + iy) at even arc length, `middle` complex [S],
    `length` [S] pixels, `cyclic` bool [S], `kind` int [S]: what must agree (material, holdout),
    `colours` [S, 8] premultiplied line and fill.
    """

    samples: np.ndarray
    middle: np.ndarray
    length: np.ndarray
    cyclic: np.ndarray
    kind: np.ndarray
    colours: np.ndarray

    @property
    def size_px(self) -> float:
        """Extent of the whole drawing, at least 1."""
        spread = np.ptp(self.samples.real), np.ptp(self.samples.imag)
        return max(float(np.hypot(*spread)), 1.0)

    def moved(self, matrix: np.ndarray) -> Strokes:
        """The same strokes after a similarity (3 x 3)."""
        turn = complex(matrix[0, 0], matrix[1, 0])
        shift = complex(matrix[0, 2], matrix[1, 2])
        return Strokes(
            turn * self.samples + shift,
            turn * self.middle + shift,
            abs(turn) * self.length,
            self.cyclic,
            self.kind,
            self.colours,
        )


def measured(lines: Sequence[Line]) -> Strokes:
    """Sample strokes for comparison."""
    samples = np.stack([_sampled(line) for line in lines])
    colours = np.stack([line.colours for line in lines])
    colours[:, :3] *= colours[:, 3:4]
    colours[:, 4:7] *= colours[:, 7:]
    return Strokes(
        samples,
        samples.mean(axis=1),
        np.array([line.way[-1] for line in lines]),
        np.array([line.cyclic for line in lines]),
        np.array([line.material * 8 + line.holdout for line in lines]),
        colours,
    )


def _sampled(line: Line) -> np.ndarray:
    points = resampled(line, SAMPLES).points
    return points[:, 0] + 1j * points[:, 1]


def cost(
    one: Strokes,
    other: Strokes,
    rows: np.ndarray,
    columns: np.ndarray,
    *,
    shift: np.ndarray,
    size_px: float,
) -> np.ndarray:
    """Unlikeness [m] of stroke `rows` of one (already moved onto the other) and `columns`.

    `shift` complex [S]: where each stroke's neighbours say that it goes besides. `size_px`: extent
    of the drawings. 0 is the same stroke, about 0.3 a fair redraw, over 1 something else.
    """
    a, b = one.samples[rows], other.samples[columns]
    middle_a, middle_b = one.middle[rows], other.middle[columns]
    length_a, length_b = one.length[rows], other.length[columns]
    mean = (length_a + length_b) / 2
    place = np.abs(middle_a + shift[rows] - middle_b) / (_NEAR_SHARE * size_px + 0.2 * mean)
    tolerance = 0.01 * size_px
    length = np.abs(np.log((length_a + tolerance) / (length_b + tolerance)))
    shape = _shape(
        a - middle_a[:, None],
        b - middle_b[:, None],
        one.cyclic[rows] | other.cyclic[columns],
        0.25 * tolerance,
    )
    look = np.abs(one.colours[rows] - other.colours[columns]).max(axis=1) * _LOOK_WEIGHT
    look += (one.cyclic[rows] != other.cyclic[columns]) * _OPEN_CLOSED
    total = _PLACE_WEIGHT * place + _LENGTH_WEIGHT * length + _SHAPE_WEIGHT * shape + look
    return np.where(one.kind[rows] == other.kind[columns], total, IMPOSSIBLE)


def _shape(a: np.ndarray, b: np.ndarray, cyclic: np.ndarray, tolerance: float) -> np.ndarray:
    """Difference 0..1 of centred samples [m, SAMPLES], free of direction and, closed, of start."""
    forward, backward = (a.conj() * b).sum(axis=1), (a.conj() * b[:, ::-1]).sum(axis=1)
    best = np.maximum(_worth(forward), _worth(backward))
    if cyclic.any():
        spectrum = np.fft.fft(a[cyclic], axis=1).conj()
        for samples in (b[cyclic], b[cyclic][:, ::-1]):
            products = np.fft.ifft(spectrum * np.fft.fft(samples, axis=1), axis=1)
            best[cyclic] = np.maximum(best[cyclic], _worth(products).max(axis=1))
    energy = (np.abs(a) ** 2).sum(axis=1) + (np.abs(b) ** 2).sum(axis=1)
    rest = np.maximum(energy - 2 * best, 0.0)
    return np.sqrt(rest / (energy + SAMPLES * tolerance**2))


def _worth(product: np.ndarray) -> np.ndarray:
    """Correlation left when a turn between the two costs, all of it at 180 degrees."""
    return np.abs(product) * np.cos(np.angle(product) / 2)
