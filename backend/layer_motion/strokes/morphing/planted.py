"""Keeps what both keys show at one place there in between, as a root or a foot; for the morph only.

A hair that curls, a brow that frowns and a flap that lifts each have places that stay. Laid by its
turns and its middle alone, such a stroke would float off them on its way.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..layout.pair import StrokePair

_STAYS = 0.02
_MOVES = 0.15  # of its extent: what moves less as a whole has no planted part
_AS_THE_WHOLE = 0.5  # trust: what goes as all does has a still point, too, but no root there
_HOLD = 0.3  # of what holds neighbours on a line together
_LEAST = 0.05  # of the hold
_LEAST_PX = 4.0
_FEWEST_POINTS = 3


def planted(pair: StrokePair) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the points that stay while others of their strokes move: int [k], and how firmly
    each does: [k], as weights of the morph.
    """
    start, goal = (key.points.astype(float) for key in (pair.first, pair.last))
    away = np.linalg.norm(goal - start, axis=1)
    firm = np.zeros(len(away))
    trust, all_trust = pair.trust, float(pair.trust.mean()) if len(away) else 0.0
    for stroke, (begin, end) in enumerate(pairwise(pair.first.offsets.tolist())):
        if pair.lone[stroke] or end - begin < _FEWEST_POINTS:
            continue
        span = slice(begin, end)
        extents = [float(np.hypot(*np.ptp(key[span], axis=0))) for key in (start, goal)]
        extent = max(*extents, _LEAST_PX)
        if away[span].max() > _MOVES * extent:
            own = np.minimum(all_trust, np.minimum(trust[span], trust[span].mean()))
            here = np.exp(-((away[span] / (_STAYS * extent)) ** 2))
            firm[span] = np.where(own <= _AS_THE_WHOLE, here, 0.0)
    found = np.flatnonzero(firm > _LEAST)
    return found, _HOLD * firm[found]
