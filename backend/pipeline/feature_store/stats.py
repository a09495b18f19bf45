"""What the feature store counts, and the plain sentences about what went wrong with it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

MAX_NOTES = 16


@dataclass(frozen=True)
class TierStats:
    """One tier: look-ups it answered, entries it took, entries it threw out, bytes it holds."""

    hits: int = 0
    stored: int = 0
    evicted: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class StoreStats:
    """A snapshot. On a CPU device the host tier is the only tier in memory.

    `misses`: look-ups that no tier answered. `unwritten`: times that the disk was too slow, too
    full or not willing to take an entry. `notes`: one sentence per kind of problem.
    """

    device: TierStats = TierStats()
    host: TierStats = TierStats()
    disk: TierStats = TierStats()
    misses: int = 0
    unwritten: int = 0
    notes: tuple[str, ...] = ()

    @property
    def hits(self) -> int:
        """Look-ups that some tier answered."""
        return self.device.hits + self.host.hits + self.disk.hits


class Notes:
    """Sentences about problems, each once; may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: list[str] = []
        self._told = 0

    def add(self, text: str) -> None:
        """Keep the sentence unless it is there, or there are `MAX_NOTES` already."""
        with self._lock:
            if text not in self._texts and len(self._texts) < MAX_NOTES:
                self._texts.append(text)

    def news(self) -> tuple[str, ...]:
        """The sentences since the last call."""
        with self._lock:
            fresh = tuple(self._texts[self._told :])
            self._told = len(self._texts)
        return fresh

    def all(self) -> tuple[str, ...]:
        """All sentences so far, in order."""
        with self._lock:
            return tuple(self._texts)
