"""What learns is what a set declares, no more and no less."""

from __future__ import annotations

from functools import lru_cache
from typing import get_args

import pytest
import torch

from backend.models.layeranimate.bundle import assemble
from backend.models.layeranimate.configs import LayerAnimateConfig
from tests.training.layeranimate.moving import drawn, samples_of, tiny_module
from training.layeranimate.objective import LayerAnimateModule
from training.layeranimate.parameters import count, names_of
from training.layeranimate.settings import TrainableSet
from training.run.feed import stacked

DEAD, CONTROL, FUSION = 116_376_320, 457_609_616, 61_563_200
ATTENTION, PICTURES = 156_690_240, 338_128_000 + 33_180_800
UNET, PROJECTOR = 1_500_418_180, 48_787_456
FULL_SIZE: dict[TrainableSet, int] = {
    "v1": CONTROL - DEAD + FUSION + ATTENTION,
    "v1-wide": CONTROL - DEAD + FUSION + ATTENTION + PICTURES,
    "iccv": CONTROL - DEAD + FUSION,
    "control-only": CONTROL - DEAD + FUSION,
    "all": CONTROL - DEAD + UNET + PROJECTOR,
}


@lru_cache(maxsize=1)
def _released_size() -> LayerAnimateModule:
    with torch.device("meta"):
        return LayerAnimateModule(assemble(LayerAnimateConfig()))


@pytest.mark.parametrize("chosen", get_args(TrainableSet))
def test_sets_have_the_size_that_the_papers_parts_have(chosen: TrainableSet) -> None:
    module = _released_size()
    assert count(module, names_of(module, chosen)) == FULL_SIZE[chosen]


@pytest.mark.parametrize("chosen", ["v1", "v1-wide", "control-only", "all"])
def test_gradients_reach_exactly_the_declared_set(chosen: TrainableSet) -> None:
    module, source = tiny_module(), samples_of()
    declared = set(names_of(module, chosen))
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name in declared)
    samples = [drawn(source, index, seed) for index, seed in ((0, 3), (1, 4))]
    module(stacked(samples)).mean().backward()
    moved = {
        name
        for name, parameter in module.named_parameters()
        if parameter.grad is not None and bool(parameter.grad.any())
    }
    assert moved == declared
