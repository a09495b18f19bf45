"""Leases on a shared folder, so that several machines work on one set without any server.

A lease is a file with its owner's name, made exclusively and touched while the work goes on; one
that was not touched for `expiry_s` may be taken over, by one rival: each stale lease can be claimed
once, by a file that is named after it. After `spec/curation.md` 4.5.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from curation.run.clip_chain import ClipOutcome
from curation.run.engines import ClipWork, Engine
from curation.run.stage import ClipRef
from shared.errors import AcetateError

EXPIRY_S = 600.0
_POLL_S = 0.5
_MOST_CLAIMS = 100


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
        path = self._path(name)
        if not (self._made(path) or self._taken_over(path)):
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

    def is_free(self, name: str) -> bool:
        """Whether nobody has the lease just now; by the time it is asked for, somebody may."""
        path = self._path(name)
        return not path.exists() or self._stale(path) is not None

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.lease"

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

    def _stale(self, path: Path) -> str | None:
        """A stale lease's own name, by its owner and its last touch; None where it is not stale."""
        try:
            owner, touched_ns = path.read_text(), path.stat().st_mtime_ns
        except OSError:
            return None  # given back just now
        if self._folder_time_s() - touched_ns / 1e9 <= self.expiry_s:
            return None
        return hashlib.sha256(f"{path.name} {owner} {touched_ns}".encode()).hexdigest()[:24]

    def _taken_over(self, path: Path) -> bool:
        """Put our name over a stale lease, which only who makes its claim may do.

        A rival that looked earlier and comes later finds the claim, or another lease: nobody ever
        touches one that is alive.
        """
        stale = self._stale(path)
        claim = self._claimed(stale) if stale else None
        if claim is None:
            return False
        try:
            if self._stale(path) != stale:
                return False
            ours = claim.with_suffix(".ours")
            ours.write_text(self.owner)
            ours.replace(path)
        except OSError as error:
            raise AcetateError("disk", detail=str(error)) from error
        finally:
            for old in self.folder.glob(f".{stale}-*"):
                old.unlink(missing_ok=True)
        return True

    def _claimed(self, stale: str) -> Path | None:
        """The claim on a stale lease if nobody else has it; a dead rival's counts no longer."""
        for number in range(_MOST_CLAIMS):
            claim = self.folder / f".{stale}-{number}.claim"
            if self._made(claim):
                return claim
            if not self._stale(claim):
                return None
        return None

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
            # given back by whoever took it over, or a share that is away for a moment
            with contextlib.suppress(OSError):
                os.utime(path)  # never `touch`, which would make the file anew


@dataclass(frozen=True)
class LeasedWork:
    """Work on clips under leases: one that another machine has is left alone for now."""

    work: ClipWork
    leases: Leases

    def run(self, clip: ClipRef) -> ClipOutcome:
        """All stages of one clip, or an outcome in the state `taken`: it has to be asked again."""
        with self.leases.held(clip.clip_id) as ours:
            if ours:
                return self.work.run(clip)
        return ClipOutcome(clip.clip_id, "taken", {}, {})


@dataclass(frozen=True)
class SharedEngine:
    """An engine among other machines: goes on with other clips where one is taken, and comes back.

    A clip that another machine has finished meanwhile is only read: its units are there.
    """

    engine: Engine
    leases: Leases

    def map(self, work: ClipWork, clips: Sequence[ClipRef]) -> Iterator[ClipOutcome]:
        """Outcomes as they come, one per clip."""
        leased = LeasedWork(work, self.leases)
        left = {clip.clip_id: clip for clip in clips}
        while left:
            free = [clip for clip in left.values() if self.leases.is_free(clip.clip_id)]
            for outcome in self.engine.map(leased, free) if free else ():
                if outcome.state != "taken":
                    del left[outcome.clip_id]
                    yield outcome
            if left:
                time.sleep(_POLL_S)
