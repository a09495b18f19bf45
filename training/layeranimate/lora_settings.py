"""What of a LayerAnimate an adapter may change, as data of a recipe; free of torch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Target = Literal["decoder-attention", "attention", "decoder", "fusion", "control", "everything"]
Path = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_.]+$")]

_PROJECTION = r"(attn[12]|masked_layer_fusion_attn_list\.\d+)\.to_(q|k|v|out\.0|k_ip|v_ip)$"
PATTERNS: dict[Target, tuple[str, ...]] = {
    "decoder-attention": (rf"unet\.output_blocks\..*{_PROJECTION}",),
    "attention": (rf"unet\.(input|middle|output)_block.*{_PROJECTION}",),
    "decoder": (
        rf"unet\.output_blocks\..*{_PROJECTION}",
        r"unet\.output_blocks\..*\.(in_layers\.2|out_layers\.3|conv|proj_in|proj_out)$",
        r"unet\.output_blocks\..*\.ff\.net\.(0\.proj|2)$",
        r"unet\.out\.2$",
    ),
    "fusion": (
        rf"unet\..*{_PROJECTION.replace('attn[12]|', '')}",
        r"unet\.masked_layer_fusion_out_list\.\d+$",
    ),
    "control": (
        rf"layer_controlnet\..*{_PROJECTION}",
        r"layer_controlnet\.(motion|sketch|trajectory)_embedding",
    ),
    "everything": (r"(unet|layer_controlnet|image_projector)\.",),
}
"""Module paths by a named target.

decoder-attention  all attentions of the UNet's second half: the usual choice for a look
attention          those of the whole UNet
decoder            its second half with convolutions and feed-forwards: looks that change edges
fusion             how layers reach the UNet
control            what is read from sketches, tracks, scores
everything         each linear layer and convolution that can learn
"""


class LoraOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An adapter's size and place.

    `alpha`: the change is multiplied by alpha / rank. `modules`: further module paths, by their
    end. `dropout`: share of a layer's input channels that its adapter does not see in a step; with
    any, the number of processes changes what is learned. `name`, `about`: for people.
    """

    rank: Annotated[int, Meta(ge=1, le=1024)] = 16
    alpha: Annotated[float, Meta(gt=0.0, le=65_536)] = 16.0
    targets: tuple[Target, ...] = ("decoder-attention",)
    modules: tuple[Path, ...] = ()
    dropout: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.0
    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")] = "style"
    about: Annotated[str, Meta(max_length=500)] = ""

    def chosen(self, paths: Iterable[str]) -> list[str]:
        """Those module paths that the adapter changes."""
        patterns = [p for target in self.targets for p in PATTERNS[target]]
        return [
            path
            for path in paths
            if any(re.match(pattern, path) for pattern in patterns)
            or any(f".{path}".endswith(f".{end}") for end in self.modules)
        ]
