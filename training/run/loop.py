"""The training loop: from settings and a task to checkpoints, logs and exported weights.

`acetate train` calls `run` in every process; everything else in this folder is its parts.
"""

from __future__ import annotations

import errno
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from torch.distributed.tensor import DTensor

from curation.dataset.folder_lock import FolderLock
from shared.blobs import write_atomically
from shared.errors import AcetateError
from training.data.order import SampleOrder
from training.run.checkpoint import finished
from training.run.config import LoopConfig
from training.run.feed import Feed, Plan, loader_error
from training.run.identity import Identity, identify
from training.run.placement import Placed, place
from training.run.processes import Processes, check_shares
from training.run.retention import best_figure, is_better, thin_out
from training.run.state import restore, save
from training.run.stepper import Stepper, StepReport, check_failures
from training.run.stopping import StopRequest, listening
from training.run.task import Task
from training.run.validation import Validation, strips, validate
from training.run.watch import Watch, peak_flops

CONFIG = "config.json"
CHECKPOINTS = "checkpoints"
EXPORT = "export"
STRIPS = "strips"

Make = Callable[[torch.device], Task]


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `figures`: of the last validation in this process's lifetime."""

    step: int
    finished: bool
    figures: dict[str, float]
    export: Path | None


def run(
    config: LoopConfig,
    make: Make,
    out: Path,
    processes: Processes,
    *,
    prepare: Callable[[], None] | None = None,
    allow_change: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Train from the newest checkpoint in `out`, or from the start, to the last step.

    `prepare` makes what `make` needs, in the first process, once the folder is this run's alone.
    Returns early when asked to stop, with a checkpoint written. Raises what `prepare` raises,
    `other_recipe`, `bad_checkpoint`, `training_nan`, `too_many_failures`, `disk`, `world_size`,
    `loader_died`, `run_busy`.
    """
    check_shares(config.run, processes.world)
    with _held(out, processes), _named_errors():
        if prepare is not None:
            _prepare(prepare, processes)
        task = make(processes.device)
        # Counting takes seconds: only where there is a peak to hold it against.
        flops = task.flops_per_sample() if peak_flops(config, processes.device) else 0.0
        watch = Watch(out, config, processes, flops, quiet=quiet)
        try:
            with listening() as stop:
                return _Run(config, task, make, out, watch, stop, allow_change=allow_change).go()
        finally:
            watch.close()


@contextmanager
def _held(out: Path, processes: Processes) -> Iterator[None]:
    """The run's folder for these processes alone."""
    error: AcetateError | None = None
    with ExitStack() as stack:
        if processes.first:
            try:
                stack.enter_context(FolderLock(out))
            except AcetateError as refused:
                busy = refused.name == "dataset_busy"
                error = AcetateError("run_busy", folder=out.name) if busy else refused
        processes.agree(error, "taking the folder")
        yield


def _prepare(prepare: Callable[[], None], processes: Processes) -> None:
    error: AcetateError | None = None
    if processes.first:
        try:
            prepare()
        except AcetateError as reason:
            error = reason
    processes.agree(error, "preparing the data")


@contextmanager
def _named_errors() -> Iterator[None]:
    """A full disk and an ended loader by their names, wherever they were noticed."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise AcetateError("disk", detail=str(error)) from error
        raise
    except RuntimeError as error:
        raise loader_error(error) from error


class _Run:
    """The state of one call of `run`."""

    def __init__(
        self,
        config: LoopConfig,
        task: Task,
        make: Make,
        out: Path,
        watch: Watch,
        stop: StopRequest,
        *,
        allow_change: bool,
    ) -> None:
        self.config = config
        self.task = task
        self.make = make
        self.out = out
        self.watch = watch
        self.stop = stop
        self.processes = watch.processes
        self.placed: Placed = place(task, config.run, self.processes)
        self.stepper = Stepper(self.placed, config, task.source)
        self.identity: Identity = identify(
            config, task.source.fingerprint, self.placed.frozen_sha256
        )
        self.figures: dict[str, float] = {}
        self._resume(allow_change=allow_change)
        self.best = best_figure(out / CHECKPOINTS, config.checkpoints)

    def go(self) -> Outcome:
        """All steps that are left."""
        run = self.config.run
        self._began()
        if not self.stepper.step and self.config.validation.every:
            self._validate(pictures=False)  # what all later figures are compared with
        feed = Feed(self._plan(), self.stepper.step)
        try:
            stopped = self._steps(feed)
        finally:
            feed.close()
        if stopped and self.stepper.step < run.steps:
            self._save({})
            self.watch.note("stopped", step=self.stepper.step)
            self.watch.say(f"stopped after step {self.stepper.step}; the same command goes on")
            return Outcome(self.stepper.step, False, self.figures, None)
        return self._end()

    def _steps(self, feed: Feed) -> bool:
        """Train until the last step or until asked to stop; returns whether it was asked."""
        while self.stepper.step < self.config.run.steps:
            parts = [feed.next() for _ in range(self.config.run.accumulation)]
            try:
                report = self.stepper.advance(parts, stop=self.stop.asked)
            except AcetateError as error:
                self._gave_up(error)
                raise
            self.watch.step(report)
            self._after(report, feed)
            if report.stop:
                return True
        return False

    def _after(self, report: StepReport, feed: Feed) -> None:
        """What is due after a step besides the next one."""
        config, step = self.config, report.step
        if _due(step, config.log.every) or step == config.run.steps:
            self.watch.stretch(report, feed.waited_s)
            feed.waited_s = 0.0
        figures: dict[str, float] = {}
        last = step == config.run.steps
        if _due(step, config.validation.every) or last:
            figures = self._validate(pictures=_due(step, config.validation.strips) or last)
        better = is_better(figures, self.best, config.checkpoints)
        if better:
            self.best = figures[config.checkpoints.keep_best]
        if _due(step, config.checkpoints.every) or last or better:
            self._save(figures)
        if figures:
            feed.waited_s = 0.0
            self.watch.restart()

    def _validate(self, *, pictures: bool) -> dict[str, float]:
        step = self.stepper.step
        with self.stepper.average.in_place():
            result = validate(self.task, self.placed, self.config)
            shown = strips(self.task, self.placed) if pictures else {}
        self._failed(result, f"validation at step {step}")
        self.watch.validated(step, result.figures)
        self.watch.pictures(step, shown, self.out / STRIPS)
        self.figures = {k: v for k, v in result.figures.items() if math.isfinite(v)}
        return self.figures

    def _failed(self, result: Validation, where: str) -> None:
        """Name what validation did without. Raises `too_many_failures` in every process."""
        looked_at = tuple(self.task.failures())  # every process looks at the same ones
        own = result.failures + (looked_at if self.processes.first else ())
        self.watch.failed(own, where)
        failed = int(self.processes.summed([len(own)])[0])
        if failed:
            self.watch.say(f"{where}: {failed} samples could not be made, see the log")
        try:
            check_failures(self.config.run, failed, result.asked + len(looked_at), where)
        except AcetateError as error:  # the verdict is a sum: every process keeps its share
            self.watch.note("error", step=self.stepper.step, **error.to_dict())
            self._save({})
            raise

    def _save(self, figures: dict[str, float]) -> None:
        folder = self.out / CHECKPOINTS
        path = save(self.stepper, folder, self.identity, figures)
        self.watch.note("checkpoint", step=self.stepper.step, folder=path.name)
        if self.processes.first:
            thin_out(folder, self.config.checkpoints)

    def _gave_up(self, error: AcetateError) -> None:
        """Keep the state before the step that could not be done."""
        self.watch.note("error", step=self.stepper.step, **error.to_dict())
        if error.name == "training_nan":
            self._save({})

    def _resume(self, *, allow_change: bool) -> None:
        found = finished(self.out / CHECKPOINTS)
        if not found:
            return
        step, path = list(found.items())[-1]
        changed = restore(self.stepper, path, self.identity, allow_change=allow_change)
        self.watch.note("resumed", step=step, changed=changed)
        self.watch.say(f"going on after step {step}" + (f" ({'; '.join(changed)})" * bool(changed)))

    def _began(self) -> None:
        trained = sum(p.numel() for p in self.placed.trained.values())
        self.watch.note(
            "start",
            step=self.stepper.step,
            recipe=self.config.name,
            code=self.identity.code,
            data=self.identity.data,
            world=self.processes.world,
            device=str(self.processes.device),
            trained_parameters=trained,
        )
        if self.processes.first:
            document = msgspec.json.format(msgspec.json.encode(self.config))
            write_atomically(self.out / CONFIG, document + b"\n")

    def _plan(self) -> Plan:
        run, source = self.config.run, self.task.source
        order = SampleOrder(len(source), run.seed)
        return Plan(source, order, run, self.processes.rank, self.processes.world)

    def _end(self) -> Outcome:
        folder = self.out / EXPORT
        with self.stepper.average.in_place():
            self._export(folder)
        self.watch.note("finished", step=self.stepper.step)
        self.watch.say(f"weights: {folder}")
        return Outcome(self.stepper.step, True, self.figures, folder)

    def _export(self, folder: Path) -> None:
        """Whole or not at all; a sharded module lends its weights to a plain one on the CPU."""
        task = self.task
        if self.placed.sharded:
            names = {name for name, _ in self.placed.module.named_parameters()}
            state = self.placed.module.state_dict()
            wanted = {n: t for n, t in state.items() if n in self.placed.trained or n not in names}
            whole = {name: _gathered(tensor) for name, tensor in wanted.items()}
            if self.processes.first:
                task = self.make(torch.device("cpu"))
                task.module.load_state_dict(whole, strict=False)
        if self.processes.first:
            part = folder.with_name(f".part-{folder.name}")
            shutil.rmtree(part, ignore_errors=True)
            task.export(part)
            shutil.rmtree(folder, ignore_errors=True)
            part.replace(folder)
        self.processes.wait()


def _gathered(tensor: torch.Tensor) -> torch.Tensor:
    whole = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return whole.detach().cpu()


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
