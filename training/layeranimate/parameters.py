"""Which parameters learn: named sets by key patterns, for the task's recipes (spec 6).

Blocks of the control branch that are in the checkpoint but never run are in no set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from torch import nn

from training.layeranimate.objective import LayerAnimateModule
from training.layeranimate.settings import TrainableSet

_CONTROL = r"layer_controlnet\."
_FUSION = r"unet\.masked_layer_fusion_(norm|attn|out)_list\."
_DECODER_ATTENTION = r"unet\.output_blocks\.\d+\.1\.(norm|proj_in|transformer_blocks|proj_out)\."
_DECODER_PICTURES = (
    r"unet\.output_blocks\.\d+\.0\.(in_layers|emb_layers|out_layers|skip_connection)\.",
    r"unet\.output_blocks\.\d+\.\d+\.conv\.",
)

PATTERNS: dict[TrainableSet, tuple[str, ...]] = {
    "v1": (_CONTROL, _FUSION, _DECODER_ATTENTION),
    "v1-wide": (_CONTROL, _FUSION, _DECODER_ATTENTION, *_DECODER_PICTURES),
    "iccv": (_CONTROL, _FUSION),
    "control-only": (_CONTROL, _FUSION),
    "all": (_CONTROL, r"unet\.", r"image_projector\."),
}
"""What each set holds.

v1            the branch with its motion and layer encoders, fusion, "the spatial layer in the
              decoder": its spatial transformers
v1-wide       the other reading of that: its 2-D residual parts and up-sampling too
iccv          the list of the conference version, which does not restate the decoder; fusion is
              new beside the base model and so has to be in it
control-only  the same by the name of `spec/performance.md` 7
all           everything but the autoencoder
"""


def dead_stages(module: LayerAnimateModule) -> str:
    """A pattern for the parameters of the control branch that never run (spec 0.3)."""
    branch = module.layer_controlnet
    numbers = "|".join(str(i) for i in range(branch.live, len(branch.input_blocks)))
    return rf"layer_controlnet\.input_blocks\.({numbers})\." if numbers else r"(?!)"


def names_of(module: LayerAnimateModule, chosen: TrainableSet) -> list[str]:
    """Names in `module.named_parameters()` that the set holds and that run."""
    dead = dead_stages(module)
    return [
        name
        for name, _ in module.named_parameters()
        if any(re.match(p, name) for p in PATTERNS[chosen]) and not re.match(dead, name)
    ]


def count(module: nn.Module, names: Iterable[str]) -> int:
    """How many numbers these parameters hold."""
    wanted = set(names)
    return sum(p.numel() for name, p in module.named_parameters() if name in wanted)
