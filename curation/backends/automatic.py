"""How masks are made of a whole picture by prompts on a grid; SAM and SAM 2 share it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SamSettings:
    """Of the makers of masks, as published (`spec/curation.md` 1.3), but for `least_px`.

    `points`: per side of the grid; `batch`: prompts at a time. `quality`: least IoU that the
    network expects of its mask; None: .88 of SAM, .8 of SAM 2. `stability`: least IoU of the mask
    with its logits' threshold `offset` up and down. `overlap`: boxes above this IoU are one.
    `least_px`: masks, holes and islands below it go, at 512 pixels of width; cartoons need it.
    """

    points: int = 32
    batch: int = 64
    quality: float | None = None
    stability: float = 0.95
    offset: float = 1.0
    overlap: float = 0.7
    least_px: int = 150
