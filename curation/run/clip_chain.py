"""Takes one clip through the chain, skipping what is done; the unit that engines hand around."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from curation.run.stage import ClipRef, ClipRefusedError, Product, Stage
from curation.run.unit_keys import chain_keys
from curation.run.work_store import DoneNote, WorkStore
from shared.errors import AcetateError

RETRIES = 2
"""How often a unit that failed is tried again before its clip counts as failed."""

State = Literal["done", "refused", "failed", "taken"]
"""`taken`: another machine works on the clip just now; no run ends with such an outcome."""


class ClipOutcome(msgspec.Struct, frozen=True):
    """How a clip came out. `keys`: of the finished units, by stage; `ran`: stages that worked now.

    `stage`, `reason`, `detail`: where and why it was refused or failed. `seconds`: CPU time by
    stage of what ran now; it is in no manifest.
    """

    clip_id: str
    state: State
    keys: dict[str, str]
    contents: dict[str, str]
    ran: tuple[str, ...] = ()
    stage: str = ""
    reason: str = ""
    detail: str = ""
    seconds: dict[str, float] = {}


@dataclass(frozen=True)
class ClipChain:
    """Stages and where their work is kept; can be sent to another process."""

    stages: tuple[Stage, ...]
    work: Path

    def run(self, clip: ClipRef) -> ClipOutcome:
        """All stages of one clip. A stage's failure is an outcome; only `disk` is raised."""
        return _Passage(self.stages, WorkStore(self.work), clip).through()


class _Passage:
    """One clip on its way; products are read only when a stage that must run needs them."""

    def __init__(self, stages: Sequence[Stage], store: WorkStore, clip: ClipRef) -> None:
        self._stages = stages
        self._store = store
        self._clip = clip
        self._keys = chain_keys(stages, clip)
        self._notes: dict[str, DoneNote] = {}
        self._products: dict[str, Product] = {}
        self._ran: list[str] = []
        self._seconds: dict[str, float] = {}

    def through(self) -> ClipOutcome:
        for stage in self._stages:
            try:
                note = self._finished(stage)
            except AcetateError as error:
                if error.name == "disk":
                    raise
                return self._outcome("failed", stage, error.name, str(error))
            except Exception:  # noqa: BLE001 - a stage's bug fails its clip, not the run
                return self._outcome("failed", stage, "crash", traceback.format_exc(limit=8))
            self._notes[stage.name] = note
            if note.refused:
                return self._outcome("refused", stage, note.refused, note.detail)
        return self._outcome("done")

    def _finished(self, stage: Stage) -> DoneNote:
        name = stage.name
        note = self._store.note(name, self._clip.clip_id, self._keys[name])
        return note if note is not None else self._made(stage)

    def _made(self, stage: Stage) -> DoneNote:
        started_s = time.process_time()
        self._ran.append(stage.name)
        clip_id, key = self._clip.clip_id, self._keys[stage.name]
        try:
            product = self._tried(stage)
        except ClipRefusedError as refusal:
            return self._store.refuse(stage.name, clip_id, key, refusal.reason, refusal.detail)
        finally:
            self._seconds[stage.name] = round(time.process_time() - started_s, 3)
        self._products[stage.name] = product
        return self._store.put(stage.name, clip_id, key, product)

    def _tried(self, stage: Stage) -> Product:
        """The stage's product; another try or two where it crashed, none where it knows why."""
        for attempt in range(RETRIES + 1):
            try:
                return stage.work(self._clip, self._needed(stage))
            except (AcetateError, ClipRefusedError):
                raise
            except Exception:
                if attempt == RETRIES:
                    raise
        raise AssertionError("unreachable")

    def _needed(self, stage: Stage) -> Mapping[str, Product]:
        for name in stage.needs:
            if name not in self._products:
                self._products[name] = self._read(name)
        return {name: self._products[name] for name in stage.needs}

    def _read(self, name: str) -> Product:
        """A unit of an earlier run; where its file was spoilt, it is made again."""
        try:
            return self._store.product(name, self._clip.clip_id, self._notes[name])
        except AcetateError as error:
            if error.name != "damaged_unit":
                raise
        self._store.drop(name, self._clip.clip_id)
        stage = next(stage for stage in self._stages if stage.name == name)
        note = self._notes[name] = self._made(stage)
        if note.refused:
            raise ClipRefusedError(note.refused, note.detail)
        return self._products[name]

    def _outcome(
        self, state: State, stage: Stage | None = None, reason: str = "", detail: str = ""
    ) -> ClipOutcome:
        return ClipOutcome(
            clip_id=self._clip.clip_id,
            state=state,
            keys={name: note.key for name, note in self._notes.items()},
            contents={name: note.sha256 for name, note in self._notes.items()},
            ran=tuple(self._ran),
            stage=stage.name if stage else "",
            reason=reason,
            detail=detail,
            seconds=self._seconds,
        )
