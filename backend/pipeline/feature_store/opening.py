"""Opens the one feature store of a process when a model first needs it; for workers and the CLI."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from backend.pipeline.feature_store.budget import (
    FOLDER_NAME,
    StoreBudget,
    default_budget,
    default_host_bytes,
)
from backend.pipeline.feature_store.contract import NoStore

if TYPE_CHECKING:
    from backend.pipeline.feature_store.contract import TensorStore

log = logging.getLogger("acetate.features")

DEVICE_SHARE = 0.4
"""Of the device memory that sampling does not need: a whole run on a card of 140 GB, the coming
step on one of 24 GB, nothing on smaller ones.
"""


class StoreOpener:
    """Call it with a device's name for the process's store; torch is loaded at the first call.

    A later call with another device gives the same store, which then serves both. `vram_bytes` is
    all that the process may take of its device, model and store together (None: what is free).
    """

    def __init__(
        self,
        budget: StoreBudget,
        *,
        device_share: float = DEVICE_SHARE,
        vram_bytes: int | None = None,
    ) -> None:
        self._budget = budget
        self._device_share = device_share
        self._vram_bytes = vram_bytes
        self._store: TensorStore | None = None

    def __call__(self, device: str) -> TensorStore:
        """The store; one that keeps nothing where the budget is empty."""
        if self._store is None:
            self._store = self._opened(device)
        return self._store

    def close(self) -> None:
        """Finish the store's pending disk writes, if it was opened."""
        if self._store is not None:
            self._store.close()

    def _opened(self, device: str) -> TensorStore:
        if self._budget.is_empty:
            return NoStore()
        import torch

        from backend.pipeline.feature_store.store import open_store

        budget = default_budget(
            torch.device(device),
            self._budget.folder,
            device_share=self._device_share,
            host_bytes=self._budget.host_bytes,
            disk_bytes=self._budget.disk_bytes,
            vram_bytes=self._vram_bytes,
        )
        log.info("features are kept on %s: %s", device, budget)
        return open_store(budget)


def budget_in(data_dir: Path, *, host_bytes: int | None = None, disk_bytes: int = 0) -> StoreBudget:
    """A budget whose disk tier is the feature folder of a data folder.

    `host_bytes` None takes `default_host_bytes`.
    """
    return StoreBudget(
        host_bytes=default_host_bytes() if host_bytes is None else host_bytes,
        disk_bytes=disk_bytes,
        folder=data_dir / FOLDER_NAME,
    )
