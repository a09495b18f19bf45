"""Reads closed strokes as limbs: long, thin bodies about an axis, as arms, tails and snakes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .complex_points import as_complex
from .level import Line, resampled

SECTIONS = 25
_FEW_SECTIONS = 13
_SAMPLES = 96
_COARSE = 3  # samples: ends are sought that far apart first
_ROUND = 0.55  # of a disc's area of the same outline length: what is rounder is no limb
_SHORTEST_SIDE = 0.25  # of the way round
_CROOKED = 0.06  # of the axis: how far sections may lean along it
_LEAST_PX = 16.0


@dataclass(frozen=True, eq=False)
class Limb:
    """A closed stroke as an axis from end to end, and widths across it.

    `ends`: the shares 0..1 of the stroke's length at which its two sides meet. `axis` complex
    [SECTIONS] pixels, from the first end to the second; `widths` [SECTIONS] pixels.
    """

    ends: tuple[float, float]
    axis: np.ndarray
    widths: np.ndarray

    @property
    def length(self) -> float:
        """Of the axis, pixels."""
        return float(np.abs(np.diff(self.axis)).sum())

    @property
    def width(self) -> float:
        """Mean, pixels."""
        return float(self.widths.mean())

    def turned_round(self) -> Limb:
        """The same limb from its other end."""
        return Limb((self.ends[1], self.ends[0]), self.axis[::-1], self.widths[::-1])


def limb_of(line: Line, thickest: float) -> Limb | None:
    """A closed stroke as a limb; None if it is none, or wider than `thickest` of its length.

    Its ends are the two places from which both sides keep closest together.
    """
    if not line.cyclic or not _LEAST_PX < float(line.way[-1]) < np.inf:
        return None
    if 4 * np.pi * abs(line.area) > _ROUND * float(line.way[-1]) ** 2:
        return None
    ring = as_complex(resampled(line, _SAMPLES).points)
    least, most = int(_SHORTEST_SIDE * _SAMPLES), _SAMPLES // 2
    coarse = np.arange(0, _SAMPLES, _COARSE), np.arange(least, most + 1, _COARSE)
    first, gap = _closest_sides(ring, *coarse, sections=_FEW_SECTIONS)
    around = np.arange(-_COARSE, _COARSE + 1)
    gaps = np.clip(gap + around, least, most)
    first, gap = _closest_sides(ring, first + around, gaps, sections=SECTIONS)
    ahead, back = _sides(ring, np.array(first), np.array(gap), SECTIONS)
    ends = first % _SAMPLES / _SAMPLES, (first + gap) % _SAMPLES / _SAMPLES
    found = Limb(ends, (ahead + back) / 2, np.abs(ahead - back))
    leaning = _leaning(found.axis, ahead - back) * found.width
    is_limb = found.width <= thickest * found.length and leaning <= _CROOKED * found.length
    return found if is_limb else None


def heights(places: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """How far from a limb's first end to its second places [n] are, on either side: [n], 0..1.

    `places` and `ends`: shares of the stroke's length, from the same start.
    """
    ahead, side = (places - ends[0]) % 1.0, (ends[1] - ends[0]) % 1.0
    return np.where(ahead <= side, ahead / side, (1.0 - ahead) / (1.0 - side))


def _closest_sides(
    ring: np.ndarray, starts: np.ndarray, gaps: np.ndarray, *, sections: int
) -> tuple[int, int]:
    """At which sample one side begins, and after how many more it ends."""
    first, gap = np.meshgrid(starts, gaps)
    ahead, back = _sides(ring, first, gap, sections)
    best = np.unravel_index(int(np.abs(ahead - back).mean(axis=-1).argmin()), first.shape)
    return int(first[best]), int(gap[best])


def _sides(
    ring: np.ndarray, first: np.ndarray, gap: np.ndarray, sections: int
) -> tuple[np.ndarray, np.ndarray]:
    """Both ways from samples `first` [...] to those `gap` further on: complex [..., sections]."""
    shares = np.linspace(0.0, 1.0, sections)
    ahead = _at(ring, first[..., None] + gap[..., None] * shares)
    return ahead, _at(ring, first[..., None] - (len(ring) - gap[..., None]) * shares)


def _at(ring: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Points of a closed curve, complex [n], at fractional sample numbers."""
    whole = np.floor(places).astype(int)
    part = places - whole
    return (1 - part) * ring[whole % len(ring)] + part * ring[(whole + 1) % len(ring)]


def _leaning(axis: np.ndarray, across: np.ndarray) -> float:
    """How far sections lie along the axis instead of across it, ends aside: 0..1."""
    way = np.gradient(axis)
    way /= np.maximum(np.abs(way), 1e-9)
    inner = slice(2, -2)
    along = np.abs(np.real(across[inner] * way[inner].conj())).sum()
    return float(along / max(float(np.abs(across[inner]).sum()), 1e-9))
