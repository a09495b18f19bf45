"""Takes materials that look the same for one where a key lacks one of them; for matching only.

Materials tell who is who. But a key that was pasted, or drawn with a copy of a material, has
others of the same look, and none of its strokes would find its partner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..shape.level import Line

_DECIMALS = 3

Look = tuple[int, int, tuple[float, ...]]
"""Layer, holdout and colours of a stroke."""


def in_same_materials(
    lines: Sequence[Line], goals: Sequence[Line]
) -> tuple[list[Line], list[Line]]:
    """Both keys' strokes; a material of one key alone becomes one of its look in the other."""
    changed = _renamed(lines, goals)
    return changed, _renamed(goals, changed)


def _renamed(lines: Sequence[Line], others: Sequence[Line]) -> list[Line]:
    known = {line.material for line in others}
    by_look = {_look(line): line.material for line in reversed(others)}
    names: dict[int, int] = {}
    for line in lines:
        if line.material not in known and _look(line) in by_look:
            names.setdefault(line.material, by_look[_look(line)])
    if not names:
        return list(lines)
    return [replace(line, material=names.get(line.material, line.material)) for line in lines]


def _look(line: Line) -> Look:
    return line.layer, line.holdout, tuple(np.round(line.colours, _DECIMALS).tolist())
