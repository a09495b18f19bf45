"""What the review page knows of a clip; plain data that goes into the page as JSON."""

from __future__ import annotations

import msgspec


class ReviewElement(msgspec.Struct, frozen=True):
    """An element: its motion score in the run's units, and its mean share of the picture 0..1."""

    name: str
    score: float
    area: float


class ReviewCard(msgspec.Struct, frozen=True, kw_only=True):
    """One clip on the page.

    `state`: selected, refused or failed; `reasons`: codes why it is not selected. `hold`: mean
    frames that a drawing stays. `survival`: share of tracks that last, or None without tracks.
    `layers`: the layers' scores, lowest layer first.
    `sheet`, `loop`: files beside the page; empty where there are none.
    """

    clip_id: str
    title: str
    source: str
    licence: str
    state: str
    reasons: list[str]
    detail: str = ""
    fps: float = 0.0
    frames: int = 0
    hold: float = 1.0
    survival: float | None = None
    caption: str = ""
    nc_tainted: bool = False
    elements: list[ReviewElement] = []
    layers: list[float] = []
    sheet: str = ""
    loop: str = ""


class MergeSettings(msgspec.Struct, frozen=True):
    """How elements were merged into layers: threshold `eta`, and at most `capacity` layers."""

    eta: float = 1.0
    capacity: int = 4
