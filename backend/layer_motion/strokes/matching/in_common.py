"""Decides by what has partners whether two keys show one drawing; matching only."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from ..shape.cost import shares
from ..shape.level import resampled
from .assign import UNMATCHED
from .reading import Match

_MAX_UNMATCHED_SHARE, _MAX_GROWN_SHARE, _MAX_HIDDEN_SHARE = 0.35, 0.5, 0.6
_PART_COST = 0.15  # mean, of the strokes of a key that is a part of the other
_PLACES = 64
_TOUCH_SHARE = 0.03  # of the drawing's extent


def have_enough_in_common(match: Match) -> bool:
    """True where so little ink stays without a partner that it may come and go by itself.

    More may where one key clearly is a part of the other, on which the rest has grown, or from
    which all of some materials is gone, as eyes that close hide their pupils.
    """
    if not any(i is not None and j is not None for i, j in match.pairs):
        return False
    alone = [_without_partner(match, side) for side in (0, 1)]
    matched_cost = match.cost - 2 * UNMATCHED * max(alone)
    part = min(alone) == 0.0
    grown = part and matched_cost < _PART_COST and _hangs_together(match)
    if part and max(alone) <= _MAX_HIDDEN_SHARE and _are_of_lost_materials(match):
        return True
    return max(alone) <= (_MAX_GROWN_SHARE if grown else _MAX_UNMATCHED_SHARE)


def _are_of_lost_materials(match: Match) -> bool:
    """Whether all strokes without a partner are of materials that the other key does not show."""
    known = [{line.material for line in lines} for lines in (match.lines, match.goals)]
    return not any(
        number is not None
        and other is None
        and (match.lines, match.goals)[side][number].material in known[1 - side]
        for pair in match.pairs
        for side, (number, other) in enumerate((pair, pair[::-1]))
    )


def _without_partner(match: Match, side: int) -> float:
    """Share 0..1 of a key's ink."""
    ink = shares(np.array([float(line.way[-1]) for line in (match.lines, match.goals)[side]]))
    lone = [pair[side] for pair in match.pairs if pair[1 - side] is None]
    return sum(float(ink[stroke]) for stroke in lone if stroke is not None)


def _hangs_together(match: Match) -> bool:
    """Whether all strokes without a partner touch, in their key, one that has one."""
    for side, lines in enumerate((match.lines, match.goals)):
        lone = {pair[side] for pair in match.pairs if pair[1 - side] is None}
        places = np.array([resampled(line, _PLACES).points for line in lines])
        alone = np.array([stroke in lone for stroke in range(len(lines))])
        reach = _TOUCH_SHARE * float(np.hypot(*np.ptp(places.reshape(-1, 2), axis=0)))
        away = np.asarray(KDTree(places[~alone].reshape(-1, 2)).query(places[alone])[0])
        if (away.min(axis=1, initial=np.inf) > reach).any():
            return False
    return True
