"""Memory is predicted before anything is loaded; what cannot fit is refused by name."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from backend.measure.full_size import meta_clip, meta_model
from backend.measure.memory import PeakMemory
from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.bundle import build, tiny_config
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.models.layeranimate.layer_control import LayerControls
from backend.models.layeranimate.sliced_decode import DecodeSlices
from backend.pipeline.condition import EncodedClip
from backend.pipeline.memory_plan import FAST, PLANS, MemoryPlan
from backend.pipeline.memory_prediction import PeakPrediction, choose_plan, predict_peak
from backend.pipeline.rehearsal import rehearse_decode, rehearse_encode, rehearse_steps
from shared.errors import AcetateError

FULL = LayerAnimateConfig()
TINY = tiny_config(4)
SIZE = (320, 512)
SMALL = (64, 128)
THRIFTY = MemoryPlan(
    "", sequential_guidance=True, slot_by_slot=True, decode=DecodeSlices(2, 200_000)
)


def _tiny(plan: MemoryPlan, slots: int = 3, keys: int = 1) -> PeakPrediction:
    return predict_peak(TINY, plan, slots, keys, SMALL, torch.float32, tower_parameters=0)


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


def test_more_layers_need_more() -> None:
    assert _tiny(FAST, slots=3).total_bytes > _tiny(FAST, slots=1).total_bytes


def test_nothing_that_fits_is_refused_before_loading_with_both_figures() -> None:
    with pytest.raises(AcetateError) as caught:
        choose_plan(FULL, 3 * 10**9, 4, 2, SIZE, torch.bfloat16)
    assert caught.value.name == "vram_too_small"
    assert "3.0 GB" in caught.value.text
    assert len(caught.value.text) <= 80
    assert caught.value.fix


@pytest.mark.parametrize(("keys", "plan"), [(1, FAST), (2, THRIFTY)])
def test_the_prediction_is_what_a_real_run_allocates(keys: int, plan: MemoryPlan) -> None:
    """The same stages with real numbers on the CPU, where attention is fused as well."""
    model = build(TINY, seed=0)
    clip = _on_cpu(meta_clip(meta_model(TINY, torch.float32), 3, 3, keys, SMALL))
    stages = {"sample": rehearse_steps, "decode": rehearse_decode, "encode": rehearse_encode}
    found = predict_peak(TINY, plan, 3, keys, SMALL, torch.float32, tower_parameters=0)
    clip_bytes = sum(tensor.nbytes for tensor in _tensors(clip))
    for stage, rehearse in stages.items():
        with PeakMemory() as memory:
            rehearse(model, clip, plan)
        real = found.weights_bytes + clip_bytes + memory.above_bytes
        assert dict(found.by_stage)[stage] == pytest.approx(real, rel=0.01), stage


def _tensors(clip: EncodedClip) -> list[torch.Tensor]:
    plain = [clip.key_latents, *vars(clip.controls).values(), *vars(clip.context).values()]
    return [*plain, *(clip.references or ())]


def _on_cpu(clip: EncodedClip) -> EncodedClip:
    """The same clip with zeros in it."""

    def zeros(tensor: torch.Tensor) -> torch.Tensor:
        return torch.zeros(tensor.shape, dtype=tensor.dtype)

    return replace(
        clip,
        key_latents=zeros(clip.key_latents),
        controls=LayerControls(**{k: zeros(v) for k, v in vars(clip.controls).items()}),
        context=Context(zeros(clip.context.text), zeros(clip.context.image)),
        fps=torch.ones(1),
        references=None if clip.references is None else [zeros(x) for x in clip.references],
    )
