"""What a running job may ask of whoever runs it: report, preview, and whether to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from shared.errors import AcetateError


class RunContext(Protocol):
    """Passed to every stage. Implementations must be cheap: stages call them after every step."""

    @property
    def device(self) -> str:
        """Torch device string for models, such as `cpu`, `cuda:1` or `mps`."""
        ...

    def report(self, stage: str, step: int, steps: int) -> None:
        """Progress inside one stage: `step` of `steps` are done."""
        ...

    def check(self) -> None:
        """Raise `AcetateError("cancelled")` once the job was cancelled."""
        ...

    def preview(self, pixels: np.ndarray) -> None:
        """Offer a small picture of the state so far: uint8 [h, w, 4], straight alpha."""
        ...


def _ignore_progress(stage: str, step: int, steps: int) -> None:
    del stage, step, steps


def _ignore_preview(pixels: np.ndarray) -> None:
    del pixels


@dataclass
class LocalContext:
    """A context for runs in this process: callbacks for progress and previews, a cancel flag."""

    device: str = "cpu"
    on_progress: Callable[[str, int, int], None] = _ignore_progress
    on_preview: Callable[[np.ndarray], None] = _ignore_preview
    cancelled: Callable[[], bool] = field(default=lambda: False)

    def report(self, stage: str, step: int, steps: int) -> None:
        """Forward to `on_progress`."""
        self.on_progress(stage, step, steps)

    def check(self) -> None:
        """Raise `cancelled` once the flag is up."""
        if self.cancelled():
            raise AcetateError("cancelled")

    def preview(self, pixels: np.ndarray) -> None:
        """Forward to `on_preview`."""
        self.on_preview(pixels)
