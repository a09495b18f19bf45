"""Where matched strokes are as a whole at every moment of a gap, and how far on; layer motion."""

from __future__ import annotations

import numpy as np

from shared.strokes import Drawing

from . import affine, trajectory
from .plan import Scene, pace
from .stroke_morph import Morph
from .stroke_pair import StrokePair


def hint(scene: Scene) -> np.ndarray | None:
    """What a path says of the motion from key to key (3 x 3); None without a path."""
    return None if scene.tracks is None else trajectory.motion(scene.tracks)[-1]


class Course:
    """The way of a pair through a gap: along the layer's path where it has one, else straight.

    `way` [moments] 0..1: progress where no sketch tells it.
    """

    def __init__(self, scene: Scene, pair: StrokePair) -> None:
        self._pair, self._morph = pair, Morph(pair)
        if scene.tracks is None:
            self._moves: list[np.ndarray] = [affine.IDENTITY] * scene.moments
            self._rest = pair.matrix
            self._centre = pair.first.points.mean(axis=0).astype(float)
            self.way = pace(scene)
            return
        self._moves = trajectory.motion(scene.tracks)
        self._rest = np.linalg.inv(self._moves[-1]) @ pair.matrix
        self._centre = scene.tracks[0].mean(axis=0)
        self.way = np.clip(trajectory.progress(scene.tracks, scene.times), 0.0, 1.0)

    @property
    def morph(self) -> Morph:
        """The strokes' own change of shape."""
        return self._morph

    def drawing(self, moment: int, progress: float) -> Drawing:
        """The in-between at a moment with its shapes at `progress`, 0..1, of their way."""
        matrix = affine.interpolate(self._rest, progress, self._centre)
        return self._morph.at(self._moves[moment] @ matrix, progress)
