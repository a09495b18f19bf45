"""Takes of one shot that differ in their seed only, painted as one batch; `paint` asks here.

The takes still run one after the other: the first one's model call paints along what its siblings
will ask for, and they find it here. Where that fails or does not fit, each take paints its own.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Protocol

import numpy as np

from backend.models.layeranimate.clip import (
    Check,
    ClipConditions,
    FloatArray,
    Report,
    SampleSettings,
)
from backend.torch_device import release_unused_memory
from shared.errors import AcetateError

log = logging.getLogger("acetate.pipeline")

_SEED_BYTES = 6
KEPT_BYTES = 1 << 30
"""What painted clips may take while they wait for their takes: 34 of the released size."""


class TakesPainter(Protocol):
    """What is needed of a painter; `ClipPainter` has it."""

    @property
    def takes_at_once(self) -> int:
        """How many seeds fit into one run."""
        ...

    def paint_takes(
        self,
        conditions: ClipConditions,
        settings: SampleSettings,
        seeds: Sequence[int],
        check: Check,
        report: Report,
    ) -> list[FloatArray]:
        """One clip per seed."""
        ...


def window_seed(seed: int, window: int) -> int:
    """The seed of a take's window: its own for the first, and no other take's for the others."""
    if window == 0:
        return seed
    digest = hashlib.sha256(f"{seed} {window}".encode()).digest()
    return int.from_bytes(digest[:_SEED_BYTES], "big")


class TakeGroup:
    """The takes with these `seeds`, which run in this order in one process."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self._seeds = tuple(seeds)
        self._kept: dict[tuple[str, int], FloatArray] = {}
        self._together = True

    def is_first(self, seed: int) -> bool:
        """Whether the take with this seed paints for itself, not only for those before it."""
        return seed not in self._seeds[1:]

    def later(self, seed: int) -> tuple[int, ...]:
        """The seeds of the takes that follow the one with this seed."""
        if seed not in self._seeds:
            return ()
        return self._seeds[self._seeds.index(seed) + 1 :]

    def paint(
        self,
        painter: TakesPainter,
        conditions: ClipConditions,
        settings: SampleSettings,
        siblings: Sequence[int],
        check: Check,
        report: Report,
    ) -> FloatArray:
        """The clip of `settings.seed`: found, or painted together with that of its siblings.

        `siblings` are the seeds that later takes will ask with for the same conditions.
        """
        if not self._kept and (not siblings or painter.takes_at_once < 2):
            return _alone(painter, conditions, settings, check, report)
        name = _digest(conditions, settings)
        found = self._kept.pop((name, settings.seed), None)
        if found is not None:
            return found
        seeds = (settings.seed, *siblings[: painter.takes_at_once - 1])
        if self._together and len(seeds) > 1 and self._has_room(conditions, len(seeds) - 1):
            clips = self._batch(painter, conditions, settings, seeds, check, report)
            if clips is not None:
                for seed, clip in zip(seeds[1:], clips[1:], strict=True):
                    self._kept[name, seed] = clip
                return clips[0]
        return _alone(painter, conditions, settings, check, report)

    def _has_room(self, conditions: ClipConditions, count: int) -> bool:
        one = conditions.frames[0].nbytes * conditions.frames_count
        return sum(clip.nbytes for clip in self._kept.values()) + count * one <= KEPT_BYTES

    def _batch(
        self,
        painter: TakesPainter,
        conditions: ClipConditions,
        settings: SampleSettings,
        seeds: Sequence[int],
        check: Check,
        report: Report,
    ) -> list[FloatArray] | None:
        """All clips, or None where they cannot be had together; a cancel goes through."""
        try:
            return painter.paint_takes(conditions, settings, seeds, check, report)
        except Exception as error:
            # One seed's fault must not cost the takes of the others: from here on each take
            # paints by itself, and its fault is its own.
            if isinstance(error, AcetateError) and error.name == "cancelled":
                raise
            log.warning("%d takes together failed (%s); they run one by one", len(seeds), error)
            self._together = False
        release_unused_memory()
        return None


def _alone(
    painter: TakesPainter,
    conditions: ClipConditions,
    settings: SampleSettings,
    check: Check,
    report: Report,
) -> FloatArray:
    return painter.paint_takes(conditions, settings, (settings.seed,), check, report)[0]


def _digest(conditions: ClipConditions, settings: SampleSettings) -> str:
    """A name for everything that decides the pictures but the seed."""
    digest = hashlib.sha256()
    for part in (*_parts(conditions), *_parts(replace(settings, seed=0))):
        digest.update(part)
    return digest.hexdigest()


def _parts(value: object) -> Iterator[bytes]:
    if isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}".encode()
        yield value.tobytes()
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield f"{field.name}=".encode()
            yield from _parts(getattr(value, field.name))
    elif isinstance(value, tuple):
        yield f"({len(value)}".encode()
        for item in value:
            yield from _parts(item)
    else:
        yield repr(value).encode()
