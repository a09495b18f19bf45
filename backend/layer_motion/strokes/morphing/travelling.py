"""Fits a wave that travels along a line to both keys' drawings of it; for strokes that wave only.

A crest that both keys show at different places has gone from one to the other at its full height;
mixed point by point it sinks on its way and rises again. In a travelling wave every point swings
alike, each at its own height and moment, so that both keys tell where it is between them:
h(p) = (sin((1 - p) a) h(0) + sin(p a) h(1)) / sin(a), with the wave's phase a from key to key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..shape.complex_points import Ends

_LOOKS = 48
_EVEN = np.linspace(0.0, 1.0, _LOOKS)
_WAVES = np.concatenate([np.arange(0.6, 2.0, 0.1), np.arange(2.0, 4.1, 0.2)])
_PHASES = np.radians(np.arange(40.0, 141.0, 10.0))
_FINER = np.linspace(-1.0, 1.0, 5)
_STEPS = 0.1, np.radians(10.0)
_UNEXPLAINED, _LOOSELY = 0.06, 0.03  # share of the heights' energy, with one base and with two
_LOOSE_WAVES = 1.2  # fewer, and a base of its own at each key explains any bend
_LEAST_PX = 24.0
_FEWEST_POINTS = 12
_AS_LONG = 0.8  # waves do not stretch a line
_STRAIGHT = 0.5  # of a line's length: its chord
_BACK = 0.03  # of the chord
_LEAST_HEIGHT = 0.012  # of a line's length, rms
_SAME_HEIGHT = 0.6
_ALIKE = 0.9  # correlation: what bends farther, or back, has no wave that travels


@dataclass(frozen=True, eq=False)
class Graph:
    """A line as heights over its chord: `shares` [n] 0..1, ascending; `along`, `heights` [n] px."""

    shares: np.ndarray
    along: np.ndarray
    heights: np.ndarray

    def at_even(self) -> np.ndarray:
        """Heights at even shares: [_LOOKS] pixels."""
        return np.interp(_EVEN, self.shares, self.heights)


@dataclass(frozen=True, eq=False)
class Side:
    """A line at both keys over one direction: complex `origin`, and `way` of length 1."""

    origin: complex
    way: complex
    graphs: tuple[Graph, Graph]
    length: float

    @property
    def heights(self) -> np.ndarray:
        """At even shares of both keys, one after the other: [2 * _LOOKS] pixels."""
        return np.concatenate([graph.at_even() for graph in self.graphs])


@dataclass(frozen=True, eq=False)
class Wave:
    """A wave along a line: `phase` radians from key to key.

    `bases` [2 keys, 2]: height in pixels and slope per half chord of what it swings about.
    `swing`: pixels by which it does so at its first and at its last end. `rest` [_LOOKS]: pixels at
    even shares that both keys have besides the wave, as those of a knot: they do not travel.
    """

    side: Side
    phase: float
    bases: np.ndarray
    swing: tuple[float, float]
    rest: np.ndarray

    def at(self, progress: float) -> np.ndarray:
        """Where the line's points are at a progress 0..1: complex [n] pixels."""
        first, last = self.side.graphs
        shares, along = (
            (1 - progress) * one + progress * other
            for one, other in ((first.shares, last.shares), (first.along, last.along))
        )
        base, slope = (1 - progress) * self.bases[0] + progress * self.bases[1]
        still = np.interp(shares, _EVEN, self.rest)
        height = base + slope * (2 * shares - 1) + still
        parts = 1 - progress, progress
        for graph, own, part in zip(self.side.graphs, self.bases, parts, strict=True):
            swing = np.interp(shares, graph.shares, graph.heights) - still
            swing = swing - own[0] - own[1] * (2 * shares - 1)
            height += np.sin(part * self.phase) / np.sin(self.phase) * swing
        return self.side.origin + self.side.way * (along + 1j * height)


def side_of(ends: Ends) -> Side | None:
    """A line that may wave; None if it is too short, winds, stretches, or only bends."""
    start, goal = ends
    lengths = [float(np.abs(np.diff(line)).sum()) for line in ends]
    chord = complex(start[-1] - start[0] + goal[-1] - goal[0])
    if len(start) < _FEWEST_POINTS or min(*lengths, abs(chord)) < _LEAST_PX:
        return None
    if min(lengths) < _AS_LONG * max(lengths):
        return None
    way = chord / abs(chord)
    first, last = (_graph((line - start[0]) / way, length)
                   for line, length in zip(ends, lengths, strict=True))  # fmt: skip
    if first is None or last is None:
        return None
    side = Side(complex(start[0]), way, (first, last), sum(lengths) / 2)
    return side if _changes(side) else None


def _graph(line: np.ndarray, length: float) -> Graph | None:
    """A line, complex [n], whose chord lies along the real axis, but for what it turns."""
    chord = float(line[-1].real - line[0].real)
    if chord < _STRAIGHT * length:
        return None
    shares = np.real(line - line[0]) / chord
    if -np.minimum(np.diff(shares), 0.0).sum() > _BACK:
        return None
    rising = np.maximum.accumulate(shares) + 1e-9 * np.arange(len(shares))
    return Graph(rising, np.real(line), np.imag(line))


def _changes(side: Side) -> bool:
    """Whether both keys show waves of some height, and not only the same ones higher or lower."""
    first, last = (_swing(graph.at_even()) for graph in side.graphs)
    lower, higher = sorted(float(np.sqrt((swing**2).mean())) for swing in (first, last))
    if lower < _LEAST_HEIGHT * side.length or lower < _SAME_HEIGHT**2 * higher:
        return False
    alike = float(first @ last) / float(np.linalg.norm(first) * np.linalg.norm(last))
    return abs(alike) < _ALIKE


def _swing(heights: np.ndarray) -> np.ndarray:
    """Heights [_LOOKS] without the straight line through them."""
    line = np.stack([np.ones(_LOOKS), _EVEN], axis=1)
    return heights - line @ np.linalg.lstsq(line, heights, rcond=None)[0]


def travelling(
    sides: Sequence[Side], *, least_phase: float, least_waves: float
) -> tuple[Wave, ...]:
    """The wave along all sides of one body, which run the same way; none if one does not explain.

    What it swings about stays in place, unless that explains clearly less.
    """
    heights = np.stack([side.heights for side in sides])
    for own in (False, True):
        waves, phase, left = _best(heights, own=own)
        fewest = max(least_waves, _LOOSE_WAVES) if own else least_waves
        if left < (_LOOSELY if own else _UNEXPLAINED) and waves >= fewest:
            break
    else:
        return ()
    if abs(phase) < least_phase:
        return ()
    columns = _columns(np.array([waves]), np.array([phase]), own=own)[0]
    terms = np.linalg.lstsq(columns, heights.T, rcond=None)[0].T
    change = terms[:, 6:] if own else np.zeros((len(sides), 2))
    bases = np.stack([terms[:, :2] - change, terms[:, :2] + change], axis=1)
    if not _is_steady(heights, bases):
        return ()
    rests = (heights - terms @ columns.T).reshape(len(sides), 2, _LOOKS).mean(axis=1)
    return tuple(
        Wave(side, abs(phase), base, _end_swing(term[2:6]), rest)
        for side, base, term, rest in zip(sides, bases, terms, rests, strict=True)
    )


def _end_swing(terms: np.ndarray) -> tuple[float, float]:
    """How far the wave swings at either end, by its cosine and sine and how both grow: pixels."""
    even, grown = terms[:2], terms[2:]
    return float(np.hypot(*(even - grown))), float(np.hypot(*(even + grown)))


def _is_steady(heights: np.ndarray, bases: np.ndarray) -> bool:
    """Whether waves [sides, 2 * _LOOKS] about bases [sides, 2 keys, 2] are as high at both keys."""
    swings = heights.reshape(len(heights), 2, _LOOKS)
    swings = swings - bases[..., :1] - bases[..., 1:] * (2 * _EVEN - 1)
    energies = (swings**2).sum(axis=(0, 2))
    return float(energies.min()) > _SAME_HEIGHT**2 * float(energies.max())


def _best(heights: np.ndarray, *, own: bool) -> tuple[float, float, float]:
    """How many waves and which phase explain heights [sides, 2 * _LOOKS] best, and what is left.

    The latter as a share of the energy besides straight lines. `own`: whether each key has a base
    of its own.
    """
    flat = sum(float((_swing(part) ** 2).sum()) for side in heights for part in np.split(side, 2))
    waves, phases, frames = _frames(own=own)
    left = _left(heights, frames)
    best = int(left.argmin())
    steps = np.meshgrid(*(step * _FINER for step in _STEPS))
    waves = waves[best] + steps[0].ravel()
    phases = np.clip(phases[best] + steps[1].ravel(), -_PHASES[-1], _PHASES[-1])
    left = _left(heights, np.linalg.qr(_columns(waves, phases, own=own))[0])
    best = int(left.argmin())
    return float(waves[best]), float(phases[best]), float(left[best]) / max(flat, 1e-9)


def _left(heights: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Energy of heights [sides, 2 * _LOOKS] outside of orthonormal frames [m, ..., k]: [m]."""
    inside = np.einsum("mlk,sl->msk", frames, heights, optimize=True)
    return (heights**2).sum() - (inside**2).sum(axis=(1, 2))


@cache
def _frames(*, own: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All waves and phases that are tried [m], and frames of each [m, 2 * _LOOKS, k]."""
    waves, phases = np.meshgrid(_WAVES, np.concatenate([-_PHASES, _PHASES]))
    waves, phases = waves.ravel(), phases.ravel()
    return waves, phases, np.linalg.qr(_columns(waves, phases, own=own))[0]


def _columns(waves: np.ndarray, phases: np.ndarray, *, own: bool) -> np.ndarray:
    """What heights are made of: base and slope, then the wave, whose height grows evenly along it.

    `waves`, `phases` [m]; [m, 2 * _LOOKS, 6]. With a base of their `own`, what the base and the
    slope change from the middle to either key are two more columns.
    """
    slope = np.tile(2 * _EVEN - 1, (len(waves), 2))
    there = 2 * np.pi * waves[:, None] * _EVEN
    angle = np.concatenate([there, there - phases[:, None]], axis=1)
    key = np.repeat([-1.0, 1.0], _LOOKS) * np.ones_like(slope)
    cosine, sine = np.cos(angle), np.sin(angle)
    columns = [np.ones_like(slope), slope, cosine, sine, slope * cosine, slope * sine]
    return np.stack([*columns, *([key, key * slope] if own else [])], axis=-1)
