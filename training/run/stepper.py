"""One optimiser step after the other: losses, gradients, guard, update; the loop drives this."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from shared.errors import AcetateError
from training.run.average import Average
from training.run.config import LoopConfig, RunSettings
from training.run.feed import Part, any_sample, on_device, stacked
from training.run.gradients import GradientNorms, clip, groups_of
from training.run.placement import Placed
from training.run.rate import rate_share
from training.run.task import Batch, Failure, SampleSource

_PATIENCE = 1000
"""Samples over which the failure budget is spread at the start of a run."""


@dataclass(frozen=True)
class StepReport:
    """What a finished step did. `step` counts finished ones, `samples` those it used everywhere.

    `failures`: of this process. `stop`: some process was asked to end.
    """

    step: int
    loss: float
    norms: GradientNorms
    rate: float
    samples: int
    failures: tuple[Failure, ...]
    stop: bool


class Stepper:
    """Weights, optimiser and averages of one run; `step` counts finished steps."""

    def __init__(self, placed: Placed, config: LoopConfig, source: SampleSource) -> None:
        settings = config.optimiser
        self.placed = placed
        self.config = config
        self.step = 0
        self.seen = 0
        self.failed = 0
        self.optimiser = torch.optim.AdamW(
            list(placed.trained.values()),
            lr=settings.rate,
            betas=settings.betas,
            eps=settings.epsilon,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self.average = Average(placed, config.ema.decay)
        self._groups = groups_of(placed.trained)
        self._source = source
        self._stand_in: Batch | None = None

    def advance(self, parts: Sequence[Part], *, stop: bool = False) -> StepReport:
        """Learn from the parts of this step. `stop`: this process was asked to end.

        Raises `training_nan` before anything is changed, `too_many_failures`.
        """
        failures = tuple(failure for part in parts for failure in part.failures)
        before = self.seen, self.failed
        made = sum(len(part.numbers) for part in parts)
        everywhere = self.placed.processes.summed([made, len(failures), float(stop)])
        try:
            self._count(int(everywhere[0]), int(everywhere[1]))
            rate, count = self._set_rate(), int(everywhere[0])
            loss, norms = self._learn(parts, count) if count else (0.0, GradientNorms(0.0, {}))
        except AcetateError:
            self.seen, self.failed = before  # whoever goes on from here takes this step again
            raise
        self.step += 1
        self.average.update(self.step)
        return StepReport(self.step, loss, norms, rate, count, failures, everywhere[2] > 0)

    def _learn(self, parts: Sequence[Part], count: int) -> tuple[float, GradientNorms]:
        loss = self._gradients(parts, count)
        norms = clip(self.placed, self._groups, self.config.optimiser.clip)
        self._guard(loss, norms)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return loss, norms

    def _count(self, made: int, failed: int) -> None:
        self.seen += made + failed
        self.failed += failed
        check_failures(self.config.run, self.failed, self.seen, f"step {self.step}")

    def _set_rate(self) -> float:
        share = rate_share(self.config.schedule, self.step, self.config.run.steps)
        rate = self.config.optimiser.rate * share
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        return rate

    def _gradients(self, parts: Sequence[Part], count: int) -> float:
        """Backward passes of the mean over the `count` samples of all processes; returns it."""
        placed = self.placed
        placed.module.train()
        # Gradients are averaged over processes, so each divides by its share of the whole.
        scale = placed.processes.world / count
        total = 0.0
        for place, part in enumerate(parts):
            batch = self._batch(part)
            if batch is None:
                continue
            self._seed(place)
            with placed.accumulating(last=place == len(parts) - 1):
                losses = placed.losses(batch)
                weight = scale if part.batch is not None else 0.0
                (losses.sum() * weight).backward()
            if part.batch is not None:
                total += float(losses.detach().double().sum())
        return placed.processes.summed([total])[0] / count

    def _batch(self, part: Part) -> Batch | None:
        """The part's batch; where all its samples failed, another one that counts nothing.

        Other processes wait for this one's share of their sums, so it has to compute something.
        """
        device = self.placed.processes.device
        if part.batch is None:
            if self.placed.processes.world == 1:
                return None
            if self._stand_in is None:
                self._stand_in = stacked([any_sample(self._source, self.config.run.seed)])
            return on_device(self._stand_in, device)
        self._stand_in = {key: value[:1] for key, value in part.batch.items()}
        return on_device(part.batch, device)

    def _seed(self, place: int) -> None:
        """Dropout and the like depend on seed, step, part and rank alone: nothing to save."""
        run, processes = self.config.run, self.placed.processes
        number = (self.step * run.accumulation + place) * processes.world + processes.rank
        torch.manual_seed((run.seed * 0x9E3779B97F4A7C15 + number) % 2**63)

    def _guard(self, loss: float, norms: GradientNorms) -> None:
        if math.isfinite(loss) and math.isfinite(norms.total):
            return
        self.optimiser.zero_grad(set_to_none=True)
        first = self.step * self.config.run.batch
        raise AcetateError(
            "training_nan",
            step=self.step + 1,
            detail=f"samples {first}..{first + self.config.run.batch - 1}, loss {loss}, "
            f"gradient norm {norms.total}",
        )


def check_failures(settings: RunSettings, failed: int, count: int, where: str) -> None:
    """Raise `too_many_failures` where more of `count` samples failed than the run may lose."""
    if failed > settings.failure_budget * max(count, _PATIENCE):
        raise AcetateError("too_many_failures", failed=failed, count=count, detail=where)
