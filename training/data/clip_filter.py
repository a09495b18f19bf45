"""Which clips of data sets a recipe learns from; a setting, free of whatever reads data sets."""

from __future__ import annotations

import msgspec


class ClipFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which clips are learned from; the defaults keep every clip whose owner consents.

    `licences`: SPDX ids that are allowed, empty for all. `allow_non_commercial`: also clips whose
    source or annotations forbid commercial use. `min_width`, `min_height` in pixels.
    """

    licences: tuple[str, ...] = ()
    allow_non_commercial: bool = False
    without_consent: bool = False
    min_width: int = 1
    min_height: int = 1
    min_frames: int = 1
    max_frames: int = 4096
    min_layers: int = 0
    with_sketch: bool = False
    with_tracks: bool = False
