"""Affine maps per moment from tracked points, and progress along their path; layer motion only."""

from __future__ import annotations

import numpy as np

from . import affine

_SHORT_PATH_PX = 3.0
_STILL_PX = 0.02
_AFFINE_FROM_POINTS = 3
_AFFINE_STIFFNESS = 0.03


def usable(tracks: np.ndarray | None, moments: int) -> bool:
    """True where tracks [moments, p, 2] hold finite points for every moment."""
    return (
        tracks is not None
        and tracks.ndim == 3
        and tracks.shape[0] >= moments
        and tracks.shape[1] > 0
        and bool(np.isfinite(tracks).all())
    )


def is_still(tracks: np.ndarray) -> bool:
    """True where no point ever leaves its first place."""
    return bool(np.abs(tracks - tracks[:1]).max() < _STILL_PX)


def motion(tracks: np.ndarray) -> list[np.ndarray]:
    """Map from moment 0 to each moment: a list of 3x3 matrices.

    One point moves by translation, two by similarity, three and more by an affine map that is
    drawn towards the similarity where the points say little about shear.
    """
    start = tracks[0].astype(np.float64)
    return [_fit(start, points.astype(np.float64)) for points in tracks]


def _fit(start: np.ndarray, now: np.ndarray) -> np.ndarray:
    if len(start) < _AFFINE_FROM_POINTS:
        matrix = affine.fit_similarity(start, now)
    else:
        matrix = affine.fit_affine(start, now, stiffness=_AFFINE_STIFFNESS)
    if affine.is_regular(matrix):
        return matrix
    return affine.translation(*(now.mean(axis=0) - start.mean(axis=0)))


def progress(tracks: np.ndarray, times: np.ndarray) -> np.ndarray:
    """How much of the way lies behind at each moment: [moments], 0 at the first, 1 at the last.

    Arc length of the points' mean path; where that is under 3 px, `times` [moments] instead.
    """
    steps = np.linalg.norm(np.diff(tracks, axis=0), axis=2).mean(axis=1)  # [moments - 1]
    total = float(steps.sum())
    if total < _SHORT_PATH_PX:
        return times
    return np.concatenate([[0.0], np.cumsum(steps) / total])
