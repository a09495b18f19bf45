"""LoRA as a task of the training loop, `kind = "layeranimate-lora"`: a look from few clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from backend.models.adapters.files import write_adapter
from backend.models.adapters.settings import AdapterSettings
from backend.models.layeranimate.bundle import LayerAnimateModel
from training.layeranimate import task
from training.layeranimate.adapted_settings import LoraSettings
from training.layeranimate.lora_layers import learned_names, matrices, wrap
from training.layeranimate.warm_start import StartReport

if TYPE_CHECKING:
    from training.recipes import Place


def prepare(settings: LoraSettings, place: Place) -> None:
    """As LayerAnimate's own task does."""
    task.prepare(settings, place)


def make(settings: LoraSettings, place: Place) -> LoraTask:
    """The model with an adapter beside it. Raises `usage`, `model_missing`, `model_corrupt`."""
    model, report = task.start(settings, place.prepared)
    return LoraTask(settings, model, report, place.device, place.prepared)


class LoraTask(task.LayerAnimateTask):
    """LayerAnimate's task of whose weights none learns but those of the adapter."""

    def __init__(
        self,
        settings: LoraSettings,
        model: LayerAnimateModel,
        report: StartReport,
        device: torch.device,
        prepared: Path | None = None,
    ) -> None:
        super().__init__(settings, model, report, device, prepared)
        self._options = settings.adapter
        self._base = Path(settings.start).name
        self._paths = wrap(self.module, settings.adapter, settings.weights_seed)

    def trainable(self) -> Sequence[str]:
        """Both matrices of every module that the adapter changes."""
        return learned_names(self._paths)

    def flops_per_sample(self) -> float:
        """Not counted: gradients pass through frozen weights without being made for them."""
        return 0.0

    def export(self, folder: Path) -> None:
        """Write the adapter, which `acetate models import` takes. Raises `disk`."""
        options = self._options
        settings = AdapterSettings(
            r=options.rank, lora_alpha=options.alpha, base=self._base[:200], about=options.about
        )
        write_adapter(folder, matrices(self.module, self._paths), settings)
