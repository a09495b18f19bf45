"""Stages compile whole, and compiled ones give what plain ones give."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.models.layeranimate.attention import Context, Grid
from backend.models.layeranimate.blocks import Stage
from backend.models.layeranimate.bundle import LayerAnimateModel, build, tiny_config
from backend.models.layeranimate.compiled import (
    compile_as_wished,
    compile_stages,
    record_stages,
)
from backend.models.layeranimate.generate import generate_clip
from backend.pipeline.feature_store.budget import StoreBudget
from backend.pipeline.feature_store.store import open_store

from .tiny import FRAMES, QUICK, clip_conditions, random_context


def _through_stage(model: LayerAnimateModel, x: Tensor) -> Tensor:
    context = random_context(model, rows=2)
    stage = model.unet.input_stages()[1]
    device = model.device
    text, image = context.text.to(device), context.image.to(device)
    embedding = model.unet.embed(torch.tensor([519], device=device), None)
    return stage(x.to(device), embedding, stage.project(Context(text, image)), Grid(1, FRAMES))


def _picture(seed: int) -> Tensor:
    x = torch.randn(FRAMES, 64, 8, 16, generator=torch.Generator().manual_seed(seed))
    return x.contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def test_a_stage_is_one_graph_and_gives_the_same() -> None:
    """Captured and run operation by operation: no compiler for the processor is needed."""
    plain, compiled = (build(tiny_config(FRAMES), seed=0).ready() for _ in range(2))
    assert compile_stages(compiled, backend="aot_eager") == 2 * 8 + 1 + 8
    found, wanted = (_through_stage(model, _picture(0)) for model in (compiled, plain))
    assert found.shape[0] == 2 * FRAMES  # the contexts have parted the halves
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_what_leaves_a_recorded_stage_outlives_its_next_replay() -> None:
    plain, recorded = (build(tiny_config(FRAMES), seed=0).ready() for _ in range(2))
    assert record_stages(recorded, backend="aot_eager", mode=None) == 2 * 8 + 1 + 8
    first = _through_stage(recorded, _picture(0))
    kept = first.clone()
    second = _through_stage(recorded, _picture(1))
    assert first.data_ptr() != second.data_ptr()
    assert torch.equal(first, kept)
    torch.testing.assert_close(first, _through_stage(plain, _picture(0)), rtol=0, atol=1e-5)
    torch.testing.assert_close(second, _through_stage(plain, _picture(1)), rtol=0, atol=1e-5)


def test_graphs_are_wished_for_by_name_and_plain_compilation_where_there_is_no_cuda() -> None:
    model = build(tiny_config(FRAMES), seed=0)
    stages = [m for m in model.unet.modules() if isinstance(m, Stage)]
    for wish in ("", "0", "yes"):
        assert compile_as_wished(model, wish) == 0
    assert all(stage._compiled_call_impl is None for stage in stages)
    assert compile_as_wished(model, "graphs") == 2 * 8 + 1 + 8  # compiles when it first runs


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@torch.inference_mode()
def test_cuda_graphs_paint_the_same_clip_and_keep_the_same_features() -> None:
    plain, recorded = (build(tiny_config(FRAMES), seed=0).to("cuda").ready() for _ in range(2))
    compile_as_wished(recorded, "graphs")
    wanted = generate_clip(plain, clip_conditions(1), QUICK)
    store = open_store(StoreBudget(host_bytes=1 << 30))
    for _ in range(3):  # the second run records, the third replays; the store has all features then
        found = generate_clip(recorded, clip_conditions(1), QUICK, store=store)
        assert abs(found - wanted).max() < 2e-3
        found = generate_clip(recorded, clip_conditions(1), QUICK)
        assert abs(found - wanted).max() < 2e-3
