"""Regional compilation of the two trunks' stages; called once after a model was placed.

One graph a stage and shape: far quicker to compile than a whole network, and the parts between them
(stores, guidance, memory plans) stay plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, _dynamo

from backend.models.layeranimate.blocks import Stage
from backend.models.layeranimate.bundle import LayerAnimateModel

COMPILE = "ACETATE_COMPILE"
"""Environment variable: 1 compiles the stages, `graphs` also records them as CUDA graphs."""

GRAPHS = "graphs"

_GRAPHS = 512
"""All stages share one forward: each stage times each shape in use needs a graph of its own."""


def compile_as_wished(model: LayerAnimateModel, wish: str) -> int:
    """Compiles as `ACETATE_COMPILE` says; returns how many stages (0: nothing was wished).

    CUDA graphs need a CUDA device and weights that stay where they are; elsewhere, and under plans
    that offload them, `graphs` means plain compilation.
    """
    if wish not in ("1", GRAPHS):
        return 0
    stays = not model.placement.resting & {"unet", "layer_controlnet"}
    if wish == GRAPHS and model.device.type == "cuda" and stays:
        return record_stages(model)
    return compile_stages(model)


def compile_stages(
    model: LayerAnimateModel, backend: str = "inductor", mode: str | None = None
) -> int:
    """Compiles every stage of UNet and control branch when it first runs; returns how many.

    The first clip of a shape then takes minutes longer. `backend` and `mode` are torch.compile's.
    """
    _dynamo.config.recompile_limit = _GRAPHS
    _dynamo.config.accumulated_recompile_limit = _GRAPHS
    stages = _stages(model)
    for stage in stages:
        stage.compile(backend=backend, mode=mode, fullgraph=True, dynamic=False)
    return len(stages)


def record_stages(
    model: LayerAnimateModel,
    backend: str = "inductor",
    mode: str | None = "reduce-overhead",
) -> int:
    """Compiles every stage and replays it as a CUDA graph of its shape; returns how many.

    Each shape (size, layers, guidance halves, seeds) gets graphs of its own, recorded when it first
    comes. A graph writes its results to the same memory each time, so what leaves a stage is
    copied out: skips, and features that a store keeps, outlive the next replay. Every outermost
    stage call marks a new step: nothing of an earlier one is still read in graph memory.
    """
    count = compile_stages(model, backend, mode)
    for stage in _stages(model):
        compiled = stage._compiled_call_impl
        if compiled is not None:
            stage._compiled_call_impl = _copied_out(compiled)
    return count


def _stages(model: LayerAnimateModel) -> Sequence[Stage]:
    return [
        module
        for network in (model.unet, model.control)
        for module in network.modules()
        if isinstance(module, Stage)
    ]


def _copied_out(call: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A compiled stage whose result belongs to the caller."""

    def run(*inputs: object, **named: object) -> Tensor:
        torch.compiler.cudagraph_mark_step_begin()
        return call(*inputs, **named).clone()

    return run
