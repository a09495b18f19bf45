"""The layer control branch computed plainly (spec 5.7): every slot, every block, every step.

Called by the reference sampler and by the golden checks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from backend.models.layeranimate.attention import Context, SpatialTransformer
from backend.models.layeranimate.layer_control import (
    LayerControl,
    LayerControls,
    TrajectoryEncoder,
)
from backend.models.layeranimate.reference.blocks import (
    context_of_images,
    convolve,
    embedding_of_images,
    mix_frames,
    run_stage,
)


def control_features(
    branch: LayerControl,
    controls: LayerControls,
    context: Context,
    timesteps: Tensor,
    fps: Tensor | None = None,
    noisy: Tensor | None = None,
) -> list[Tensor]:
    """Features of every slot, finest first, each [rows, n, frames, c, h, w].

    Controls, context, timesteps and fps have one row per guidance half. `noisy`
    [rows, 8, frames, h, w] is the UNet's input, for checkpoints whose branch reads it.
    """
    rows, slots, frames = controls.latents.shape[:3]
    seen = context_of_images(context, videos=slots)
    embedding = embedding_of_images(branch, timesteps, fps, images=rows * slots * frames)
    stages = list(branch.input_blocks)
    x = _first_map(branch, controls, noisy)
    x = mix_frames(branch, x, frames)
    found: list[Tensor] = []
    for module in stages[1:]:
        stage = list(cast("Iterable[nn.Module]", module))
        x = run_stage(stage, x, embedding, seen, frames)
        if any(isinstance(part, SpatialTransformer) for part in stage):
            found.append(x.unflatten(0, (rows, slots, frames)))
    return found


def _first_map(branch: LayerControl, controls: LayerControls, noisy: Tensor | None) -> Tensor:
    """Controls of all slots as the first feature map [rows * n * frames, c, h, w]."""
    slots, frames = controls.latents.shape[1:3]
    mask = controls.mask.flatten(0, 2)
    base = [controls.latents.flatten(0, 2), mask]
    if branch.config.uses_noisy_latents:
        if noisy is None:
            raise ValueError("this control branch reads the noisy latents")
        wide = noisy.transpose(1, 2).unsqueeze(1).repeat(1, slots, 1, 1, 1, 1)
        base = [wide.flatten(0, 2), *base]
    scores = controls.scores.flatten().repeat_interleave(frames)[:, None, None, None]
    score_map = scores.to(mask.dtype) * torch.ones_like(mask)
    embedded = [
        convolve(branch.motion_embedding, torch.cat([score_map, mask], dim=1)),
        convolve(branch.sketch_embedding, controls.sketch.flatten(0, 2)),
        _trajectory(branch.trajectory_embedding, controls.trajectory.flatten(0, 2)),
    ]
    first = cast("nn.ModuleList", branch.input_blocks[0])[0]
    if branch.config.concatenate:
        return convolve(first, torch.cat([*base, *embedded], dim=1))
    x = convolve(first, torch.cat(base, dim=1))
    for part in embedded:
        x = x + part
    return x


def _trajectory(module: nn.Module, x: Tensor) -> Tensor:
    """Trajectory maps [images, 3, H, W], all at once, to an eighth of their size."""
    if not isinstance(module, TrajectoryEncoder):
        return convolve(module, x)
    x = F.silu(convolve(module.conv_in, x))
    for index, layer in enumerate(module.blocks):
        x = F.silu(convolve(layer, x, stride=1 + index % 2))
    return convolve(module.conv_out, x)
