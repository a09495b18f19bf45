"""Every memory plan gives the same pictures, and has each part on its device when it runs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backend.models.layeranimate.bundle import build, tiny_config
from backend.models.layeranimate.generate import generate_clip
from backend.pipeline.memory_plan import FAST, PLANS, MemoryPlan
from tests.backend.models.layeranimate.tiny import FRAMES, QUICK, clip_conditions, with_sketch


@pytest.mark.parametrize("keys", [1, 2])
def test_all_plans_give_the_same_pictures(keys: int) -> None:
    conditions = with_sketch(clip_conditions(keys))
    model = build(tiny_config(FRAMES), seed=0)
    wanted = generate_clip(model, conditions, QUICK)
    for plan in PLANS[1:]:
        plan.place(model, "cpu")
        found = generate_clip(model, conditions, QUICK, plan=plan)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5, err_msg=plan.name)


@pytest.mark.parametrize("keys", [1, 2])
def test_a_part_is_on_its_device_whenever_it_runs(keys: int) -> None:
    """The host stands for the device as well; only who was brought when is looked at."""
    plan, model = PLANS[-1], build(tiny_config(FRAMES), seed=0)
    model.placement.settle(model.parts(), torch.device("cpu"), plan.offloaded)
    ran: set[str] = set()

    def watch(name: str) -> None:
        def runs(module: nn.Module, args: tuple[Tensor, ...]) -> None:
            del module, args
            assert name not in model.placement.resting
            ran.add(name)

        for module in model.parts()[name].modules():
            module.register_forward_pre_hook(runs)

    for name in model.parts():
        watch(name)
    generate_clip(model, clip_conditions(keys), QUICK, plan=plan)
    assert model.placement.resting == set(model.parts())
    assert ran >= {"unet", "layer_controlnet", "image_projector"}
    assert ("vae_dualref" if keys == 2 else "vae") in ran


@pytest.mark.parametrize(("plan", "calls"), [(FAST, 2), (PLANS[3], 4), (PLANS[-1], 8)])
def test_slots_and_halves_run_one_by_one_where_the_plan_says_so(
    plan: MemoryPlan, calls: int
) -> None:
    """Two steps, two used slots, two halves."""
    model, seen = build(tiny_config(FRAMES), seed=0), [0]

    def count(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        del module, args
        seen[0] += 1

    model.control.input_stages()[1].register_forward_pre_hook(count)
    plan.place(model, "cpu")
    generate_clip(model, clip_conditions(1), QUICK, plan=plan)
    assert seen[0] == calls


def test_plans_have_names_of_their_own_and_start_with_the_fast_one() -> None:
    assert PLANS[0] is FAST == MemoryPlan("fast")
    assert len({plan.name for plan in PLANS}) == len(PLANS)
