"""Leases on a shared folder, so that several machines work on one set without any server.

A lease is a file with its owner's name, made exclusively and touched while the work goes on; one
that was not touched for `expiry_s` may be taken over. After `spec/curation.md` 4.5.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from curation.run.clip_chain import ClipOutcome
from curation.run.engines import ClipWork
from curation.run.stage import ClipRef
from shared.errors import AcetateError

EXPIRY_S = 600.0
_POLL_S = 0.5


@dataclass(frozen=True)
class Leases:
    """The lease folder as one owner sees it. Ages are told by the folder's own clock: machines
    need not agree on the time.
    """

    folder: Path
    expiry_s: float = EXPIRY_S
    owner: str = field(default_factory=lambda: f"{os.uname().nodename}-{uuid.uuid4().hex[:8]}")

    @contextmanager
    def held(self, name: str) -> Iterator[bool]:
        """Whether the lease is ours; while the block runs it is kept alive, then given back."""
        path = self.folder / f"{name}.lease"
        if not (self._made(path) or (self._is_stale(path) and self._taken_over(path))):
            yield False
            return
        over = threading.Event()
        beat = threading.Thread(target=self._beat, args=(path, over), daemon=True)
        beat.start()
        try:
            yield True
        finally:
            over.set()
            beat.join()
            if self._is_ours(path):
                path.unlink(missing_ok=True)

    def _made(self, path: Path) -> bool:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x") as file:
                file.write(self.owner)
        except FileExistsError:
            return False
        except OSError as error:
            raise AcetateError("disk", detail=str(error)) from error
        return True

    def _is_stale(self, path: Path) -> bool:
        try:
            touched_s = path.stat().st_mtime
        except FileNotFoundError:
            return True
        return self._folder_time_s() - touched_s > self.expiry_s

    def _taken_over(self, path: Path) -> bool:
        """Move the stale lease away, which only one of several rivals can, then make our own."""
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return self._made(path)
        if self._folder_time_s() - aside.stat().st_mtime <= self.expiry_s:
            aside.rename(path)  # a rival had just taken it over: it is not stale any more
            return False
        aside.unlink(missing_ok=True)
        return self._made(path)

    def _is_ours(self, path: Path) -> bool:
        try:
            return path.read_text() == self.owner
        except OSError:
            return False

    def _folder_time_s(self) -> float:
        clock = self.folder / f".clock-{self.owner}"
        clock.touch()
        return clock.stat().st_mtime

    def _beat(self, path: Path, over: threading.Event) -> None:
        while not over.wait(self.expiry_s / 10):
            if not self._is_ours(path):
                return
            path.touch()


@dataclass(frozen=True)
class LeasedWork:
    """Work on clips under leases: one that another machine has is waited for, not done twice."""

    work: ClipWork
    leases: Leases

    def run(self, clip: ClipRef) -> ClipOutcome:
        """All stages of one clip, here or, by the time this returns, elsewhere."""
        while True:
            with self.leases.held(clip.clip_id) as ours:
                if ours:
                    return self.work.run(clip)
            time.sleep(_POLL_S)
