"""How matched strokes move as a whole through their keys, whatever their shapes do; for the flow.

A drawing may snap from stretched to squashed in a frame; its weight goes on as before.
"""

from __future__ import annotations

import numpy as np

_MOST_GATHERED = 2.0  # of the slower side's mean speed: what falls from rest has gathered so much
_GOES_ON = 0.3  # cosine between the ways before and behind a key
_FEWEST_GAPS = 3  # fewer always go evenly in some direction
_EVEN, _UNEVEN = 0.1, 0.2  # deviation of a direction's speeds, of their mean: a drift; none
_STILL = 1e-4  # of the squared mean speed: variance that is none


def passing_speed(times: np.ndarray, places: np.ndarray, key: int) -> np.ndarray | None:
    """Speed [2] of the middle of places [keys, P, 2] at an inner key; None where it does not go on.

    That of the parabola through the keys around: what falls has gathered its speed by then.
    `times` [keys]: in the unit of the answer.
    """
    middle = places[key - 1 : key + 2].mean(axis=1)
    spans = np.diff(times[key - 1 : key + 2])
    coming, going = np.diff(middle, axis=0) / spans[:, None]
    slow, fast = sorted((float(np.hypot(*coming)), float(np.hypot(*going))))
    if float(coming @ going) < _GOES_ON * slow * fast or slow <= 0.0:
        return None
    speed = (spans[1] * coming + spans[0] * going) / spans.sum()
    return speed * min(1.0, _MOST_GATHERED * slow / max(float(np.hypot(*speed)), 1e-9))


def drift(steps: np.ndarray) -> np.ndarray:
    """The speed [2] that the whole keeps through all gaps, of mean speeds [gaps, P, 2].

    A ball that bounces goes on evenly to the side: nothing says that it comes to rest there.
    """
    speeds = steps.mean(axis=1)
    if len(speeds) < _FEWEST_GAPS:
        return np.zeros(2)
    mean = speeds.mean(axis=0)
    spread = (speeds - mean).T @ (speeds - mean) / len(speeds)
    # The direction in which speeds vary least for what they are: least variance over squared mean.
    evenest = np.linalg.solve(spread + (_STILL * (mean @ mean) + 1e-12) * np.eye(2), mean)
    evenest /= max(float(np.hypot(*evenest)), 1e-12)
    along = speeds @ evenest
    uneven = float(along.std()) / max(abs(float(along.mean())), 1e-9)
    share = float(np.clip((_UNEVEN - uneven) / (_UNEVEN - _EVEN), 0.0, 1.0))
    return share * float(along.mean()) * evenest
