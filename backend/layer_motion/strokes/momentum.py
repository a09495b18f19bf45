"""How matched strokes move as a whole through their keys, whatever their shapes do; for the flow.

A drawing may snap from stretched to squashed in a frame; its weight goes on as before.
"""

from __future__ import annotations

import numpy as np

_MAX_SPEEDUP = 2.0  # of the slower side's mean speed: what falls from rest has gathered so much
_GOES_ON = 0.3  # cosine between the ways before and behind a key
_FEWEST_GAPS = 3  # fewer always go evenly in some direction
_EVENLY = 0.15  # deviation of a direction's speeds, of their mean


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
    return speed * min(1.0, _MAX_SPEEDUP * slow / max(float(np.hypot(*speed)), 1e-9))


def drift(steps: np.ndarray) -> np.ndarray:
    """The speed [2] that the whole keeps through all gaps, of mean speeds [gaps, P, 2].

    A ball that bounces goes on evenly to the side: nothing says that it comes to rest there.
    """
    speeds = steps.mean(axis=1)
    if len(speeds) < _FEWEST_GAPS:
        return np.zeros(2)
    mean = speeds.mean(axis=0)
    _, axes = np.linalg.eigh((speeds - mean).T @ (speeds - mean))
    evenest = axes[:, 0]
    along = speeds @ evenest
    even = float(along.std()) < _EVENLY * abs(float(along.mean()))
    return evenest * float(along.mean()) * even
