"""Where clips are worked on: in this process, in several, or on Ray; all give the same outcomes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from typing import Literal, Protocol

from curation.run.clip_chain import RETRIES, ClipOutcome
from curation.run.stage import ClipRef
from shared.errors import AcetateError

EngineName = Literal["serial", "process", "ray"]


class ClipWork(Protocol):
    """What an engine runs: picklable, and alike wherever it runs."""

    def run(self, clip: ClipRef) -> ClipOutcome:
        """All stages of one clip."""
        ...


class Engine(Protocol):
    """Runs a chain over clips."""

    def map(self, work: ClipWork, clips: Sequence[ClipRef]) -> Iterator[ClipOutcome]:
        """Outcomes as they come, one per clip, in any order."""
        ...


class SerialEngine:
    """One clip after the other, here."""

    def map(self, work: ClipWork, clips: Sequence[ClipRef]) -> Iterator[ClipOutcome]:
        """Outcomes in the clips' order."""
        for clip in clips:
            yield work.run(clip)


@dataclass(frozen=True)
class ProcessEngine:
    """`jobs` processes on this machine, each with one thread.

    A worker that dies (out of memory, a crash in a decoder) takes its pool with it. The clips it
    may have been at then run alone; one that kills its worker again and again has failed.
    """

    jobs: int

    def map(self, work: ClipWork, clips: Sequence[ClipRef]) -> Iterator[ClipOutcome]:
        """Outcomes as they come. Raises what a clip raises (`disk`)."""
        left = {clip.clip_id: clip for clip in clips}
        while left:
            try:
                for outcome in _pooled(work, list(left.values()), self.jobs):
                    del left[outcome.clip_id]
                    yield outcome
            except BrokenProcessPool:
                # a pool hands out in order, and holds one clip more than it has workers
                for clip in list(left.values())[: 2 * self.jobs + 1]:
                    yield _alone(work, clip)
                    del left[clip.clip_id]


def _pooled(work: ClipWork, clips: Sequence[ClipRef], jobs: int) -> Iterator[ClipOutcome]:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the processes started below
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        waiting: set[Future[ClipOutcome]] = {pool.submit(work.run, clip) for clip in clips}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _alone(work: ClipWork, clip: ClipRef) -> ClipOutcome:
    """A clip in a process of its own, as often as a unit may be tried."""
    for _ in range(RETRIES + 1):
        with contextlib.suppress(BrokenProcessPool):
            return next(_pooled(work, [clip], 1))
    return _died(clip, f"the process died {RETRIES + 1} times")


def _died(clip: ClipRef, detail: str) -> ClipOutcome:
    return ClipOutcome(clip.clip_id, "failed", {}, {}, reason="worker_died", detail=detail)


@dataclass(frozen=True)
class RayEngine:
    """A Ray cluster: the one at `RAY_ADDRESS`, or `jobs` CPUs of this machine.

    Only clip references travel; every machine reads sources and the work folder by itself.
    """

    jobs: int

    def map(self, work: ClipWork, clips: Sequence[ClipRef]) -> Iterator[ClipOutcome]:
        """Outcomes as they come. Raises `engine_missing`, and what a clip raises."""
        try:
            import ray
        except ImportError as error:
            raise AcetateError("engine_missing", engine="ray", extra="ray") from error
        started_here = not ray.is_initialized()
        if started_here:
            cpus = None if "RAY_ADDRESS" in os.environ else self.jobs
            ray.init(num_cpus=cpus, include_dashboard=False, log_to_driver=False)
        try:
            yield from _on_ray(work, clips, self.jobs)
        finally:
            if started_here:
                ray.shutdown()


def _on_ray(work: ClipWork, clips: Sequence[ClipRef], jobs: int) -> Iterator[ClipOutcome]:
    """At most four clips per CPU are in flight, so that a long list does not fill the scheduler."""
    import ray
    from ray.exceptions import WorkerCrashedError

    remote = ray.remote(max_retries=RETRIES)(_run_one)
    shared_work = ray.put(work)
    queue = iter(clips)
    flying = {remote.remote(shared_work, clip): clip for clip in islice(queue, 4 * jobs)}
    while flying:
        done, _ = ray.wait(list(flying), num_returns=1)
        gone = flying.pop(done[0])
        try:
            yield ray.get(done[0])
        except WorkerCrashedError as error:
            yield _died(gone, str(error))
        if (clip := next(queue, None)) is not None:
            flying[remote.remote(shared_work, clip)] = clip


def _run_one(work: ClipWork, clip: ClipRef) -> ClipOutcome:
    return work.run(clip)


def make_engine(name: EngineName, jobs: int) -> Engine:
    """The engine of that name. Raises ValueError for fewer than one job."""
    if jobs < 1:
        raise ValueError("an engine needs at least one job")
    if name == "ray":
        return RayEngine(jobs)
    return ProcessEngine(jobs) if name == "process" else SerialEngine()
