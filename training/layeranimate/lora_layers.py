"""Low-rank changes beside a model's frozen weights while they are learned; the LoRA task wraps by
these, and takes out what `backend.models.adapters` reads.

Weights stay under their names as parametrisations, because the networks use them directly (packed
projections, fused residuals): a layer around them would not be asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn
from torch.nn.utils import parametrize

from backend.models.adapters.factors import ADAPTABLE_PARTS
from backend.models.adapters.fitting import weights_of
from shared.errors import AcetateError
from training.layeranimate.lora_settings import LoraOptions
from training.layeranimate.objective import LayerAnimateModule

Matrices = dict[str, tuple[Tensor, Tensor]]
"""(down, up) by module path."""


class LowRank(nn.Module):
    """Adds `alpha / rank * up @ down` to a weight; zero at first, because `up` is.

    lora_A [rank, in, *kernel] is drawn as layers usually are, lora_B [out, rank, *ones].
    """

    def __init__(self, weight: Tensor, options: LoraOptions, generator: torch.Generator) -> None:
        super().__init__()
        rank, inner = options.rank, tuple(weight.shape[1:])
        bound = 1 / math.sqrt(math.prod(inner))
        drawn = (torch.rand(rank, *inner, generator=generator) * 2 - 1) * bound
        self.strength = options.alpha / rank
        self.dropout = options.dropout
        self.lora_A = nn.Parameter(drawn.to(weight.device))
        ones = (1,) * (len(inner) - 1)
        self.lora_B = nn.Parameter(torch.zeros(weight.shape[0], rank, *ones, device=weight.device))

    def forward(self, weight: Tensor) -> Tensor:
        """The changed weight, in the format of the given one."""
        down = self.lora_A
        if self.dropout > 0 and self.training:
            ones = down.new_ones(1, down.shape[1], *[1] * (down.dim() - 2))
            down = down * F.dropout(ones, self.dropout)
        change = (self.lora_B.flatten(1) @ down.flatten(1)).view_as(weight)
        return weight + (change * self.strength).to(weight.dtype)


def wrap(module: LayerAnimateModule, options: LoraOptions, seed: int) -> list[str]:
    """Puts a change beside every weight that the options choose; returns the module paths.

    Blocks of the control branch that never run are left out. The same seed gives the same start
    in every process. Raises `usage` where nothing is chosen.
    """
    parts = {part: cast("nn.Module", getattr(module, part)) for part in ADAPTABLE_PARTS}
    paths = [path for path in options.chosen(weights_of(parts)) if not _is_dead(module, path)]
    if not paths:
        raise AcetateError("usage", where="the adapter's targets choose no module of this model")
    generator = torch.Generator().manual_seed(seed)
    for path in paths:
        layer = module.get_submodule(path)
        weight = cast("Tensor", layer.weight)
        change = LowRank(weight, options, generator)
        parametrize.register_parametrization(layer, "weight", change, unsafe=True)
    return paths


def changes(module: nn.Module, paths: list[str]) -> Mapping[str, LowRank]:
    """The changes that `wrap` put in, by module path."""
    found: dict[str, LowRank] = {}
    for path in paths:
        found[path] = cast("LowRank", module.get_submodule(f"{path}.parametrizations.weight.0"))
    return found


def learned_names(paths: list[str]) -> list[str]:
    """Parameter names of the changes; all else stays as it is."""
    return [
        f"{path}.parametrizations.weight.0.{half}"
        for path in paths
        for half in ("lora_A", "lora_B")
    ]


def matrices(module: nn.Module, paths: list[str]) -> Matrices:
    """What was learned, on the CPU, as `write_adapter` takes it."""
    return {
        path: (change.lora_A.detach().cpu().float(), change.lora_B.detach().cpu().float())
        for path, change in changes(module, paths).items()
    }


def unwrap(module: nn.Module, paths: list[str]) -> None:
    """Takes the changes out again; the weights are those from before, bit by bit."""
    for path in paths:
        layer = module.get_submodule(path)
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)


def _is_dead(module: LayerAnimateModule, path: str) -> bool:
    """Whether a module lies in a stage of the control branch that never runs."""
    names = path.split(".")
    return names[:2] == ["layer_controlnet", "input_blocks"] and (
        int(names[2]) >= module.layer_controlnet.live
    )
