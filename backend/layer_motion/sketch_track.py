"""One key's art on its way along the sketches: where it is when, and whether it got lost.

For sketch_fit.py only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import affine
from .line_fit import Fit

ASTRAY_PX = 0.3  # a fit to a clean sketch that leaves more may have slid or turned along itself
_LOST = 2.0  # times farther from the other key's lines than the other from its own
_LOST_ON_THE_WAY = 2.5  # times farther from clean sketches than the other


@dataclass(frozen=True, eq=False)
class Track:
    """One key's art along the sketches: moment -> fit, and the affine map of each.

    `origin` float64 [n, 2]: where the fitted points lie on the key's art, in working pixels.
    `is_steadied`: the sketches tremble, the fits do not. `far_px`: how far the lines then are from
    those of the other key's art, in working pixels; None where that says nothing.
    """

    origin: np.ndarray
    fits: dict[int, Fit]
    maps: dict[int, np.ndarray]
    is_steadied: bool
    far_px: float | None = None


def arriving(tracks: list[Track | None], *, are_clean: bool) -> list[Track | None]:
    """The first and the last key's track, without one that lies much farther off than the other.

    Of clean sketches that shows at every moment, of rough ones at the other key alone.
    """
    far, lost = far_errors(*tracks), _LOST
    if are_clean:
        far, lost = _clean_errors(*tracks), _LOST_ON_THE_WAY
    if not far or max(far) < max(ASTRAY_PX, lost * min(far)):
        return tracks
    return [track if px == min(far) else None for track, px in zip(tracks, far, strict=True)]


def far_errors(first: Track | None, last: Track | None) -> list[float]:
    """How well each key's lines arrive at the other's, where both are known to lie exactly.

    What a rough sketch leaves says nothing of that: it leaves as much of a good fit.
    """
    if first is None or last is None or first.far_px is None or last.far_px is None:
        return []
    return [first.far_px, last.far_px]


def _clean_errors(first: Track | None, last: Track | None) -> list[float]:
    """How far each key's lines lie from clean sketches at most moments, where both follow some."""
    if first is None or last is None:
        return []
    return [_usual_error(first), _usual_error(last)]


def _usual_error(track: Track) -> float:
    told = [fit.error_px for fit in track.fits.values() if fit.moved is not track.origin]
    return float(np.median(told)) if told else 0.0


def place_at(track: Track, moment: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Points [n, 2] at a moment, trust [n] and error in working pixels.

    Its own fit, or the way between the fits before and behind it.
    """
    if moment in track.fits:
        fit = track.fits[moment]
        return fit.moved, fit.trust, fit.error_px
    known = np.array(sorted(track.fits))
    place = int(np.searchsorted(known, moment))
    if place == len(known) or place == 0:
        fit = track.fits[int(known[min(place, len(known) - 1)])]
        return fit.moved, fit.trust, fit.error_px
    before, behind = int(known[place - 1]), int(known[place])
    part = (moment - before) / (behind - before)
    one, other = track.fits[before], track.fits[behind]
    change = track.maps[behind] @ np.linalg.inv(track.maps[before])
    centre = affine.apply(track.maps[before], track.origin).mean(axis=0)
    bridge = affine.interpolate(change, part, centre)
    rest = np.linalg.inv(change) if affine.is_regular(change) else affine.IDENTITY
    ahead = one.moved
    back = affine.apply(rest, other.moved)
    moved = affine.apply(bridge, (1 - part) * ahead + part * back)
    moved = moved + _swing(track, known, place, part)
    return moved, np.minimum(one.trust, other.trust), max(one.error_px, other.error_px)


def _swing(track: Track, known: np.ndarray, place: int, part: float) -> np.ndarray:
    """How far a smooth path through all fits leaves the straight one between two of them: [n, 2].

    Cubic Hermite with speeds from the neighbouring fits; at the ends the speed is such that the
    path does not curve there.
    """
    length = float(known[place] - known[place - 1])
    chord = track.fits[int(known[place])].moved - track.fits[int(known[place - 1])].moved

    def speed(index: int) -> np.ndarray | None:
        if index <= 0 or index >= len(known) - 1:
            return None
        before, behind = int(known[index - 1]), int(known[index + 1])
        whole = track.fits[behind].moved - track.fits[before].moved
        return whole * (length / (behind - before))

    start, end = speed(place - 1), speed(place)
    if start is None:
        start = chord if end is None else (3 * chord - end) / 2
    if end is None:
        end = (3 * chord - start) / 2
    early, late = part * (1 - part) ** 2, part**2 * (part - 1)
    return early * (start - chord) + late * (end - chord)
