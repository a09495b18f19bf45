"""Work and calls come out as counted by hand, for single layers and for whole models."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import nn

from backend.measure.calls import Calls, layeranimate_calls
from backend.measure.flops import flops
from backend.measure.full_size import meta_clip, meta_model, meta_noise
from backend.measure.traffic import traffic
from backend.models.layeranimate.bundle import tiny_config
from backend.models.layeranimate.clip import SampleSettings
from backend.models.layeranimate.reference.sampling import (
    denoise_reference,
    encode_reference,
    reference_step,
)
from backend.pipeline.condition import ClipInputs, encode, neutral_tokens, prepare
from backend.pipeline.decode import decode
from backend.pipeline.sample import denoise, initial_noise
from tests.backend.models.layeranimate.tiny import FRAMES, QUICK, clip_conditions, tiny_model

devices = pytest.mark.parametrize("device", ["cpu", "meta"])


@devices
def test_products_convolutions_and_attention_count_two_per_multiply_add(device: str) -> None:
    x = torch.zeros(2, 3, 10, 10, device=device)
    weight = torch.zeros(5, 3, 3, 3, device=device)
    assert flops(lambda: F.conv2d(x, weight, padding=1)) == 2 * 2 * 100 * 5 * 27
    assert flops(lambda: F.linear(x, torch.zeros(7, 10, device=device))) == 2 * 60 * 10 * 7
    line, kernel = torch.zeros(2, 3, 4, 6, 6, device=device), torch.zeros(5, 3, 3, 1, 1)
    convolved = flops(lambda: F.conv3d(line, kernel.to(device), padding=(1, 0, 0)))
    assert convolved == 2 * 2 * 4 * 36 * 5 * 9
    assert flops(lambda: x + x) == 0


@devices
@pytest.mark.parametrize("grad", [False, True])
def test_attention_counts_both_products_on_every_device(device: str, grad: bool) -> None:
    q = torch.zeros(2, 4, 100, 16, device=device).requires_grad_(grad)
    k, v = torch.zeros(2, 4, 30, 16, device=device), torch.zeros(2, 4, 30, 16, device=device)
    found = flops(lambda: F.scaled_dot_product_attention(q, k, v))
    assert found == 2 * 2 * (2 * 4) * 100 * 30 * 16


def test_calls_are_summed_by_name_while_entered() -> None:
    a, b = nn.Linear(3, 3), nn.Linear(3, 3)
    calls = Calls().watch("rows", a).watch("rows", b).watch("wide", b, lambda _: 10)
    with calls:
        b(a(torch.zeros(4, 3)))
        a(torch.zeros(1, 3))
    a(torch.zeros(9, 3))
    assert calls.amounts == {"rows": 9, "wide": 10}
    assert calls.calls == {"rows": 3, "wide": 1}


@torch.inference_mode()
def test_a_job_calls_each_network_as_often_as_it_must() -> None:
    model = tiny_model()
    with layeranimate_calls(model) as calls:
        clip = encode(model, prepare(clip_conditions(1)), neutral_tokens(model))
        noise = initial_noise(clip, torch.Generator().manual_seed(0))
        steps = list(denoise(model, clip, replace(QUICK, eta=0.0), noise))
        decode(model, clip, steps[-1].latents)
    # two used regions, one empty region, one blank sheet, one frame
    assert calls.amounts["encoded_pictures"] == 5
    assert calls.amounts["control_clips"] == 2 * 2 * QUICK.steps  # valid slots, halves, steps
    assert calls.amounts["unet_clips"] == 2 * QUICK.steps
    assert calls.amounts["decoded_frames"] == FRAMES


@torch.inference_mode()
@pytest.mark.parametrize("keys", [1, 2])
def test_the_reference_computes_every_picture_and_every_slot(keys: int) -> None:
    model = tiny_model()
    with layeranimate_calls(model) as calls:
        clip = encode_reference(model, prepare(clip_conditions(keys)), neutral_tokens(model))
        noise = initial_noise(clip, torch.Generator().manual_seed(0))
        list(denoise_reference(model, clip, QUICK, noise))
    assert calls.amounts["encoded_pictures"] == 3 * keys + 3 * FRAMES + keys
    assert clip.encoded_pictures == calls.amounts["encoded_pictures"]
    assert calls.amounts["control_clips"] == 3 * 2 * QUICK.steps
    assert calls.amounts["unet_clips"] == 2 * QUICK.steps


@pytest.mark.parametrize("keys", [1, 2])
def test_whole_clips_run_without_content(keys: int) -> None:
    model = meta_model(tiny_config(FRAMES), torch.float32)
    clip = meta_clip(model, slots=3, valid=[True, False, True], keys=keys, size=(64, 128))
    settings = SampleSettings(steps=2)
    steps = list(denoise_reference(model, clip, settings, meta_noise(clip)))
    assert [s.predictions.shape for s in steps] == [(2, 4, FRAMES, 8, 16)] * 2
    assert [s.latents.shape for s in steps] == [(1, 4, FRAMES, 8, 16)] * 2
    assert steps[-1].latents.device.type == "meta"
    encoded = encode_reference(model, prepare(clip_conditions(keys)), neutral_tokens(model))
    assert encoded.controls.latents.shape == clip.controls.latents.shape
    assert encoded.key_latents.shape == clip.key_latents.shape
    assert (encoded.references is None) == (clip.references is None) == (keys == 1)


def test_counts_do_not_depend_on_content() -> None:
    real = tiny_model()
    clip = encode_reference(real, prepare(clip_conditions(1)), neutral_tokens(real))
    empty = meta_model(tiny_config(FRAMES), torch.float32)
    shape = meta_clip(empty, 3, 2, size=(64, 128))
    latents = torch.zeros(clip.key_latents.shape)
    here = flops(lambda: reference_step(real, clip, latents, 999))
    there = flops(lambda: reference_step(empty, shape, meta_noise(shape), 999))
    assert here == there > 0


def test_the_full_size_reference_costs_what_the_official_code_does() -> None:
    model = meta_model()
    clip = meta_clip(model, slots=4, valid=4)
    noise = meta_noise(clip)

    def step() -> torch.Tensor:
        return reference_step(model, clip, noise, 999)

    assert flops(step) == pytest.approx(65.13e12, rel=0.01)
    moved = traffic(step)
    assert moved.bytes == pytest.approx(590e9, rel=0.02)
    assert moved.kernels == pytest.approx(3217, rel=0.03)


@pytest.mark.parametrize(("keys", "pictures", "tflops"), [(1, 69, 47.6), (2, 74, 51.1)])
def test_the_full_size_reference_encodes_every_picture(
    keys: int, pictures: int, tflops: float
) -> None:
    """Blank sketch frames and empty regions too, as the official code does (spec 9)."""
    model = meta_model()
    slots, frames, size = 4, model.clip_frames, (3, 320, 512)

    def empty(*shape: int) -> torch.Tensor:
        return torch.empty(shape, device="meta")

    inputs = ClipInputs(
        frames=empty(keys, *size),
        masks=empty(slots, keys, 1, *size[1:]),
        regions=empty(slots, keys, *size),
        static=torch.tensor([True, False, False, False]),
        validity=torch.tensor([True, True, True, False]),
        scores=empty(slots),
        sketch=empty(slots, frames, *size),
        trajectory=empty(slots, frames, *size),
        fps=24.0,
    )
    with layeranimate_calls(model) as calls:
        work = flops(lambda: encode_reference(model, inputs, neutral_tokens(model)))
    assert calls.amounts["encoded_pictures"] == pictures
    assert work == pytest.approx(tflops * 1e12, rel=0.01)
