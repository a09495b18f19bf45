"""One run of the sketch expert's training: loss, steps, checkpoints that resume exactly.

Checkpoints are safetensors (no pickles): weights, averaged weights and both moments of AdamW.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from backend.mini.network import NetworkConfig, SketchExpertNet, corrected
from shared.blobs import write_atomically
from shared.errors import AcetateError
from training.mini.recipe import OptimiserRecipe, Recipe, recipe_hash
from training.mini.samples import Samples
from training.mini.shards import augmented, batch_indices

_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class StepReport:
    """What one step did: relative squared error (1 = as layer motion), gradient norm, rate."""

    step: int
    loss: float
    gradient: float
    rate: float


class Trainer:
    """Network, averaged weights and optimiser of one recipe; `step` counts finished steps."""

    def __init__(self, recipe: Recipe) -> None:
        torch.manual_seed(recipe.optimiser.seed)
        config = NetworkConfig(recipe.network.widths, recipe.network.blocks)
        self.recipe = recipe
        self.step = 0
        self.network = SketchExpertNet(config)
        self.average = SketchExpertNet(config).requires_grad_(False)
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), weight_decay=recipe.optimiser.weight_decay
        )

    def begin_with(self, network: SketchExpertNet) -> None:
        """Take another network's weights as the first ones. Raises `model_corrupt`."""
        if network.config != self.network.config:
            raise AcetateError("model_corrupt", model="start", detail="another size of network")
        for module in (self.network, self.average):
            module.load_state_dict(network.state_dict())

    def advance(self, samples: Samples) -> StepReport:
        """Train one step on the samples that its number names."""
        settings = self.recipe.optimiser
        chosen = batch_indices(len(samples), settings.batch, self.step, settings.seed)
        batch = tensors(augmented(samples, chosen, self.step, settings.seed))
        rate = learning_rate(settings, self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = relative_error(self.network, *batch, floor=settings.floor)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
        value = loss.item()
        if not math.isfinite(value) or not math.isfinite(norm.item()):
            raise AcetateError("nan", detail=f"loss {value} at step {self.step}")
        self.optimiser.step()
        self.step += 1
        self._average()
        return StepReport(self.step, value, norm.item(), rate)

    def _average(self) -> None:
        decay = min(self.recipe.optimiser.ema, (1 + self.step) / (10 + self.step))
        own = self.network.state_dict()
        for key, value in self.average.state_dict().items():
            value.lerp_(own[key], 1 - decay)

    def save(self, path: Path) -> None:
        """Write a checkpoint whole or not at all. Raises `disk`."""
        arrays: dict[str, Tensor] = {}
        for name, module in (("network", self.network), ("average", self.average)):
            arrays |= {f"{name}/{key}": value for key, value in module.state_dict().items()}
        for key, parameter in self.network.named_parameters():
            state = self.optimiser.state.get(parameter, {})
            arrays |= {f"{moment}/{key}": state[moment] for moment in _MOMENTS if state}
        about = {"step": str(self.step), "recipe": recipe_hash(self.recipe)}
        contiguous = {key: value.detach().contiguous() for key, value in arrays.items()}
        write_atomically(path, save(contiguous, metadata=about))

    def restore(self, path: Path) -> None:
        """Continue from a checkpoint of the same recipe. Raises `model_corrupt` otherwise."""
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            if about.get("recipe") != recipe_hash(self.recipe):
                raise AcetateError(
                    "model_corrupt", model=path.name, detail="the checkpoint has another recipe"
                )
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        self.step = int(about["step"])
        for name, module in (("network", self.network), ("average", self.average)):
            module.load_state_dict(_part(arrays, name))
        moments = {moment: _part(arrays, moment) for moment in _MOMENTS}
        for key, parameter in self.network.named_parameters():
            if key in moments[_MOMENTS[0]]:
                state = {moment: moments[moment][key] for moment in _MOMENTS}
                self.optimiser.state[parameter] = {
                    "step": torch.tensor(float(self.step)),
                    **state,
                }


def _part(arrays: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {k.removeprefix(f"{name}/"): v for k, v in arrays.items() if k.startswith(f"{name}/")}


def learning_rate(settings: OptimiserRecipe, step: int) -> float:
    """Linear warm-up, then linear decay to the final rate."""
    warm = min(1.0, (step + 1) / max(1, settings.warm_up))
    gone = min(1.0, step / max(1, settings.steps - 1))
    return warm * (settings.rate + (settings.final_rate - settings.rate) * gone)


def tensors(samples: Samples) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, target, allowed [n, 1, s, s] as float tensors 0..1."""
    inputs = torch.from_numpy(samples.inputs).float() / 255
    target = torch.from_numpy(samples.target).float() / 255
    allowed = torch.from_numpy(samples.allowed).float()[:, None]
    return inputs, target, allowed


def squared_error(art: Tensor, target: Tensor) -> Tensor:
    """Mean squared error [n] of a layer [n, 4, h, w] over a black and over a white background."""
    difference = art - target
    on_black = difference[:, :3]
    on_white = on_black - difference[:, 3:]
    return ((on_black.square() + on_white.square()) / 2).mean(dim=(1, 2, 3))


def relative_error(
    network: SketchExpertNet, inputs: Tensor, target: Tensor, allowed: Tensor, *, floor: float
) -> Tensor:
    """Squared error after over before, mean over the batch: optimises decibels directly."""
    trust, residual = network(inputs)
    refined = corrected(inputs, trust, residual, allowed)
    before = squared_error(inputs[:, :4], target)
    return (squared_error(refined, target) / (before + floor)).mean()


def gain_db(network: SketchExpertNet, samples: Samples, batch: int = 16) -> float:
    """Mean gain over layer motion in dB per sample, errors below 1e-6 cut off."""
    gains: list[Tensor] = []
    with torch.inference_mode():
        for start in range(0, len(samples), batch):
            inputs, target, allowed = tensors(samples.part(slice(start, start + batch)))
            trust, residual = network(inputs)
            after = squared_error(corrected(inputs, trust, residual, allowed), target)
            before = squared_error(inputs[:, :4], target)
            gains.append(10 * torch.log10((before + 1e-6) / (after + 1e-6)))
    return float(torch.cat(gains).mean()) if gains else 0.0
