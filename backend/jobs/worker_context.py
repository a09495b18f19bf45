"""What a job in a worker process sees of the server: the `RunContext` that speaks to its link."""

from __future__ import annotations

import time

import numpy as np

from backend.jobs.eta import EtaMeter
from backend.jobs.worker_link import WorkerLink
from backend.jobs.worker_messages import Advanced, Previewed
from shared.errors import AcetateError
from shared.pictures import encode_png

REPORT_EVERY_S = 0.05
PREVIEW_EVERY_S = 0.25
MAX_PREVIEW_PX = 1024


class WorkerContext:
    """The `RunContext` of a job in a worker: conflates reports, throttles previews, obeys stops."""

    def __init__(self, link: WorkerLink, lease: str, device: str) -> None:
        self.device = device
        self._link = link
        self._lease = lease
        self._eta = EtaMeter()
        self._stage = ""
        self._reported_s = self._shown_s = -1.0

    def report(self, stage: str, step: int, steps: int) -> None:
        """Pass on the first and last step of a stage, and between them 20 a second at most."""
        now = time.monotonic()
        eta_s = self._eta.note(stage, step, steps, now)
        if stage == self._stage and step < steps and now - self._reported_s < REPORT_EVERY_S:
            return
        self._stage, self._reported_s = stage, now
        self._link.send(
            Advanced(lease=self._lease, stage=stage[:64], step=step, steps=steps, eta_s=eta_s)
        )

    def check(self) -> None:
        """Raise `cancelled` once the server said stop."""
        if self._link.stop.is_set():
            raise AcetateError("cancelled")

    def preview(self, pixels: np.ndarray) -> None:
        """Send a picture, at most four a second, thinned out to at most 1024 pixels a side."""
        now = time.monotonic()
        if now - self._shown_s < PREVIEW_EVERY_S:
            return
        self._shown_s = now
        stride = -(-max(pixels.shape[:2]) // MAX_PREVIEW_PX)
        small = np.ascontiguousarray(pixels[::stride, ::stride])  # [h, w, 4]
        self._link.send(Previewed(lease=self._lease), encode_png(small))
