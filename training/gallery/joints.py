"""Where joints lie and what hangs on them: bones, bent limbs, spots on turned things; pure numbers.

Called by the shots. Pixels and radians as in `ink`.
"""

from __future__ import annotations

import math

Point = tuple[float, float]


def along(start: Point, length: float, angle: float) -> Point:
    """The far end of a straight bone."""
    return start[0] + length * math.cos(angle), start[1] + length * math.sin(angle)


def spot_on(place: Point, angle: float, offset: Point) -> Point:
    """Where a spot `offset` from the middle of a thing is seen once that is turned at `place`."""
    across, down = offset
    cos, sin = math.cos(angle), math.sin(angle)
    return place[0] + across * cos - down * sin, place[1] + across * sin + down * cos


def two_bones(root: Point, end: Point, one: float, two: float, bend: float) -> list[Point]:
    """A knee or elbow between two joints; `bend` says to which side it points."""
    dx, dy = end[0] - root[0], end[1] - root[1]
    reach = min(math.hypot(dx, dy), 0.995 * (one + two))
    inner = math.acos((one**2 + reach**2 - two**2) / (2 * one * reach))
    straight = math.atan2(dy, dx)
    return [root, along(root, one, straight + bend * inner), along(root, reach, straight)]
