"""The feature store's tier on disk: one file per key in a folder that several processes may share.

Nobody owns the folder: every process counts what lies there and throws out what was unused for
longest. A file appears under its name whole, and its digest is checked whenever it is read, so
neither a kill nor a race can give wrong tensors. Nothing here raises for what a disk does.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import threading
import time
from collections.abc import Set as AbstractSet
from pathlib import Path

from backend.pipeline.feature_store.budget import StoreBudget
from backend.pipeline.feature_store.entry import Entry
from backend.pipeline.feature_store.folder import (
    StoredFile,
    part_of,
    path_of,
    stored_files,
)
from backend.pipeline.feature_store.record import (
    DamagedFileError,
    read_record,
    record_bytes,
    write_record,
)
from backend.pipeline.feature_store.stats import Notes, TierStats

FULL_NOTE = "the feature store's disk is full; it goes on without it"
UNWRITABLE_NOTE = "the feature store's folder cannot be written; it goes on without it"
UNREADABLE_NOTE = "a file of the feature store cannot be read; its tensors are computed again"
DAMAGED_NOTE = "a damaged file of the feature store was removed; its tensors are computed again"
RETRY_S = 60.0
"""Pause after the disk refused a file: someone may make room, but not within a step."""
_SURVEY_SHARE = 0.05
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

log = logging.getLogger("acetate.features")


class DiskTier:
    """Files under `budget.folder`. `read` may be called from any thread, `write` from one."""

    def __init__(self, budget: StoreBudget, folder: Path, notes: Notes) -> None:
        self._budget = budget
        self._folder = folder
        self._notes = notes
        self._count = threading.Lock()
        self._hits = self._stored = self._evicted = 0
        self._total_bytes = 0
        self._survey_due_s = 0.0
        self._paused_until_s = 0.0

    def has(self, key: str) -> bool:
        """Whether there is a file of this key, sound or not."""
        return os.path.isfile(path_of(self._folder, key))  # unlike Path.is_file, never raises

    def read(self, key: str) -> Entry | None:
        """The entry, which now counts as the latest used. A damaged file is removed and noted."""
        path = path_of(self._folder, key)
        try:
            entry = read_record(path, key, self._budget.disk_bytes)
            os.utime(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except DamagedFileError as error:
            log.warning("%s is removed: %s", path, error)
            self._notes.add(DAMAGED_NOTE)
            with contextlib.suppress(OSError):  # its place may be read-only, too
                path.unlink()
            return None
        except OSError as error:
            log.warning("%s cannot be read: %s", path, error)
            self._notes.add(UNREADABLE_NOTE)
            return None
        return entry

    def count_hit(self) -> None:
        """A look-up was answered from here."""
        with self._count:
            self._hits += 1

    def write(self, key: str, entry: Entry, spared: AbstractSet[str] = frozenset()) -> bool:
        """Write an entry unless it is there; False where the disk does not take it.

        Files of `spared` keys are not thrown out for it.
        """
        if time.monotonic() < self._paused_until_s:
            return False
        path = path_of(self._folder, key)
        try:
            if self.has(key):
                os.utime(path)
                return True
            path.parent.mkdir(parents=True, exist_ok=True)
            if not self._make_room(record_bytes(key, entry), spared):
                return False
            is_whole = self._write_whole(path, key, entry)
        except OSError as error:
            self._refused(error)
            return False
        if is_whole:
            self._total_bytes += record_bytes(key, entry)
            with self._count:
                self._stored += 1
        return is_whole

    def tidy(self) -> None:
        """Remove leftovers, and whatever the folder holds beyond its budget."""
        try:
            self._survey_due_s = 0.0
            self._make_room(0, frozenset())
        except OSError as error:
            self._refused(error)

    def stats(self) -> TierStats:
        """Counters of this process, and the bytes that it believes are in the folder."""
        with self._count:
            return TierStats(self._hits, self._stored, self._evicted, self._total_bytes)

    def _write_whole(self, path: Path, key: str, entry: Entry) -> bool:
        """Write under another name, then rename. False where the tensors changed meanwhile."""
        part = part_of(path)
        try:
            with part.open("xb") as file:
                write_record(file, key, entry)
            if not entry.is_intact:
                part.unlink()
                return False
            os.replace(part, path)
        except FileNotFoundError:
            return False  # the folder was removed under our hands; the next write makes it anew
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        return True

    def _make_room(self, wanted_bytes: int, spared: AbstractSet[str]) -> bool:
        """Throw out what was unused for longest until `wanted_bytes` more fit.

        Counting the folder costs time that grows with it, so it happens at most during a
        twentieth of the time, and whenever something has to go.
        """
        now = time.monotonic()
        limit = self._limit_bytes()
        if now < self._survey_due_s and self._total_bytes + wanted_bytes <= limit:
            return True
        files = stored_files(self._folder, is_cleaning=True)
        self._total_bytes = sum(file.size_bytes for file in files)
        limit = self._limit_bytes()
        for file in files:
            if self._total_bytes + wanted_bytes <= limit:
                break
            if file.key and file.key not in spared:
                self._evict(file)
        self._survey_due_s = time.monotonic() + (time.monotonic() - now) / _SURVEY_SHARE
        fits = self._total_bytes + wanted_bytes <= limit
        if not fits and limit < self._budget.disk_bytes:
            self._notes.add(FULL_NOTE)
        return fits

    def _limit_bytes(self) -> int:
        """The budget, or less where other things on this disk need the room."""
        place = next((p for p in (self._folder, *self._folder.parents) if p.is_dir()), Path())
        free = shutil.disk_usage(place).free - self._budget.reserve_bytes
        return min(self._budget.disk_bytes, self._total_bytes + free)

    def _evict(self, file: StoredFile) -> None:
        # Another process may have been faster; then its bytes are gone all the same.
        with contextlib.suppress(FileNotFoundError):
            file.path.unlink()
            with self._count:
                self._evicted += 1
        self._total_bytes -= file.size_bytes

    def _refused(self, error: OSError) -> None:
        log.warning("the feature store cannot write: %s", error)
        self._notes.add(FULL_NOTE if error.errno in _FULL else UNWRITABLE_NOTE)
        self._paused_until_s = time.monotonic() + RETRY_S
