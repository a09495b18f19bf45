"""Regional compilation of the two trunks' stages; called once after a model was placed.

One graph a stage and shape: far quicker to compile than a whole network, and the parts between them
(stores, guidance, memory plans) stay plain Python.
"""

from __future__ import annotations

from torch import _dynamo

from backend.models.layeranimate.blocks import Stage
from backend.models.layeranimate.bundle import LayerAnimateModel

_GRAPHS = 512
"""All stages share one forward: each stage times each shape in use needs a graph of its own."""


def compile_stages(model: LayerAnimateModel, backend: str = "inductor") -> int:
    """Compiles every stage of UNet and control branch when it first runs; returns how many.

    The first clip of a shape then takes minutes longer. `backend` is one of torch.compile's.
    """
    _dynamo.config.recompile_limit = _GRAPHS
    _dynamo.config.accumulated_recompile_limit = _GRAPHS
    stages = [
        module
        for network in (model.unet, model.control)
        for module in network.modules()
        if isinstance(module, Stage)
    ]
    for stage in stages:
        stage.compile(backend=backend, fullgraph=True, dynamic=False)
    return len(stages)
