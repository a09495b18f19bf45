"""What SAM's and SAM 2's makers' own packages say: tensors of their files, and small answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def told(backend: str) -> dict[str, Any]:
    """`sizes`, `answers` and, of SAM 2, `memory`, as written by the package in `made_with`.

    Answers are those of the smallest size with the weights of `drawn_weights.lively`; values are
    48 taken evenly from all.
    """
    return json.loads((Path(__file__).parent / f"{backend}.json").read_text("utf-8"))


def shapes_of(backend: str, size: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a file. In the tables `{}` stands for one of the numbers beside it."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, kinds in told(backend)["sizes"][size].items():
        for shape, numbers in kinds.items():
            sides = tuple(int(side) for side in shape.split("x"))
            shapes |= dict.fromkeys((name.format(number) for number in _each(numbers)), sides)
    return shapes


def _each(numbers: str) -> list[int]:
    """`0-2 5` to 0, 1, 2, 5; nothing to one number, for names that have no place for it."""
    if not numbers:
        return [0]
    ends = [[int(end) for end in run.split("-")] for run in numbers.split()]
    return [number for end in ends for number in range(end[0], end[-1] + 1)]
