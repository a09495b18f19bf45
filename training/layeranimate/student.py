"""Distillation as a task of the training loop, `kind = "layeranimate-student"`; see `distil`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from backend.models.layeranimate.bundle import LayerAnimateModel
from training.layeranimate import task
from training.layeranimate.adapted_settings import StudentSettings
from training.layeranimate.distil import DistilModule, NeutralContext
from training.layeranimate.warm_start import StartReport

if TYPE_CHECKING:
    from training.recipes import Place


def prepare(settings: StudentSettings, place: Place) -> None:
    """As LayerAnimate's own task does."""
    task.prepare(settings, place)


def make(settings: StudentSettings, place: Place) -> StudentTask:
    """Teacher and student of the same weights. Raises `usage`, `model_missing`, `model_corrupt`."""
    teacher, _ = task.start(settings, place.prepared)
    student, report = task.start(settings, place.prepared)
    return StudentTask(settings, student, teacher, report, place)


class StudentTask(task.LayerAnimateTask):
    """LayerAnimate's task with the teacher's predictions as the target; exports the student."""

    def __init__(
        self,
        settings: StudentSettings,
        student: LayerAnimateModel,
        teacher: LayerAnimateModel,
        report: StartReport,
        place: Place,
    ) -> None:
        super().__init__(settings, student, report, place.device, place.prepared)
        text, image = (torch.from_numpy(tokens) for tokens in self.clips.neutral())
        neutral = NeutralContext(text, image)
        module = DistilModule(student, teacher, settings.learn, neutral, settings.dropout)
        self._pair = module.to(place.device)
        self.module = self._pair

    def units(self) -> Sequence[nn.Module]:
        """The stages of the student's networks and of the teacher's, so that both are sharded."""
        return [*self._pair.units(), *self._pair.teacher.units()]

    def flops_per_sample(self) -> float:
        """Not counted: it depends on how often the teacher is asked."""
        return 0.0
