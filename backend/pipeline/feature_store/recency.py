"""Entries in memory under a byte budget; the one unused for longest goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from backend.pipeline.feature_store.entry import Entry
from backend.pipeline.feature_store.stats import TierStats


@dataclass(frozen=True)
class Taken:
    """What became of an entry: `is_kept`, and the (key, entry) pairs that had to leave for it."""

    is_kept: bool
    evicted: tuple[tuple[str, Entry], ...] = ()


class RecencyTier:
    """A dictionary with a budget. Not safe between threads: its owner holds a lock."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._bytes = 0
        self._hits = self._stored = self._evicted = 0

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def get(self, key: str) -> Entry | None:
        """The entry, which now counts as the latest used."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def count_hit(self) -> None:
        """A look-up was answered from here."""
        self._hits += 1

    def put(self, key: str, entry: Entry, spared: AbstractSet[str] = frozenset()) -> Taken:
        """Take an entry in, unless that needs more than all entries that are not `spared`."""
        self.drop(key)
        victims = self._victims(entry.nbytes, spared)
        if victims is None:
            return Taken(is_kept=False)
        evicted = tuple((victim, self._entries[victim]) for victim in victims)
        for victim in victims:
            self.drop(victim)
        self._entries[key] = entry
        self._bytes += entry.nbytes
        self._stored += 1
        self._evicted += len(evicted)
        return Taken(is_kept=True, evicted=evicted)

    def has_room(self, nbytes: int, spared: AbstractSet[str]) -> bool:
        """Whether `put` would take so many bytes."""
        return self._victims(nbytes, spared) is not None

    def drop(self, key: str) -> None:
        """Forget an entry, if it is here."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.nbytes

    def _victims(self, nbytes: int, spared: AbstractSet[str]) -> list[str] | None:
        """Who must leave for so many bytes, longest unused first; None where that is no use."""
        victims: list[str] = []
        room = self.budget_bytes - self._bytes
        for key, held in self._entries.items():
            if room >= nbytes:
                break
            if key not in spared:
                victims.append(key)
                room += held.nbytes
        return victims if room >= nbytes else None

    def stats(self) -> TierStats:
        """Counters so far."""
        return TierStats(self._hits, self._stored, self._evicted, self._bytes)
