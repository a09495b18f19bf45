"""The denoising network: what layers may and may not change in its prediction."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from backend.models.layeranimate.layer_control import LayerControl, LayerControls
from backend.models.layeranimate.unet import LayerFeatures, UNet

from .tiny import random_context, random_controls, random_noise, tiny_model

TIMES = torch.tensor([519])


@pytest.fixture(autouse=True)
def _no_gradients() -> object:
    with torch.inference_mode():
        yield


def _features(controls: LayerControls, times: Tensor = TIMES) -> list[Tensor]:
    control = tiny_model().control
    keys = control.project_context(random_context(tiny_model(), len(times)))
    return control.features(control.stem(controls), times, keys)


def _predict(layers: LayerFeatures | None, rows: int = 1, fps: Tensor | None = None) -> Tensor:
    unet = tiny_model().unet
    keys = unet.project_context(random_context(tiny_model(), rows))
    return unet(random_noise(rows), TIMES.expand(rows), keys, fps, layers)


def _all_valid(maps: list[Tensor]) -> LayerFeatures:
    return LayerFeatures(maps, torch.ones(maps[0].shape[:2], dtype=torch.bool))


def test_an_invalid_slot_does_not_matter() -> None:
    maps = _features(random_controls(3))
    masked = LayerFeatures(maps, torch.tensor([[True, False, True]]))
    dropped = _all_valid([m[:, [0, 2]] for m in maps])
    torch.testing.assert_close(_predict(masked), _predict(dropped), rtol=0, atol=1e-6)


def test_the_order_of_layers_does_not_matter() -> None:
    maps = _features(random_controls(3))
    turned = [m[:, [2, 0, 1]] for m in maps]
    torch.testing.assert_close(
        _predict(_all_valid(maps)), _predict(_all_valid(turned)), rtol=0, atol=1e-5
    )


def test_layers_change_the_prediction() -> None:
    maps = _features(random_controls(2))
    difference = (_predict(_all_valid(maps)) - _predict(None)).abs().max()
    assert difference > 1e-3


def test_a_clip_without_valid_layers_is_predicted_as_without_layers() -> None:
    maps = _features(random_controls(2))
    nobody = LayerFeatures(maps, torch.zeros(1, 2, dtype=torch.bool))
    assert torch.equal(_predict(nobody), _predict(None))


def test_the_official_treatment_of_no_valid_layers_is_the_mean_over_slots() -> None:
    config = replace(tiny_model().config.unet, uniform_when_all_invalid=True)
    official = UNet(config).eval()
    official.load_state_dict(tiny_model().unet.state_dict())
    keys = official.project_context(random_context(tiny_model(), 1))
    maps = _features(random_controls(1))
    twins = [m.repeat(1, 2, 1, 1, 1, 1) for m in maps]
    nobody = LayerFeatures(twins, torch.zeros(1, 2, dtype=torch.bool))
    found = official(random_noise(1), TIMES, keys, None, nobody)
    torch.testing.assert_close(found, _predict(_all_valid(maps)), rtol=0, atol=1e-5)


def test_rows_of_a_batch_do_not_touch_each_other() -> None:
    both = _predict(None, rows=2)
    unet = tiny_model().unet
    context = random_context(tiny_model(), 2)
    second = type(context)(context.text[1:], context.image[1:])
    alone = unet(random_noise(2)[1:], TIMES, unet.project_context(second))
    torch.testing.assert_close(both[1:], alone, rtol=0, atol=1e-5)


def test_an_absent_frame_rate_means_the_default_one() -> None:
    assert torch.equal(_predict(None), _predict(None, fps=torch.tensor([24.0])))
    assert not torch.equal(_predict(None), _predict(None, fps=torch.tensor([8.0])))


def test_control_features_of_a_slot_depend_on_that_slot_only() -> None:
    controls = random_controls(3)
    alone = controls.select(torch.tensor([1]))
    for together, single in zip(_features(controls), _features(alone), strict=True):
        torch.testing.assert_close(together[:, 1:2], single, rtol=0, atol=1e-5)


def test_one_stem_serves_several_time_steps() -> None:
    controls = random_controls(2)
    times = torch.tensor([999, 37])
    together = _features(controls, times)
    assert [m.shape[0] for m in together] == [2] * len(together)
    assert not torch.equal(together[-1][0], together[-1][1])


def test_blocks_that_nobody_reads_are_never_run() -> None:
    control = LayerControl(tiny_model().config.control).eval()
    dead = list(control.input_blocks)[control.live :]
    assert dead
    for block in dead:
        for parameter in block.parameters():
            parameter.fill_(float("nan"))
    keys = control.project_context(random_context(tiny_model(), 1))
    features = control.features(control.stem(random_controls(1)), TIMES, keys)
    assert all(bool(torch.isfinite(m).all()) for m in features)


def test_a_branch_that_reads_noisy_latents_demands_them() -> None:
    config = tiny_model().config.control
    wider = replace(config.trunk, in_channels=13)
    control = LayerControl(replace(config, trunk=wider, uses_noisy_latents=True))
    with pytest.raises(ValueError, match="noisy latents"):
        control.stem(random_controls(1))
