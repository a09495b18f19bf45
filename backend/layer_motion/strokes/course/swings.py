"""Which points pass their keys though they slow down or turn back there: swings and waves.

A drawing that rests at a key rests as a whole. Parts of one that swing through their keys, or that
a wave runs through, slow down at different times, each where it is at its own extreme.
"""

from __future__ import annotations

import numpy as np

_TURNS_BACK, _SWINGS_ON = -0.35, -0.05  # correlation of speeds in neighbouring gaps
_GAPS_NEAR = 2  # on either side of a key
_WAVE = 0.7, 0.9  # what points have of the slower side's speed on both sides of a key: a wave; none
_WITHIN = 0.86, 0.94  # the same, stroke by stroke, of a wave through all of them
_CARRIES = 0.4, 0.2  # share of the motion that strokes moving on both sides have: they tell; no
_MOVES = 0.05, 0.0  # slower over faster side of a point: it moves on both, on one alone
_STILL = 1e-9  # squared pixels per squared gap: no speed


def swings(steps: np.ndarray, key: int, offsets: np.ndarray) -> np.ndarray:
    """How far each stroke swings through a key, mean speeds [gaps, P, 2]: 0..1 per point [P].

    What turns back at every key does so at its keys; what swings on through some of them may turn
    back between them. It has to do so on the whole and around the `key`: after a fall and a blow,
    which are as one, something else begins. `offsets` int [S + 1]: where strokes begin.
    """
    near = steps[max(key - _GAPS_NEAR, 0) : key + _GAPS_NEAR]
    return np.minimum(_swings(steps, offsets), _swings(near, offsets))


def _swings(steps: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    one, other = steps[:-1], steps[1:]
    sums = [
        np.add.reduceat((a * b).sum(axis=(0, 2)), offsets[:-1])
        for a, b in ((one, other), (one, one), (other, other))
    ]
    alike = sums[0] / np.maximum(np.sqrt(sums[1] * sums[2]), 1e-9)
    share = np.clip((alike - _TURNS_BACK) / (_SWINGS_ON - _TURNS_BACK), 0.0, 1.0)
    return np.repeat(share, np.diff(offsets))


def waves(coming: np.ndarray, going: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """How surely a wave runs through each stroke, or through all of them: 0..1 per point [P].

    `coming`, `going` [P, 2]: mean speeds before and behind a key. Where strokes come to rest, the
    points that are slow on one side are so together: point by point, the lesser of both speeds
    makes up that of the slower side. In a wave some are slow before the key and others behind it.
    Strokes that do so each as a whole are parts that move one after the other, as fingers do. A
    point that stands still throughout a gap rests there, whatever its stroke does.
    """
    before, behind = (coming**2).sum(axis=1), (going**2).sum(axis=1)
    sums = np.stack([np.minimum(before, behind), before, behind])  # [3, P]
    each = np.add.reduceat(sums, offsets[:-1], axis=1)
    lower, slower = each[0], each[1:].min(axis=0)
    whole = each[1:].sum(axis=1).min()
    within = _ramp(_common(lower.sum(), slower.sum()), *_WITHIN)
    within = within * _ramp(slower.sum() / max(float(whole), _STILL), *_CARRIES)
    of_all = within * _ramp(_common(lower.sum(), whole), *_WAVE)
    wave = np.repeat(np.maximum(_ramp(_common(lower, slower), *_WAVE), of_all), np.diff(offsets))
    return wave * _ramp(_common(sums[0], sums[1:].max(axis=0)), *_MOVES)


def _common(lower: np.ndarray, slower: np.ndarray) -> np.ndarray:
    """What points have on both sides of a key of the slower side's speed: 0..1, 1 at rest."""
    return np.sqrt((lower + _STILL) / (slower + _STILL))


def _ramp(value: np.ndarray, full: float, none: float) -> np.ndarray:
    return np.clip((none - value) / (none - full), 0.0, 1.0)
