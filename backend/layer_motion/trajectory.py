"""Affine maps per moment from tracked points, and progress along their path; layer motion only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import affine

SHORT_PATH_PX = 3.0
_STILL_PX = 0.02
_AFFINE_FROM_POINTS = 3
_AFFINE_STIFFNESS = 0.03
_OBJECT_SPREAD = (0.06, 0.18)  # spread of points over that of the art: below no turn, above whole
_PLATE_SPREAD = (0.25, 0.55)
_HEADING_MOMENTS = 4
_BACK, _ASIDE = 0.1, 0.3  # of a straight path's way: how far it goes back, or off the line
_END = 0.2  # of a gap: over which its path's speed at an end is measured; trackers tremble
_WHOLLY_PX = 12.0  # from this length on a path's pace counts wholly
_LEAVING = 0.05  # of the frame's width: how far outside a plate's point counts little
_TOGETHER = 0.7  # of what points do beside a shift: whose turn and growth explain less are limbs
_PLATE_TOGETHER = 0.9  # a plate has no limbs; points that disagree lie at different depths
_UPRIGHT = 0.3  # shear by stretch: squash and stretch stays below
_SAMPLES = 2000
_BULK_POINTS = 128  # among more, each is compared with each


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


@dataclass(frozen=True)
class Extent:
    """What the points move: rms distance of the art's box from its middle, in camera pixels.

    `plate`: width and height of the camera frame where the art fills it, None for a smaller thing.
    """

    spread_px: float
    plate: tuple[int, int] | None = None


def motion(tracks: np.ndarray, extent: Extent | None = None) -> list[np.ndarray]:
    """Map from moment 0 to each moment: a list of 3x3 matrices.

    One point moves by translation, two by similarity, three and more by an affine map that is
    drawn towards the similarity where the points say little about shear. With the art's `extent`,
    points that lie close together against it say little about turns, and those of a plate that
    have left the frame, where trackers only guess, count little: it rather shifts than shears.
    """
    start = tracks[0].astype(np.float64)
    if extent is None:
        return [_fit(start, points.astype(np.float64)) for points in tracks]
    return [_held(start, points.astype(np.float64), extent) for points in tracks]


def _held(start: np.ndarray, now: np.ndarray, extent: Extent) -> np.ndarray:
    """A fit whose turn, stretch and shear count as far as the points' spread supports them."""
    inside = _inside(now, extent)
    weights = (inside + 1e-3) / (inside + 1e-3).sum()
    centre = weights @ start
    spread = float(np.sqrt(weights @ ((start - centre) ** 2).sum(axis=1)))
    low, high = _PLATE_SPREAD if extent.plate else _OBJECT_SPREAD
    ramp = float(np.clip((spread / max(extent.spread_px, 1e-6) - low) / (high - low), 0, 1))
    # One point that is seen tells of no turn, however far apart the others are guessed to be.
    trust = ramp * ramp * (3 - 2 * ramp) * float(np.clip(inside.sum() - 1, 0, 1))
    shift = weights @ (now - start)
    if trust <= 0:
        return affine.translation(*shift)
    # a camera pans, zooms and rolls; it shears nothing
    fitted = affine.fit_similarity(start, now) if extent.plate else _fit(start, now)
    matrix = affine.interpolate(fitted, trust, centre)
    # Only turn and growth are in doubt: the points tell the whole way, whatever their spread.
    place = trust * affine.apply(fitted, centre) + (1 - trust) * (centre + shift)
    matrix[:2, 2] += place - affine.apply(matrix, centre)
    return matrix


def thinned(tracks: np.ndarray) -> np.ndarray:
    """At most `_BULK_POINTS` of the points, evenly by their order: [moments, p, 2]."""
    count = tracks.shape[1]
    return tracks[:, :: max(1, -(-count // _BULK_POINTS))]


def bulk_motion(tracks: np.ndarray, shares: np.ndarray) -> list[np.ndarray]:
    """As `motion`, but a shift alone: that of the point which most of the art is likest to follow.

    `shares` [p]: how much of the art lies nearest to each point. The point is the one to whose way
    those of all others, by their shares, lie closest; so one limb's point never moves a body.
    """
    ways = (tracks - tracks[:1]).astype(np.float64)
    apart = np.zeros((ways.shape[1],) * 2)  # [p, p]
    for way in ways:
        apart += np.linalg.norm(way[:, None] - way[None], axis=2)
    way = ways[:, int((apart @ shares).argmin())]
    return [affine.translation(*offset) for offset in way]


def nearest_shares(points: np.ndarray, art: np.ndarray) -> np.ndarray:
    """Share of art pixels [n, 2] that lie nearest to each of `points` [p, 2]: [p], sum 1."""
    some = art[:: max(1, len(art) // _SAMPLES)]
    nearest = ((some[:, None] - points[None]) ** 2).sum(axis=2).argmin(axis=1)
    return np.bincount(nearest, minlength=len(points)) / max(len(some), 1)


def move_together(tracks: np.ndarray, extent: Extent) -> bool:
    """Whether turns and growth explain most of what points do beside a common shift.

    Points on limbs of their own, or at several depths, go their own ways: an affine map through
    them would shear everything that lies between. Two points always agree.
    """
    start = tracks[0].astype(np.float64)
    if len(start) < _AFFINE_FROM_POINTS:
        return True
    shifted = alike = 0.0
    for points in tracks.astype(np.float64):
        change = points - start
        shifted += float(((change - change.mean(axis=0)) ** 2).sum())
        best = affine.apply(affine.fit_similarity(start, points), start)
        alike += float(((points - best) ** 2).sum())
    least = _PLATE_TOGETHER if extent.plate else _TOGETHER
    if alike <= (1 - least) * shifted + _STILL_PX**2 * tracks.shape[0]:
        return True
    return extent.plate is None and _squashes(tracks)


def _squashes(tracks: np.ndarray) -> bool:
    """Whether points tell of squash and stretch along the picture's axes, with hardly any shear."""
    start = tracks[0].astype(np.float64)
    changes = np.array([_fit(start, now.astype(np.float64))[:2, :2] for now in tracks]) - np.eye(2)
    along = np.abs(changes[:, (0, 1), (0, 1)]).max()
    return bool(np.abs(changes[:, (0, 1), (1, 0)]).max() < _UPRIGHT * along)


def _inside(now: np.ndarray, extent: Extent) -> np.ndarray:
    """How much points [p] count, 0..1: wholly, or falling for a plate's points that leave it."""
    if extent.plate is None:
        return np.ones(len(now))
    beyond = np.maximum(np.maximum(-now, now - np.array(extent.plate)), 0).max(axis=1)
    return np.exp(-((beyond / (_LEAVING * extent.plate[0])) ** 2))


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
    if is_short(tracks):
        return times
    steps = _steps_px(tracks)
    return np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])


def length_px(tracks: np.ndarray) -> float:
    """Length of the points' mean path, in camera pixels."""
    return float(_steps_px(tracks).sum())


def is_short(tracks: np.ndarray) -> bool:
    """True where the points' path is too short to tell a pace."""
    return length_px(tracks) < SHORT_PATH_PX


@dataclass(frozen=True)
class EndSpeed:
    """How fast a path leaves its first moment or reaches its last, 1 being its mean speed.

    `told` 0..1: how far it is a path at all, and not a tremble.
    """

    speed: float = 1.0
    told: float = 0.0


def end_speeds(tracks: np.ndarray, times: np.ndarray) -> tuple[EndSpeed, EndSpeed]:
    """Speeds of the points' middle at its first and last moment; `times` [moments] grow, 0 to 1."""
    spans = np.diff(times)
    if len(spans) < 2 or spans.min() <= 0.0:
        return EndSpeed(), EndSpeed()
    windows = max(2, min(round(1 / _END), len(spans)))
    at = np.linspace(0.0, 1.0, windows + 1)
    middle = tracks.astype(float).mean(axis=1)
    places = np.stack([np.interp(at, times, middle[:, axis]) for axis in (0, 1)], axis=1)
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    length_px = float(steps.sum())
    told = float(np.clip((length_px - SHORT_PATH_PX) / (_WHOLLY_PX - SHORT_PATH_PX), 0.0, 1.0))
    if told <= 0.0:
        return EndSpeed(), EndSpeed()
    speeds = steps * windows / length_px
    # A step tells the speed in its middle: half a step on, it has changed by half as much.
    first, last = (float(1.5 * near - 0.5 * far) for near, far in (speeds[:2], speeds[:-3:-1]))
    return EndSpeed(max(first, 0.0), told), EndSpeed(max(last, 0.0), told)


def _steps_px(tracks: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(tracks, axis=0), axis=2).mean(axis=1)  # [moments - 1]


def goes_straight(tracks: np.ndarray) -> bool:
    """False where the points' middle turns back or far aside on its way, or hardly has one."""
    middle = tracks.mean(axis=1)
    path = (middle - middle[0]) @ (1, 1j)
    if abs(path[-1]) < SHORT_PATH_PX:
        return False
    share = path / path[-1]
    along = np.abs(np.real(share) - 0.5).max() - 0.5
    return bool(along < _BACK and np.abs(np.imag(share)).max() < _ASIDE)


def headings(path: np.ndarray, times: np.ndarray) -> np.ndarray:
    """How far a path [moments, 2] has turned since its first moment, 0 there: radians [moments].

    Zero throughout where a path is too short to have a heading.
    """
    if len(path) < _HEADING_MOMENTS or np.linalg.norm(np.diff(path, axis=0), axis=1).min() < 1e-3:
        return np.zeros(len(path))
    speed = np.gradient(path, times, axis=0, edge_order=2)
    angle = np.unwrap(np.arctan2(speed[:, 1], speed[:, 0]))
    return angle - angle[0]
