"""The demo's ball: two drawings and the arc on which it flies. Called by `scene` and by tests."""

from __future__ import annotations

import numpy as np

from .ink import Stroke, ellipse, outline, rotated

RADIUS_PX = 17.0
FIRST, LAST = 1, 17
_START, _END, _APEX_PX = (484.0, 128.0), (296.0, 55.0), 70.0
_INK = "#3a2230"


def centre(frame: float) -> tuple[float, float]:
    """Where the ball is at a scene frame: a throw, with gravity, in pixels of the 512x320 frame."""
    u = (frame - FIRST) / (LAST - FIRST)
    x = _START[0] + (_END[0] - _START[0]) * u
    straight = _START[1] + (_END[1] - _START[1]) * u
    return x, straight - 4 * _APEX_PX * u * (1 - u)


def ball(frame: float) -> list[Stroke]:
    """The ball as drawn at a scene frame: it turns slowly as it flies."""
    at = np.asarray(centre(frame))
    turn = -0.9 * (frame - FIRST) / (LAST - FIRST)
    stripe = np.linspace(-1.0, 1.0, 20)
    bulge = np.sqrt(np.maximum(1 - stripe**2, 0.0))
    band = np.concatenate(
        [
            np.stack([stripe * 0.97, 0.10 - 0.42 * bulge], 1),
            np.stack([stripe * 0.97, 0.10 + 0.26 * bulge], 1)[::-1],
        ]
    )
    star = RADIUS_PX * rotated(band, turn) + at
    x, y = float(at[0]), float(at[1])
    return [
        ellipse((x, y), (RADIUS_PX, RADIUS_PX), "#d9463d", _INK, count=48),
        outline(star, "#fbeed6", None),
        ellipse((x - 6, y - 8), (4.2, 2.6), "#ffffffa0", count=16, turn=-0.6),
        outline(
            ellipse((x, y), (RADIUS_PX, RADIUS_PX), "#00000000", count=48).points, "#00000000", _INK
        ),
    ]
