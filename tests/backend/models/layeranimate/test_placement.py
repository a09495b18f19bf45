"""Parts rest on the host and come to the device when they are used, bit by bit the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from backend.models.layeranimate.bundle import LayerAnimateModel, build, tiny_config
from backend.pipeline.memory_plan import FAST, PLANS, STEP_PARTS, MemoryPlan

ELSEWHERE = torch.device("meta")
"""Stands for an accelerator: it holds shapes only, so what comes back must be the host's copy."""


@pytest.fixture
def model() -> LayerAnimateModel:
    return build(tiny_config(4), seed=0)


@pytest.fixture(params=[True, False], ids=["inference", "plain"])
def mode(request: pytest.FixtureRequest) -> Iterator[None]:
    with torch.inference_mode(mode=request.param):
        yield


def _devices(model: LayerAnimateModel) -> dict[str, set[str]]:
    return {
        name: {tensor.device.type for tensor in part.state_dict().values()}
        for name, part in model.parts().items()
    }


@pytest.mark.usefixtures("mode")
def test_only_what_is_used_is_on_the_device(model: LayerAnimateModel) -> None:
    plan = MemoryPlan("test", offloaded=("vae", "unet", "text_encoder"))
    before = {name: value.clone() for name, value in model.unet.state_dict().items()}
    plan.place(model, ELSEWHERE)
    assert model.device == ELSEWHERE
    assert model.placement.resting == {"vae", "unet"}
    assert _devices(model)["layer_controlnet"] == {"meta"}
    assert _devices(model)["unet"] == _devices(model)["vae"] == {"cpu"}
    for _ in range(2):
        with plan.using(model, "unet", "layer_controlnet"):
            assert _devices(model)["unet"] == {"meta"}
            assert _devices(model)["vae"] == {"cpu"}
    assert _devices(model)["unet"] == {"cpu"}
    after = model.unet.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_part_stays_until_whoever_brought_it_is_done(model: LayerAnimateModel) -> None:
    plan = MemoryPlan("test", offloaded=("unet",))
    plan.place(model, ELSEWHERE)
    with plan.using(model, "unet"):
        with plan.using(model, "unet"):
            assert not model.placement.resting
        assert _devices(model)["unet"] == {"meta"}
    assert _devices(model)["unet"] == {"cpu"}


def test_a_failure_sends_parts_back_too(model: LayerAnimateModel) -> None:
    plan = PLANS[-1]
    plan.place(model, ELSEWHERE)
    with pytest.raises(KeyError), plan.using(model, *STEP_PARTS):
        raise KeyError("stop")
    assert _devices(model)["unet"] == {"cpu"}


def test_on_the_cpu_nothing_rests(model: LayerAnimateModel) -> None:
    PLANS[-1].place(model, "cpu")
    assert not model.placement.resting
    with FAST.using(model, "unet"):
        assert _devices(model)["unet"] == {"cpu"}


def test_moving_the_model_ends_the_plan(model: LayerAnimateModel) -> None:
    PLANS[-1].place(model, ELSEWHERE)
    model.to("cpu", torch.float64)
    assert model.device.type == "cpu"
    assert not model.placement.resting
    assert model.dtype == torch.float64
