"""What every source of layered clips offers; recipes' sample sources are built on top of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from curation.dataset.clip import LayeredClip


class ClipSource(Protocol):
    """Layered clips by index. Picklable: the loader's processes each hold a copy."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that the clips depend on; equal fingerprints give equal clips."""
        ...

    def __len__(self) -> int:
        """Number of clips."""
        ...

    def frame_count(self, index: int) -> int:
        """Frames of clip `index`, known without decoding it."""
        ...

    def clip(self, index: int, frames: Sequence[int] | None = None) -> LayeredClip:
        """Clip `index`, or only its frames `frames` in that order (0-based, repeats allowed).

        Frames, labels, tracks and sketch are cut alike; `flow` is then None unless all frames were
        asked for, since it holds between neighbours only. `score_scale` and `fps` stay those of
        the whole clip. Raises `AcetateError` for a damaged or missing clip; never another one.
        """
        ...
