"""Writes entries to the disk tier behind the sampler's back; the store hands them over."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from backend.pipeline.feature_store.disk import DiskTier
from backend.pipeline.feature_store.entry import Entry

LOOSE_BYTES = 10**9
"""Memory that waiting entries may hold which no tier holds any more: about one sampling step."""


@dataclass(frozen=True)
class _Waiting:
    entry: Entry
    is_held: bool


class DiskWriter:
    """A queue and its thread. What waits in the host tier as well costs no memory of its own.

    `add` never blocks: once the disk is so far behind that `LOOSE_BYTES` wait on their own, further
    entries are dropped and counted.
    """

    def __init__(self, disk: DiskTier, loose_limit_bytes: int = LOOSE_BYTES) -> None:
        self._disk = disk
        self._loose_limit_bytes = loose_limit_bytes
        self._loose_bytes = 0
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._spared: AbstractSet[str] = frozenset()
        self._changed = threading.Condition()
        self._is_closing = False
        self._unwritten = 0
        self._thread = threading.Thread(target=self._work, name="feature-writer", daemon=True)
        self._thread.start()

    @property
    def unwritten(self) -> int:
        """Entries that did not get to the disk."""
        return self._unwritten

    def spare(self, keys: AbstractSet[str]) -> None:
        """From now on, throw out no files of these keys."""
        self._spared = keys

    def add(self, key: str, entry: Entry, *, is_held: bool) -> None:
        """Write this soon. `is_held`: the host tier holds it meanwhile."""
        with self._changed:
            self._forget(key)
            if self._is_closing or not (is_held or self._fits(entry)):
                self._unwritten += 1
                return
            self._waiting[key] = _Waiting(entry, is_held)
            self._loose_bytes += 0 if is_held else entry.nbytes
            self._changed.notify()

    def let_go(self, key: str, entry: Entry) -> None:
        """The host tier has thrown this out: write it, unless it is on the disk already."""
        with self._changed:
            waits = key in self._waiting
        if waits or not self._disk.has(key):
            self.add(key, entry, is_held=False)

    def find(self, key: str) -> Entry | None:
        """An entry that still waits."""
        with self._changed:
            waiting = self._waiting.get(key)
        return waiting.entry if waiting else None

    def close(self) -> None:
        """Write what waits, then end the thread."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def _fits(self, entry: Entry) -> bool:
        return self._loose_bytes + entry.nbytes <= self._loose_limit_bytes

    def _forget(self, key: str) -> None:
        waiting = self._waiting.pop(key, None)
        if waiting is not None and not waiting.is_held:
            self._loose_bytes -= waiting.entry.nbytes

    def _work(self) -> None:
        self._disk.tidy()
        while (task := self._next()) is not None:
            key, entry = task
            if entry.ready is not None:
                entry.ready.synchronize()
            is_written = entry.is_intact and self._disk.write(key, entry, self._spared)
            with self._changed:
                # Another entry may have come under this key meanwhile; it keeps its place.
                if (waiting := self._waiting.get(key)) is not None and waiting.entry is entry:
                    self._forget(key)
                self._unwritten += not is_written
        self._disk.tidy()

    def _next(self) -> tuple[str, Entry] | None:
        """The entry that waits longest, which stays findable; None when it is time to end."""
        with self._changed:
            while not self._waiting:
                if self._is_closing:
                    return None
                self._changed.wait()
            key, waiting = next(iter(self._waiting.items()))
            return key, waiting.entry
