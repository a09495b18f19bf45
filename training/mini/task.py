"""The sketch expert as a task of the training loop: network, loss, figures, strips, export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from backend.mini.network import Block, NetworkConfig, SketchExpertNet, corrected
from backend.mini.weights import NAME, load_weights, save_weights
from backend.weights import bundled
from shared.errors import AcetateError
from training.mini.settings import MiniSettings
from training.mini.shards import (
    ShardSource,
    make_missing,
    shard_paths,
)
from training.run.feed import on_device, stacked
from training.run.task import Batch, Failure, TrainingModule

if TYPE_CHECKING:
    from training.recipes import Place

_STRIP_ROWS = 6


def prepare(settings: MiniSettings, place: Place) -> None:
    """Make the clips' samples that are not in the run's folder yet.

    Raises `disk`, `no_dataset` and the like, or `usage` where they give nothing to learn from.
    """
    make_missing(settings.data, place.folder)
    learned, _ = shard_paths(settings.data, place.folder)
    if not len(ShardSource(learned, augment=False)):
        where = "no layer of the clips moves as its sketch does: there is nothing to learn from"
        raise AcetateError("usage", where=where)


def make(settings: MiniSettings, place: Place) -> MiniTask:
    """Network, sources and figures. Raises `usage`, `model_missing`, `model_corrupt`."""
    return MiniTask(settings, place.folder, place.device)


class MiniModule(TrainingModule):
    """The network under its loss: squared error after over before, decibels in other words."""

    def __init__(self, network: SketchExpertNet, floor: float) -> None:
        super().__init__()
        self.network = network
        self.floor = floor

    def forward(self, batch: Batch) -> Tensor:
        """Loss [samples] of `inputs`, `target`, `allowed` as `ShardSource` makes them."""
        refined = self.refined(batch)
        before = squared_error(batch["inputs"][:, :4], batch["target"])
        return squared_error(refined, batch["target"]) / (before + self.floor)

    def refined(self, batch: Batch) -> Tensor:
        """The layer as the network corrects it, [samples, 4, s, s]."""
        trust, residual = self.network(batch["inputs"])
        return corrected(batch["inputs"], trust.float(), residual.float(), batch["allowed"])


class MiniTask:
    """Implements `training.run.task.Task`."""

    def __init__(self, settings: MiniSettings, folder: Path, device: torch.device) -> None:
        data = settings.data
        self.settings = settings
        self.device = device
        self.module = MiniModule(_network(settings), settings.floor).to(device)
        learned, apart = shard_paths(data, folder)
        self.source = ShardSource(learned, augment=True)
        self.validation = ShardSource(apart, augment=False)

    def trainable(self) -> Sequence[str]:
        """Everything."""
        return [name for name, _ in self.module.named_parameters()]

    def units(self) -> Sequence[nn.Module]:
        """The residual blocks."""
        return [module for module in self.module.network.modules() if isinstance(module, Block)]

    def flops_per_sample(self) -> float:
        """Counted on the meta device: three times the forward pass."""
        from backend.measure.flops import flops

        side = self.settings.data.crop
        with torch.device("meta"):
            network = SketchExpertNet(self.module.network.config)
            channels = self.source.samples.inputs.shape[1]
            empty = torch.empty(1, channels, side, side)
        return 3.0 * flops(lambda: network(empty))

    def validate(self) -> Mapping[str, float]:
        """Mean gain over layer motion in dB per sample, errors below 1e-6 cut off."""
        gains = [
            10 * torch.log10((before + 1e-6) / (after + 1e-6))
            for before, after in (self._errors(batch) for batch in self._batches(16))
        ]
        return {"gain_db": float(torch.cat(gains).mean())} if gains else {}

    def strips(self) -> Mapping[str, np.ndarray]:
        """Of some validation samples: layer motion's drawing, the corrected one, the true one."""
        count = len(self.validation)
        rows = np.linspace(0, count - 1, min(_STRIP_ROWS, count)).astype(int) if count else []
        batch = self._batch(rows) if count else None
        if batch is None:
            return {}
        with torch.inference_mode():
            parts = (batch["inputs"][:, :4], self.module.refined(batch), batch["target"])
            columns = [_on_grey(part) for part in parts]  # each [rows, s, s, 3]
        picture = np.concatenate([np.concatenate(list(column), axis=0) for column in columns], 1)
        return {"drawn_refined_true": picture}

    def failures(self) -> Sequence[Failure]:
        """None: what cannot be made is missed when shards are."""
        return ()

    def export(self, folder: Path) -> None:
        """Write weights and config as the engine `mini` loads them. Raises `disk`."""
        save_weights(self.module.network, folder, working_height=self.settings.working_height)

    def _errors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            before = squared_error(batch["inputs"][:, :4], batch["target"])
            return before, squared_error(self.module.refined(batch), batch["target"])

    def _batches(self, size: int) -> list[Batch]:
        count = len(self.validation)
        return [self._batch(range(at, min(at + size, count))) for at in range(0, count, size)]

    def _batch(self, rows: Sequence[int] | np.ndarray) -> Batch:
        rng = np.random.default_rng(0)  # the source of validation draws nothing
        samples = [self.validation.sample(int(row), rng) for row in rows]
        return on_device(stacked(samples), self.device)


def _network(settings: MiniSettings) -> SketchExpertNet:
    """Fresh weights of seed 0, or those that the settings start from."""
    config = NetworkConfig(settings.widths, settings.blocks)
    if not settings.start:
        if settings.needs_start:
            raise AcetateError(
                "usage", where="this recipe continues weights: --set task.start=FOLDER or bundled"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return SketchExpertNet(config)
    folder = bundled(NAME) if settings.start == "bundled" else Path(settings.start)
    network, found = load_weights(folder)
    if settings.start_sha256 and found.sha256 != settings.start_sha256:
        raise AcetateError(
            "model_corrupt", model=folder.name, detail="the recipe starts from other weights"
        )
    if network.config != config:
        raise AcetateError("model_corrupt", model=folder.name, detail="another size of network")
    return network.train().requires_grad_(True)


def squared_error(art: Tensor, target: Tensor) -> Tensor:
    """Mean squared error [n] of a layer [n, 4, h, w] over a black and over a white background."""
    difference = art - target
    on_black = difference[:, :3]
    on_white = on_black - difference[:, 3:]
    return ((on_black.square() + on_white.square()) / 2).mean(dim=(1, 2, 3))


def _on_grey(art: Tensor) -> np.ndarray:
    """Premultiplied layers [n, 4, s, s] over middle grey, uint8 [n, s, s, 3]."""
    flat = art[:, :3] + 0.5 * (1 - art[:, 3:])
    return (flat.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
