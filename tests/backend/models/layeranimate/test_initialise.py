"""Zero starts: fresh controls, fusion and residual branches begin without effect."""

from __future__ import annotations

from dataclasses import replace

import torch

from backend.models.layeranimate.bundle import build, tiny_config
from backend.models.layeranimate.initialise import zero_starts

from .tiny import FRAMES, random_context, random_controls, random_noise


@torch.inference_mode()
def test_scores_sketches_and_trajectories_start_without_effect() -> None:
    control = build(tiny_config(FRAMES), seed=1).control
    controls, others = random_controls(2), random_controls(2, seed=9)
    steered = replace(
        controls, scores=others.scores, sketch=others.sketch, trajectory=others.trajectory
    )
    assert not torch.equal(control.stem(controls).state, control.stem(steered).state)
    zero_starts(control)
    assert torch.equal(control.stem(controls).state, control.stem(steered).state)


@torch.inference_mode()
def test_fusion_and_the_prediction_start_at_zero() -> None:
    unet = build(tiny_config(FRAMES), seed=1).unet
    zero_starts(unet)
    fusion = unet.masked_layer_fusion_out_list
    assert all(torch.count_nonzero(p) == 0 for p in fusion.parameters())
    keys = unet.project_context(random_context(build(tiny_config(FRAMES), seed=1), 1))
    assert torch.count_nonzero(unet(random_noise(1), torch.tensor([519]), keys)) == 0


def test_a_residual_block_starts_as_its_shortcut() -> None:
    unet = build(tiny_config(FRAMES), seed=1).unet
    zero_starts(unet)
    closing = [v for k, v in unet.state_dict().items() if ".temopral_conv.conv4.3." in k]
    closing += [v for k, v in unet.state_dict().items() if ".out_layers.3." in k]
    assert closing
    assert all(torch.count_nonzero(value) == 0 for value in closing)
