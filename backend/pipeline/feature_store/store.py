"""The feature store itself: looks a key up tier by tier, keeps what fits; for the sampler.

Device (CUDA or MPS only) -> host memory -> disk. What falls out of one tier goes to the next; a hit
further down is brought up again, and its lower copy stays, so that going down again is free. On a
CPU device the host tier is the only one in memory. One thread calls it; disk work has its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from backend.pipeline.feature_store.budget import StoreBudget
from backend.pipeline.feature_store.contract import NoStore, TensorStore, check_key
from backend.pipeline.feature_store.disk import DiskTier
from backend.pipeline.feature_store.entry import Entry, check_tensors, own_copy
from backend.pipeline.feature_store.recency import RecencyTier
from backend.pipeline.feature_store.stats import Notes, StoreStats, TierStats
from backend.pipeline.feature_store.transfer import Transfers
from backend.pipeline.feature_store.writer import DiskWriter

CHANGED_NOTE = "tensors of the feature store were written into; they are computed again"
MAX_AHEAD = 32
"""Files that `prefetch` has in the queue at a time: about four steps of four layers."""
_STAGING_SHARE = 4
_MAX_STAGING_BYTES = 2 * 10**9


def open_store(budget: StoreBudget) -> TensorStore:
    """A store of this budget, or one that keeps nothing where the budget is all zeros."""
    return NoStore() if budget.is_empty else FeatureStore(budget)


class FeatureStore:
    """See `TensorStore` for what each method promises.

    A quarter of the device's bytes, at most 2 GB, holds what `prefetch` has brought ahead of its
    use; that is enough for the next step of four layers in half precision (0.73 GB).
    """

    def __init__(self, budget: StoreBudget) -> None:
        self.budget = budget
        staging_bytes = min(budget.device_bytes // _STAGING_SHARE, _MAX_STAGING_BYTES)
        self._notes = Notes()
        self._lock = threading.RLock()
        self._on_device = RecencyTier(budget.device_bytes - staging_bytes)
        self._ahead = RecencyTier(staging_bytes)
        self._in_memory = RecencyTier(budget.host_bytes)
        self._transfers = Transfers(self._notes)
        self._announced: frozenset[str] = frozenset()
        self._misses = 0
        self._reads: dict[str, Future[None]] = {}
        self._disk: DiskTier | None = None
        self._writer: DiskWriter | None = None
        self._reader: ThreadPoolExecutor | None = None
        if budget.uses_disk and budget.folder is not None:
            self._disk = DiskTier(budget, budget.folder, self._notes)
            self._writer = DiskWriter(self._disk)
            self._reader = ThreadPoolExecutor(1, thread_name_prefix="feature-reader")

    @property
    def stats(self) -> StoreStats:
        """Counters and problems so far."""
        with self._lock:
            return StoreStats(
                device=_joined(self._on_device.stats(), self._ahead.stats()),
                host=self._in_memory.stats(),
                disk=self._disk.stats() if self._disk else TierStats(),
                misses=self._misses,
                unwritten=self._writer.unwritten if self._writer else 0,
                notes=self._notes.all(),
            )

    def announce(self, keys: Iterable[str]) -> None:
        """Say which keys the coming run asks for; nothing else pushes these out."""
        announced = frozenset(keys)
        for key in announced:
            check_key(key)
        with self._lock:
            self._announced = announced
        if self._writer:
            self._writer.spare(announced)

    def put(self, key: str, tensors: Sequence[Tensor]) -> None:
        """Keep a copy, as far as it fits."""
        check_key(key)
        nbytes = check_tensors(tensors)
        with self._lock:
            if not self._can_hold(nbytes):
                return
            self._drop(key)
            if tensors[0].device.type in ("cpu", "meta"):
                if self._has_use_in_memory(nbytes):
                    self._keep_in_memory(key, own_copy(tensors))
                return
            entry = own_copy(tensors)
            is_kept = self._keep_on_device(key, entry)
            if self._writer or (not is_kept and self._has_use_in_memory(nbytes)):
                self._keep_in_memory(key, self._transfers.lower(entry))

    def get(self, key: str, device: torch.device) -> tuple[Tensor, ...] | None:
        """The tensors of `key` on `device`, or None."""
        check_key(key)
        device = _exact(device)
        with self._lock:
            entry = self._find_on_device(key, device)
            if entry is not None:
                return self._transfers.hand_over(entry)
            reading = self._reads.get(key)
        if reading is not None:
            reading.result()
        with self._lock:
            entry = self._find_elsewhere(key)
            if entry is None or (entry.device.type == "meta") != (device.type == "meta"):
                self._misses += 1
                return None
            return self._brought_up(key, entry, device)

    def prefetch(self, keys: Sequence[str], device: torch.device) -> None:
        """Start host -> device copies on a side stream (CUDA), and disk reads in a thread."""
        for key in keys:
            check_key(key)
        device = _exact(device)
        with self._lock:
            for key in keys:
                if key in self._on_device or key in self._ahead:
                    continue
                if (entry := self._sound(self._in_memory, key)) is not None:
                    if device.type == "cuda" and entry.device.type == "cpu":
                        self._stage(key, entry, device, spared=frozenset(keys))
                elif self._reader and self.budget.host_bytes and len(self._reads) < MAX_AHEAD:
                    self._read_ahead(key)

    def news(self) -> tuple[str, ...]:
        """Problems that no call has told yet."""
        return self._notes.news()

    def close(self) -> None:
        """Finish pending disk writes; later calls still work, without the disk."""
        with self._lock:
            reader, self._reader = self._reader, None
        if reader:
            reader.shutdown(wait=True, cancel_futures=True)
            self._reads.clear()
        if self._writer:
            self._writer.close()

    def _can_hold(self, nbytes: int) -> bool:
        budget = self.budget
        largest = max(self._on_device.budget_bytes, budget.host_bytes, budget.disk_bytes)
        return 0 < nbytes <= largest

    def _has_use_in_memory(self, nbytes: int) -> bool:
        """Whether an entry in host memory would be kept, or at least go on to the disk."""
        return self._writer is not None or self._in_memory.has_room(nbytes, self._announced)

    def _drop(self, key: str) -> None:
        for tier in (self._on_device, self._ahead, self._in_memory):
            tier.drop(key)

    def _sound(self, tier: RecencyTier, key: str) -> Entry | None:
        """An entry of a tier in memory, unless somebody has written into it."""
        entry = tier.get(key)
        if entry is None or entry.is_intact:
            return entry
        self._notes.add(CHANGED_NOTE)
        tier.drop(key)
        return None

    def _find_on_device(self, key: str, device: torch.device) -> Entry | None:
        for tier in (self._on_device, self._ahead):
            entry = self._sound(tier, key)
            if entry is None or entry.device != device:
                continue
            tier.count_hit()
            if tier is self._ahead:
                tier.drop(key)
                self._keep_on_device(key, entry)
            return entry
        return None

    def _find_elsewhere(self, key: str) -> Entry | None:
        """In host memory, on another device, or on the disk."""
        if (entry := self._sound(self._in_memory, key) or self._waiting(key)) is not None:
            self._in_memory.count_hit()
        elif (entry := self._sound(self._on_device, key)) is not None:
            self._on_device.count_hit()
        else:
            entry = self._read(key)
        return entry

    def _waiting(self, key: str) -> Entry | None:
        entry = self._writer.find(key) if self._writer else None
        return entry if entry is not None and entry.is_intact else None

    def _read(self, key: str) -> Entry | None:
        entry = self._disk.read(key) if self._disk else None
        if entry is not None and self._disk:
            self._disk.count_hit()
            self._keep_in_memory(key, entry, is_on_disk=True)
        return entry

    def _brought_up(self, key: str, entry: Entry, device: torch.device) -> tuple[Tensor, ...]:
        if entry.device == device:
            return self._transfers.hand_over(entry)
        if device.type == "cpu":
            return self._transfers.hand_over(self._transfers.lower(entry))
        lifted = self._transfers.lift(entry, device)
        self._keep_on_device(key, lifted)
        return self._transfers.hand_over(lifted)

    def _keep_on_device(self, key: str, entry: Entry) -> bool:
        taken = self._on_device.put(key, entry, self._announced)
        for other, evicted in taken.evicted:
            if other not in self._in_memory and evicted.is_intact:
                self._keep_in_memory(other, self._transfers.lower(evicted))
        return taken.is_kept

    def _keep_in_memory(self, key: str, entry: Entry, *, is_on_disk: bool = False) -> None:
        taken = self._in_memory.put(key, entry, self._announced)
        if self._writer is None:
            return
        for other, evicted in taken.evicted:
            if evicted.device.type == "cpu" and evicted.is_intact:
                self._writer.let_go(other, evicted)
        if not is_on_disk and entry.device.type == "cpu":
            self._writer.add(key, entry, is_held=taken.is_kept)

    def _stage(self, key: str, entry: Entry, device: torch.device, spared: frozenset[str]) -> None:
        """Copy ahead of use, if the staging room is not full of what this call wants anyway."""
        if self._ahead.has_room(entry.nbytes, spared):
            self._ahead.put(key, self._transfers.lift(entry, device, is_ahead=True), spared)

    def _read_ahead(self, key: str) -> None:
        if self._reader and key not in self._reads:
            self._reads[key] = self._reader.submit(self._fetch, key)

    def _fetch(self, key: str) -> None:
        """In the reader's thread: disk to host memory."""
        entry = None
        try:
            entry = self._disk.read(key) if self._disk else None
        finally:
            with self._lock:
                if entry is not None and key not in self._in_memory:
                    self._keep_in_memory(key, entry, is_on_disk=True)
                self._reads.pop(key, None)


def _exact(device: torch.device) -> torch.device:
    """With its index, as tensors tell it: "cuda" becomes "cuda:0"."""
    return device if device.index is not None else torch.empty(0, device=device).device


def _joined(first: TierStats, second: TierStats) -> TierStats:
    return TierStats(
        hits=first.hits + second.hits,
        stored=first.stored + second.stored,
        evicted=first.evicted + second.evicted,
        bytes=first.bytes + second.bytes,
    )
