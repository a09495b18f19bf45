"""Writes the clips of a source as a data set, in several processes, and goes on after a stop.

Called by `acetate clips make`.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import msgspec

from curation.dataset.clip import LayeredClip
from curation.dataset.pack import PackedClip, pack
from curation.dataset.writer import SHARD_BYTES, ShardWriter
from shared.errors import AcetateError
from training.data.clips import ClipSource

MAX_JOBS = 64


class NamedClips(ClipSource, Protocol):
    """A source that knows the names of its clips without making them."""

    def clip_id(self, index: int) -> str:
        """Name of clip `index`."""
        ...


@dataclass(frozen=True)
class Made:
    """What was written and what was there before; `fingerprint` of the whole data set."""

    written: int
    present: int
    clips: int
    fingerprint: str


def make_dataset(
    source: NamedClips,
    folder: Path,
    *,
    jobs: int = 1,
    with_flow: bool = False,
    shard_bytes: int = SHARD_BYTES,
    report: Callable[[int, int], None] | None = None,
) -> Made:
    """Add all clips of `source` to the data set in `folder`, in their order.

    Clips whose names it holds already are left out, so that the same call after a stop ends with
    the same bytes. `with_flow`: keep dense flow, which takes most of the room (`spec/curation.md`
    1.7 advises against it); scores and tracks tell of motion without it. `report` hears how many
    of how many are done. Raises what the source and the writer raise; clips of shards that were
    full before stay.
    """
    if not 1 <= jobs <= MAX_JOBS:
        raise AcetateError("usage", where=f"--jobs is 1 to {MAX_JOBS}")
    with ShardWriter(folder, shard_bytes=shard_bytes) as writer:
        wanted = [index for index in range(len(source)) if source.clip_id(index) not in writer]
        done = len(source) - len(wanted)
        present = done
        for packed in _packed(source, wanted, jobs, with_flow):
            writer.add_packed(packed)
            done += 1
            if report is not None:
                report(done, len(source))
    return Made(len(wanted), present, len(writer), writer.fingerprint)


def _packed(
    source: NamedClips, wanted: Sequence[int], jobs: int, with_flow: bool
) -> Iterator[PackedClip]:
    """The wanted clips in order, made and packed in `jobs` processes."""
    if jobs == 1 or len(wanted) < 2:
        for index in wanted:
            yield _pack(source, index, with_flow)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the processes started below
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, initializer=_hold, initargs=(source, with_flow))
    try:
        yield from _in_order(pool, wanted, 2 * jobs)
    except BrokenProcessPool as error:
        detail = "a process that makes clips died; memory may have run out"
        raise AcetateError("oom", detail=detail) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(pool: ProcessPoolExecutor, wanted: Sequence[int], ahead: int) -> Iterator[PackedClip]:
    """Results in the order of `wanted`, never more than `ahead` of them waiting."""
    waiting: deque[Future[PackedClip]] = deque()
    for index in wanted:
        waiting.append(pool.submit(_make, index))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


_held: list[tuple[NamedClips, bool]] = []


def _hold(source: NamedClips, with_flow: bool) -> None:
    """Keep the source in a process that makes clips."""
    _held[:] = [(source, with_flow)]


def _make(index: int) -> PackedClip:
    source, with_flow = _held[0]
    return _pack(source, index, with_flow)


def _pack(source: NamedClips, index: int, with_flow: bool) -> PackedClip:
    clip = source.clip(index)
    return pack(clip if with_flow else without_flow(clip))


def without_flow(clip: LayeredClip) -> LayeredClip:
    """The clip without dense flow, and without the note on what made it."""
    kept = tuple(item for item in clip.provenance.annotations if item.kind != "flow")
    provenance = msgspec.structs.replace(clip.provenance, annotations=kept)
    return replace(clip, flow=None, provenance=provenance)
