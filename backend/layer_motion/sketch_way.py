"""One key's lines on their way through the sketches, and that way without a hand's tremble.

For sketch_fit.py only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from . import affine
from .line_fit import Fit, LineFitter
from .line_points import LinePoints
from .rough_fit import fit_bent, fit_stiff
from .rough_pull import Run
from .steady import CALM_PX, steadied, tremble_px

_BENT_PX = 0.25  # that a key's own lines must come nearer by a bend; stiff ones reach 0.2
_SHOWN_SHARE = 0.6  # of the points: with fewer, a fit bends for want of lines
_LEAVING_SHARE = 0.3  # of the points: with fewer in the picture, a body is on its way out
_WORTH = 1.15  # times the misfit of smoothed fits that a fit of the whole run may leave
_TREMBLE_BENDS = 0.75  # rms tremble that lets free form come this much nearer than stiff form


@dataclass(frozen=True, eq=False)
class Way:
    """One key's lines, fitted to one sketch after the other: moment -> fit."""

    fitter: LineFitter
    key: int
    fits: dict[int, Fit]

    @cached_property
    def tremble_px(self) -> float:
        """Rms tremble of the points; 0 where moments are missing between the first and the last."""
        is_whole = max(self.fits) - min(self.fits) == len(self.fits) - 1
        return tremble_px(_path(self.fits)) if is_whole else 0.0

    @property
    def bends(self) -> dict[int, float]:
        """How much nearer a bend brings the points to each sketch than an affine map, pixels."""
        return {
            moment: fit.stiff_error_px - fit.error_px
            for moment, fit in self.fits.items()
            if moment != self.key
        }

    def shown(self, moment: int) -> float:
        """Share of the points that lie inside the frame at a moment."""
        moved = self.fits[moment].moved
        inside = (moved > 0.0) & (moved < np.array(self.fitter.frame))
        return float(inside.all(axis=1).mean())


def expected(fits: dict[int, Fit], key: int, near: int, moment: int) -> np.ndarray:
    """Where the points will be, going on as from the fit before."""
    now = fits[near].moved
    earlier = [m for m in fits if m != near and abs(m - key) < abs(near - key)]
    if not earlier:
        return now
    before = max(earlier, key=lambda m: abs(m - key))
    ratio = abs(moment - near) / abs(near - before)
    speed = affine.fit_similarity(fits[before].moved, now)
    centre = fits[before].moved.mean(axis=0)
    ahead = affine.interpolate(speed, ratio, affine.apply(speed, centre))
    return affine.apply(ahead, now)


def gone_on(way: Way, fits: dict[int, Fit], moments: int) -> dict[int, Fit]:
    """The fits, and where a body that was leaving the picture lies after its last sketch.

    It goes on as fast as it went. `moments`: how many there are, the keys' included. A body of
    which more is left in the picture holds where it was drawn last.
    """
    outward = sorted(fits, key=lambda moment: abs(moment - way.key))
    if len(outward) < 2:
        return fits
    before, last = outward[-2:]
    if way.shown(last) > _LEAVING_SHARE or way.shown(last) >= way.shown(before):
        return fits
    step = (fits[last].moved - fits[before].moved).mean(axis=0) / abs(last - before)
    beyond = range(last + 1, moments) if last > way.key else range(last - 1, -1, -1)
    return fits | {
        m: replace(fits[last], moved=fits[last].moved + step * abs(m - last)) for m in beyond
    }


def calm_fits(
    way: Way, targets: dict[int, LinePoints], exact: frozenset[int], *, stiff: bool
) -> dict[int, Fit]:
    """The fits without tremble, where sketches follow each other moment by moment.

    The key's own sketch trembles like the others: where it would lie on a smooth way is where its
    points lie on the art. What bends no more than a hand trembles does not bend.
    """
    fitter, key, fits = way.fitter, way.key, way.fits
    moments, is_known = sorted(fits), key in exact
    if way.tremble_px <= (0.0 if is_known else CALM_PX):
        return fits
    run = Run(fitter.source, fitter.heading, targets, key, exact, fitter.frame)
    if stiff:
        fits = stiffly(way, targets)
        path = _path(fits)
        calm = fit_stiff(run, moments, path) if is_known else steadied(path)
    else:
        calm = steadied(_path(fits), [m in exact for m in moments])
        calm = _bent(way, run, calm) if is_known else calm
    return {m: replace(fits[m], moved=moved) for m, moved in zip(moments, calm, strict=True)}


def _bent(way: Way, run: Run, calm: np.ndarray) -> np.ndarray:
    """Points [moments, n, 2] fitted to the whole run, or `calm` where that leaves the sketches."""
    bent = fit_bent(run, sorted(way.fits), calm)
    worth = _misfit_px(way, run.targets, bent) < _WORTH * _misfit_px(way, run.targets, calm)
    return bent if worth else calm


def is_stiff(ways: Sequence[Way], exact: frozenset[int]) -> bool:
    """Whether the sketches bend no more than the hand trembles, and the keys' arts not at all.

    A true bend shows from either key. A key that shows little of the art tells nothing of its
    bends.
    """
    ways = [way for way in ways if way.tremble_px > 0.0]
    if not ways:
        return False
    told = [
        bend
        for way in ways
        for moment, bend in way.bends.items()
        if moment in exact and way.shown(moment) > _SHOWN_SHARE
    ]
    if min(told, default=0.0) > _BENT_PX:
        return False
    shares = [float(np.median(list(way.bends.values()))) / way.tremble_px for way in ways]
    return min(shares) < _TREMBLE_BENDS


def _misfit_px(way: Way, targets: Mapping[int, LinePoints], path: np.ndarray) -> float:
    """Mean distance of points [moments, n, 2] from the sketches of the moments."""
    moments = sorted(way.fits)
    return float(
        np.mean(
            [
                way.fitter.error_px(moved, targets[moment])
                for moment, moved in zip(moments, path, strict=True)
                if moment != way.key
            ]
        )
    )


def stiffly(way: Way, targets: Mapping[int, LinePoints]) -> dict[int, Fit]:
    """All fits once more, with one affine map for all points at each moment.

    Either from where the points go anyway or from the free fit: the better of both.
    """
    near = key = way.key
    stiff = {key: way.fits[key]}
    source = way.fitter.source
    for moment in sorted((m for m in way.fits if m != key), key=lambda m: abs(m - key)):
        free = affine.fit_affine(source, way.fits[moment].moved, stiffness=0.0)
        starts = expected(stiff, key, near, moment), affine.apply(free, source)
        fits = [way.fitter.follow_stiffly(start, targets[moment]) for start in starts]
        stiff[moment] = min(fits, key=lambda fit: fit.error_px)
        near = moment
    return stiff


def _path(fits: dict[int, Fit]) -> np.ndarray:
    """Where the points lie moment by moment: [moments, n, 2]."""
    return np.stack([fits[moment].moved for moment in sorted(fits)])
