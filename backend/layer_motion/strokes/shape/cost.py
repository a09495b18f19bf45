"""How unlike two strokes are, measured on even samples of each; for stroke matching only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .level import Line, resampled

SAMPLES = 16
IMPOSSIBLE = 1e6
_SHAPE_WEIGHT = 1.0
_PLACE_WEIGHT = 0.5
_LENGTH_WEIGHT = 0.4
_LOOK_WEIGHT = 0.5
_OPEN_CLOSED = 0.15
_NEAR_SHARE = 0.1
_JOINT = 1.8  # a joint tells the place that much more sharply than a stroke's middle
_FINER = 16  # starts of a round stroke between two samples: its turn would be as coarse as they are
_STARTS = (np.arange(SAMPLES * _FINER)[:, None] + _FINER * np.arange(SAMPLES)) % (SAMPLES * _FINER)


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
        spread = np.ptp(np.real(self.samples)), np.ptp(np.imag(self.samples))
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


@dataclass(frozen=True, eq=False)
class Expected:
    """Where the surroundings say that strokes go, beyond the motion of the whole.

    `middle` complex [S], `ends` complex [S, 2]: shifts in pixels; `hung` bool [S, 2]: ends that
    touch another stroke, and therefore tell more about the place than the middle does.
    """

    middle: np.ndarray
    ends: np.ndarray
    hung: np.ndarray


def cost(
    one: Strokes,
    other: Strokes,
    rows: np.ndarray,
    columns: np.ndarray,
    *,
    expected: Expected | None = None,
    size_px: float,
) -> np.ndarray:
    """Unlikeness [m] of stroke `rows` of one (already moved onto the other) and `columns`.

    `expected`: of the strokes of `one`. `size_px`: extent of the drawings. 0 is the same stroke,
    about 0.3 a fair redraw, over 1 something else.
    """
    if expected is None:
        count = len(one.length)
        still = np.zeros((count, 2), complex)
        expected = Expected(still[:, 0], still, np.zeros((count, 2), bool))
    length_a, length_b = one.length[rows], other.length[columns]
    tolerance = 0.01 * size_px
    length = np.abs(np.log((length_a + tolerance) / (length_b + tolerance)))
    reach = _NEAR_SHARE * size_px + 0.1 * (length_a + length_b)
    form = _form(one, other, (rows, columns), expected, reach, 0.25 * tolerance)
    look = np.abs(one.colours[rows] - other.colours[columns]).max(axis=1) * _LOOK_WEIGHT
    look += (one.cyclic[rows] != other.cyclic[columns]) * _OPEN_CLOSED
    total = _LENGTH_WEIGHT * length + form + look
    return np.where(one.kind[rows] == other.kind[columns], total, IMPOSSIBLE)


def unlike_forms(one: Strokes, other: Strokes, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Unlikeness [m] of pairs in shape, length and look alone, wherever and however turned."""
    a = one.samples[rows] - one.middle[rows][:, None]
    b = other.samples[columns] - other.middle[columns][:, None]
    product = np.abs((a.conj() * b).sum(axis=1))
    energy = np.sqrt((np.abs(a) ** 2).sum(axis=1) * (np.abs(b) ** 2).sum(axis=1)) + 1e-6
    shape = np.sqrt(np.maximum(1 - product / energy, 0.0))
    length = np.abs(np.log((one.length[rows] + 1.0) / (other.length[columns] + 1.0)))
    look = np.abs(one.colours[rows] - other.colours[columns]).max(axis=1)
    return shape + length + look


def _form(
    one: Strokes,
    other: Strokes,
    pairs: tuple[np.ndarray, np.ndarray],
    expected: Expected,
    reach: np.ndarray,
    tolerance: float,
) -> np.ndarray:
    """Cost of shape and place together in the better direction: [m]."""
    rows, columns = pairs
    a, b = one.samples[rows], other.samples[columns]
    middle = np.abs(one.middle[rows] + expected.middle[rows] - other.middle[columns])
    hung = expected.hung[rows]
    # A stroke that hangs on something may swing; one that lies free should not.
    ease = np.where(hung.any(axis=1), 4.0, 2.0)
    energy = _energy(a, one.middle[rows]) + _energy(b, other.middle[columns])
    soft = energy + SAMPLES * tolerance**2
    centred = a - one.middle[rows][:, None]
    best = np.full(len(rows), np.inf)
    for samples in (b, b[:, ::-1]):
        product = (centred.conj() * (samples - other.middle[columns][:, None])).sum(axis=1)
        shape = _left(energy, soft, _worth(product, ease))
        away = np.abs(a[:, [0, -1]] + expected.ends[rows] - samples[:, [0, -1]])
        joints = (away * hung).sum(axis=1) / np.maximum(hung.sum(axis=1), 1)
        place = np.where(hung.any(axis=1), _JOINT * joints + 0.15 * middle, middle) / reach
        best = np.minimum(best, _SHAPE_WEIGHT * shape + _PLACE_WEIGHT * place)
    closed = one.cyclic[rows] | other.cyclic[columns]
    if closed.any():
        product = _round(centred[closed], b[closed] - other.middle[columns][closed][:, None])
        shape = _left(energy[closed], soft[closed], _worth(product, np.array(2.0)))
        best[closed] = _SHAPE_WEIGHT * shape + _PLACE_WEIGHT * (middle / reach)[closed]
    return best


def _energy(samples: np.ndarray, middle: np.ndarray) -> np.ndarray:
    return (np.abs(samples - middle[:, None]) ** 2).sum(axis=1)


def _left(energy: np.ndarray, soft: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Share 0..1 of the shapes that their correlation leaves unexplained; `soft`: for dots."""
    return np.sqrt(np.maximum(energy - 2 * worth, 0.0) / soft)


def _round(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Best correlation of closed strokes [m, SAMPLES] over starts and directions: complex [m]."""
    spectrum = np.fft.fft(a, axis=1).conj()
    ways = [np.fft.ifft(spectrum * np.fft.fft(way, axis=1), axis=1) for way in (b, b[:, ::-1])]
    products = np.concatenate(ways, axis=1)
    best = _worth(products, np.array(2.0)).argmax(axis=1)
    return products[np.arange(len(a)), best]


def _worth(product: np.ndarray, ease: np.ndarray) -> np.ndarray:
    """Correlation left when a turn between the two costs: with ease 2 a half turn costs all."""
    return np.abs(product) * np.cos(np.angle(product) / ease)


def matching_samples(
    one: Strokes, other: Strokes, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Samples of the partners in the order of the strokes' own: complex [m, SAMPLES]."""
    a = one.samples[rows] - one.middle[rows][:, None]
    found = other.samples[columns].copy()
    b = found - other.middle[columns][:, None]
    ease = np.array(2.0)
    forward = _worth((a.conj() * b).sum(axis=1), ease)
    backward = _worth((a.conj() * b[:, ::-1]).sum(axis=1), ease)
    against = (backward > forward) & ~one.cyclic[rows]
    found[against] = found[against, ::-1]
    for place in np.flatnonzero(one.cyclic[rows]):
        fine = finer(b[place])
        ways = np.concatenate([fine[_STARTS], fine[::-1][_STARTS]])
        worth = _worth(ways @ a[place].conj(), ease)
        found[place] = ways[int(np.argmax(worth))] + other.middle[columns[place]]
    return found


def finer(loop: np.ndarray) -> np.ndarray:
    """A round stroke's samples (an even number), 16 times as many, through all that are there;
    complex.

    As `scipy.signal.resample`, whose import alone takes longer than a whole small take.
    """
    spectrum = np.fft.fft(loop)
    half = len(loop) // 2
    spectrum[half] /= 2
    gap = np.zeros(len(loop) * (_FINER - 1) - 1)
    return np.fft.ifft(np.concatenate([spectrum[: half + 1], gap, spectrum[half:]])) * _FINER


def flat(samples: np.ndarray) -> np.ndarray:
    """All samples of complex [S, SAMPLES] as points [S * SAMPLES, 2]."""
    return np.stack([np.real(samples).ravel(), np.imag(samples).ravel()], axis=1)


def shares(lengths: np.ndarray) -> np.ndarray:
    """Shares of the ink [S]; dots count a little."""
    ink = lengths + 0.01 * float(lengths.mean()) + 1e-9
    return ink / ink.sum()
