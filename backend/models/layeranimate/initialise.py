"""Zeroes what the released architecture starts at zero; called once before training from scratch.

With it every residual branch starts as the identity, and the control branch and layer fusion start
without effect, so that a trained image model is not disturbed (spec 5.2 to 5.7, 5.10).
"""

from __future__ import annotations

import torch
from torch import nn

from backend.models.layeranimate.attention import SpatialTransformer, TemporalTransformer
from backend.models.layeranimate.blocks import ResBlock, TemporalConvolutions
from backend.models.layeranimate.dual_reference import EndFrames, ReferenceAttention
from backend.models.layeranimate.layer_control import LayerControl, TrajectoryEncoder
from backend.models.layeranimate.unet import UNet


@torch.no_grad()
def zero_starts(network: nn.Module) -> None:
    """Sets the closing layers of all branches inside `network` to zero, in place."""
    for module in network.modules():
        for closing in _closing_layers(module):
            for parameter in closing.parameters():
                parameter.zero_()


def _closing_layers(module: nn.Module) -> list[nn.Module]:
    """The layers right at the end of a module's branches."""
    match module:
        case ResBlock():
            return [module.out_layers[-1]]
        case TemporalConvolutions():
            return [module.conv4[-1]]
        case SpatialTransformer() | TemporalTransformer():
            return [module.proj_out]
        case UNet():
            return [module.out[-1], *module.masked_layer_fusion_out_list]
        case LayerControl() if not module.config.concatenate:
            return [module.motion_embedding, module.sketch_embedding]
        case TrajectoryEncoder():
            return [module.conv_out]
        case EndFrames():
            return [module.conv]
        case ReferenceAttention():
            return [module.to_out[0]]
        case _:
            return []
