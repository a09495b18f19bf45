"""Where matched strokes are as a whole at every moment of a gap, and how far on; layer motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from shared.strokes import Drawing

from ... import affine, trajectory
from ...plan import Scene, pace
from ..layout.pair import StrokePair
from ..morphing.morph import Morph
from .flow import Flow, flow_through, known_keys
from .key_places import KeyPlaces, own_key
from .rolling import find_wheels, upright
from .stiff import Frame, framed

_HEADS_ALONG = 0.2  # radians between how far the art turns and how far its path does
_STIFF = 0.06  # of the art's extent: what is left of strokes that go as one
_LONG = 0.5  # variance across over variance along
_NEAR_PIVOT = 0.14  # of the art's extent
_TURNS = 0.3  # radians: smaller ones agree by chance


def hint(scene: Scene) -> np.ndarray | None:
    """What a path says of the motion from key to key (3 x 3); None without a path."""
    return None if scene.tracks is None else trajectory.motion(scene.tracks)[-1]


class Course:
    """The way of a pair through a gap: along the layer's path where it has one, else straight.

    `way` [moments] 0..1: progress where no sketch tells it.
    """

    def __init__(self, scene: Scene, pair: StrokePair) -> None:
        known = known_keys(scene, pair)
        by_flow = bool(scene.task.before or scene.task.behind)
        self._morph = Morph(pair, _centre(scene, pair), by_flow=by_flow)
        straight = scene.tracks is None or trajectory.goes_straight(scene.tracks)
        self._wheels = find_wheels(pair.first, self._morph.tree, known) if straight else ()
        if self._wheels:
            pair, known = upright(pair, known, self._wheels)
            self._morph = Morph(pair, _centre(scene, pair), by_flow=by_flow)
        self._pair = pair
        self._centre = self._morph.centre
        plain = _plain_moves(scene)
        heads = _is_stiff(scene, pair) and _turns_with_path(scene, known)
        moves = _heading_along(scene, plain, pair.matrix) if heads else plain
        self._move_along(moves)
        self._flow = flow_through(scene, pair, known, self._still) if moves is plain else None
        self._frame = (
            Frame() if self._flow is None else framed(self._morph, self._flow, pair.first.offsets)
        )
        self.way = _way(scene, flows=self._flow is not None)

    def _move_along(self, moves: list[np.ndarray]) -> None:
        self._moves = moves
        self._rest = np.linalg.inv(moves[-1]) @ self._pair.matrix

    @property
    def morph(self) -> Morph:
        """The strokes' own change of shape."""
        return self._morph

    def drawing(self, moment: int, progress: float) -> Drawing:
        """The in-between at a moment with its shapes at `progress`, 0..1, of their way."""
        matrix = affine.evenly(self._rest, progress, self._centre)
        drawing = self._morph.at(self._moves[moment] @ matrix, progress)
        if self._flow is None and not self._wheels:
            return drawing
        order = self._morph.point_order(progress)
        points = np.empty(drawing.points.shape)
        points[order] = drawing.points
        if self._flow is not None:
            points += self._shift(self._flow, progress) @ self._moves[moment][:2, :2].T
        for wheel in self._wheels:
            points = wheel.rolled(points)
        return replace(drawing, points=points[order].astype(np.float32))

    def _shift(self, flow: Flow, progress: float) -> np.ndarray:
        """What the flow adds to all points' own way [P, 2], held by the path."""
        shift = flow.at(progress)
        if self._frame.parts:
            still = self._still(progress)
            shift = self._frame.held(still, still + shift) - still
        shift[self._morph.slid] = 0.0  # what goes along its track leaves it for no key
        return shift if self._morph.waving is None else self._morph.waving.led(shift)

    def _still(self, progress: float) -> np.ndarray:
        """All points [P, 2] at `progress` without the path's motion and without the flow."""
        matrix = affine.evenly(self._rest, progress, self._centre)
        drawing = self._morph.at(matrix, progress)
        points = np.empty(drawing.points.shape)
        points[self._morph.point_order(progress)] = drawing.points
        return points


def _centre(scene: Scene, pair: StrokePair) -> np.ndarray:
    """What moves straight while the whole turns around it: [2].

    The middle of the path or of the drawing; but an arm that swings on a shoulder which stays where
    it is, turns around that. Only what is long does so: what is round rolls.
    """
    if scene.tracks is not None:
        return np.asarray(scene.tracks[0].mean(axis=0), float)
    start = pair.first.points.astype(float)
    narrow, wide = np.linalg.eigvalsh(np.cov(start.T)) if len(start) > 1 else (0.0, 0.0)
    if abs(_angle(pair.matrix)) < _TURNS or narrow >= _LONG * wide:
        return start.mean(axis=0)
    still = np.linalg.solve(np.eye(2) - pair.matrix[:2, :2], pair.matrix[:2, 2])
    extent = float(np.hypot(*np.ptp(start, axis=0)))
    near = np.linalg.norm(start - still, axis=1) < _NEAR_PIVOT * extent
    return still if near.any() else start.mean(axis=0)


def _is_stiff(scene: Scene, pair: StrokePair) -> bool:
    """Whether strokes go as one, or no further key tells how they move on their own."""
    if not scene.task.before and not scene.task.behind:
        return True
    goal = pair.last.points.astype(float)
    left = affine.apply(pair.matrix, pair.first.points.astype(float)) - goal
    apart_px = float(np.sqrt((left**2).sum(axis=1).mean()))
    return apart_px < _STIFF * float(np.hypot(*np.ptp(goal, axis=0)))


def _plain_moves(scene: Scene) -> list[np.ndarray]:
    if scene.tracks is None:
        return [affine.IDENTITY] * scene.moments
    return trajectory.motion(scene.tracks)


def _way(scene: Scene, *, flows: bool) -> np.ndarray:
    """Progress [moments]: even along a flow, whose speeds are in its form."""
    if flows and scene.task.progress is None:
        return scene.times
    if scene.tracks is None:
        return pace(scene)
    return np.clip(trajectory.progress(scene.tracks, scene.times), 0.0, 1.0)


def _heading_along(scene: Scene, moves: list[np.ndarray], whole: np.ndarray) -> list[np.ndarray]:
    """The motion `moves` of tracks, with the turn of what heads along its path, as a plane does.

    The art does so where it turns from key to key by `whole` just as far as its path turns, and
    the path does not turn farther on its way. Only then is its heading between the keys the art's
    own, too.
    """
    if scene.tracks is None:
        return moves
    middle = scene.tracks.mean(axis=1)
    turn = trajectory.headings(middle, scene.times)
    own = _angle(np.linalg.inv(moves[-1]) @ whole)
    left = own - turn[-1]
    beyond = np.abs(turn - turn[-1] / 2).max() - abs(turn[-1]) / 2
    if min(abs(own), abs(turn[-1])) < _TURNS or max(abs(left), beyond) > _HEADS_ALONG:
        return moves
    degrees = np.degrees(turn + scene.times * left)
    return [
        move @ affine.rotation_about(middle[0], float(angle))
        for move, angle in zip(moves, degrees, strict=True)
    ]


def _turns_with_path(scene: Scene, known: Sequence[KeyPlaces]) -> bool:
    """Whether the art turns from gap to gap as its path does, as far as further keys tell.

    From gap to gap, the art turns by half of what it turns in both. A leg's turn may be that of its
    path in one of them by chance.
    """
    if scene.tracks is None:
        return True
    key = own_key(known)
    middles = dict(zip((key, key + 1), scene.tracks[[0, -1]].mean(axis=1), strict=True))
    for number, neighbours in ((key - 1, scene.task.before), (key + 2, scene.task.behind)):
        points = neighbours[0].points if neighbours else None
        if points is not None and 0 <= number < len(known):
            middles[number] = points.mean(axis=0)
    order = sorted(middles)
    ways = np.diff(np.stack([middles[number] for number in order]), axis=0)
    drawn = [known[number].drawn for number in order]
    turns = np.array([_angle(affine.fit_similarity(*ends)) for ends in pairwise(drawn)])
    path = np.diff(np.arctan2(ways[:, 1], ways[:, 0]))
    left = np.angle(np.exp(1j * (path - (turns[:-1] + turns[1:]) / 2)))
    long = np.hypot(*ways.T) > trajectory.SHORT_PATH_PX
    return bool((np.abs(left)[long[:-1] & long[1:]] <= _HEADS_ALONG).all())


def _angle(matrix: np.ndarray) -> float:
    return float(np.arctan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1]))
