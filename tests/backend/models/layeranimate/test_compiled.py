"""Stages compile whole, and compiled ones give what plain ones give."""

from __future__ import annotations

import torch

from backend.models.layeranimate.attention import Grid
from backend.models.layeranimate.bundle import build, tiny_config
from backend.models.layeranimate.compiled import compile_stages

from .tiny import FRAMES, random_context


def test_a_stage_is_one_graph_and_gives_the_same() -> None:
    """Captured and run operation by operation: no compiler for the processor is needed."""
    plain, compiled = (build(tiny_config(FRAMES), seed=0).ready() for _ in range(2))
    assert compile_stages(compiled, backend="aot_eager") == 2 * 8 + 1 + 8
    context = random_context(plain, rows=2)
    x = torch.randn(FRAMES, 64, 8, 16, generator=torch.Generator().manual_seed(0))
    x = x.contiguous(memory_format=torch.channels_last)
    results = []
    with torch.inference_mode():
        for model in (plain, compiled):
            stage = model.unet.input_stages()[1]
            embedding = model.unet.embed(torch.tensor([519]), None)
            results.append(stage(x, embedding, stage.project(context), Grid(1, FRAMES)))
    assert results[0].shape[0] == 2 * FRAMES  # the contexts have parted the halves
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=1e-5)
