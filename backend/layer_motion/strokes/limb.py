"""Reads closed strokes as limbs: long, thin bodies about an axis, as arms, tails and snakes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .complex_points import as_complex
from .level import Line, resampled

SECTIONS = 25
_SAMPLES = 96
_ROUND = 0.55  # area over that of a disc with its length round: what is rounder is no limb
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

    def reversed(self) -> Limb:
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
    first, gaps = np.meshgrid(
        np.arange(_SAMPLES), np.arange(int(_SHORTEST_SIDE * _SAMPLES), _SAMPLES // 2 + 1)
    )
    shares = np.linspace(0.0, 1.0, SECTIONS)
    ahead = _at(ring, first[..., None] + gaps[..., None] * shares)
    back = _at(ring, first[..., None] - (_SAMPLES - gaps[..., None]) * shares)
    apart = np.abs(ahead - back).mean(axis=-1)
    best = np.unravel_index(int(apart.argmin()), apart.shape)
    start, end = int(first[best]), int(first[best] + gaps[best]) % _SAMPLES
    ends = start / _SAMPLES, end / _SAMPLES
    across = ahead[best] - back[best]
    found = Limb(ends, (ahead[best] + back[best]) / 2, np.abs(across))
    leaning = _leaning(found.axis, across) * found.width
    is_limb = found.width <= thickest * found.length and leaning <= _CROOKED * found.length
    return found if is_limb else None


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
