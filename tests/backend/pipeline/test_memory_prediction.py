"""Memory is predicted before anything is loaded; what cannot fit is refused by name."""

from __future__ import annotations

import pytest
import torch

from backend.models.layeranimate.bundle import build, tiny_config
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.models.layeranimate.sliced_decode import DecodeSlices
from backend.pipeline.live_storage import PeakMemory
from backend.pipeline.memory_plan import FAST, PLANS, MemoryPlan
from backend.pipeline.memory_prediction import PeakPrediction, choose_plan, predict_peak
from backend.pipeline.rehearsal import ClipSize, rehearse_decode, rehearse_encode, rehearse_steps
from shared.errors import AcetateError

FULL = LayerAnimateConfig()
TINY = tiny_config(4)
SIZE = (320, 512)
SMALL = (64, 128)


def _tiny(plan: MemoryPlan, slots: int = 3, keys: int = 2) -> PeakPrediction:
    return predict_peak(TINY, plan, slots, keys, SMALL, torch.float32)


def _full(plan: MemoryPlan, keys: int, slots: int = 4) -> PeakPrediction:
    return predict_peak(FULL, plan, slots, keys, SIZE, torch.bfloat16)


@pytest.mark.parametrize("keys", [1, 2])
@pytest.mark.parametrize("vram_gb", [12, 8])
def test_the_released_sizes_run_on_small_cards(keys: int, vram_gb: int) -> None:
    plan = choose_plan(FULL, vram_gb * 10**9, 4, keys, SIZE, torch.bfloat16)
    assert _full(plan, keys).total_bytes <= vram_gb * 10**9


def test_a_card_with_room_gets_the_fast_plan() -> None:
    assert choose_plan(FULL, None, 4, 2, SIZE, torch.bfloat16) is FAST
    assert choose_plan(FULL, 139 * 2**30, 4, 2, SIZE, torch.bfloat16) is FAST


def test_later_plans_need_no_more_than_earlier_ones() -> None:
    totals = [_full(plan, keys=2).total_bytes for plan in PLANS]
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] < totals[0] / 2


def test_the_weights_are_those_of_the_released_model() -> None:
    """6.48 GB with both autoencoders (spec 1), the float32 encoder of one, and the two towers."""
    found = _full(FAST, keys=1)
    assert found.weights_bytes == pytest.approx(6.31e9 + 0.167e9 + 0.068e9, rel=0.01)


def test_more_layers_and_a_second_key_need_more() -> None:
    assert _tiny(FAST, slots=3).total_bytes > _tiny(FAST, slots=1).total_bytes
    assert _tiny(FAST, keys=2).total_bytes > _tiny(FAST, keys=1).total_bytes


def test_nothing_that_fits_is_refused_before_loading_with_both_figures() -> None:
    with pytest.raises(AcetateError) as caught:
        choose_plan(FULL, 3 * 10**9, 4, 2, SIZE, torch.bfloat16)
    assert caught.value.name == "vram_too_small"
    assert "3.0 GB" in caught.value.text
    assert len(caught.value.text) <= 80
    assert caught.value.fix


@pytest.mark.parametrize(
    "plan",
    [
        FAST,
        MemoryPlan("slots", slot_by_slot=True, decode=DecodeSlices(1, 100_000)),
        MemoryPlan("halves", sequential_guidance=True, decode=DecodeSlices(2, 1 << 20)),
    ],
    ids=lambda plan: plan.name,
)
@pytest.mark.parametrize("keys", [1, 2])
def test_the_prediction_is_what_a_real_run_allocates(plan: MemoryPlan, keys: int) -> None:
    """The same stages with real numbers on the CPU, where attention is fused as well."""
    model = build(TINY, seed=0)
    memory = PeakMemory("cpu")
    for part in model.parts().values():
        memory.leave_out(part.state_dict().values())
    with torch.no_grad(), memory:
        clip = rehearse_encode(model, ClipSize(3, keys, *SMALL))
        memory.mark()
        rehearse_steps(model, clip, plan)
        sampled = memory.peak_bytes
        memory.mark()
        rehearse_decode(model, clip, plan)
        decoded = memory.peak_bytes
    weights = sum(
        tensor.nbytes for part in model.parts().values() for tensor in part.state_dict().values()
    )
    found = dict(
        predict_peak(TINY, plan, 3, keys, SMALL, torch.float32, tower_parameters=0).by_stage
    )
    assert found["sample"] - weights == pytest.approx(sampled, rel=0.05)
    assert found["decode"] - weights == pytest.approx(decoded, rel=0.05)
