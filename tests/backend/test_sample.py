"""A clip is sampled reproducibly, reports what it does, and can be cancelled within a step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)

from backend.models.layeranimate.bundle import build, tiny_config
from backend.models.layeranimate.clip import ClipConditions, ClipProgress, SampleSettings
from backend.models.layeranimate.configs import AutoencoderConfig
from backend.models.layeranimate.generate import generate_clip
from backend.pipeline.condition import EncodedClip, encode, neutral_tokens, prepare
from backend.pipeline.decode import LatentColours
from backend.pipeline.sample import denoise, initial_noise
from shared.errors import AcetateError
from tests.backend.models.layeranimate.tiny import (
    FRAMES,
    HEIGHT,
    QUICK,
    WIDTH,
    clip_conditions,
    tiny_model,
    with_sketch,
)


@torch.inference_mode()
def _encoded(keys: int = 1) -> EncodedClip:
    model = tiny_model()
    return encode(model, prepare(clip_conditions(keys)), neutral_tokens(model))


def _generated(settings: SampleSettings = QUICK, keys: int = 1) -> np.ndarray:
    return generate_clip(tiny_model(), clip_conditions(keys), settings)


@pytest.mark.parametrize("keys", [1, 2])
def test_a_clip_comes_back_as_frames_between_0_and_1(keys: int) -> None:
    frames = generate_clip(tiny_model(), with_sketch(clip_conditions(keys)), QUICK)
    assert frames.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert frames.dtype == np.float32
    assert frames.min() >= 0
    assert frames.max() <= 1
    assert frames.std() > 0


def test_the_seed_decides_the_frames() -> None:
    first = _generated()
    assert np.array_equal(first, _generated())
    assert not np.array_equal(first, _generated(replace(QUICK, seed=4)))


def test_what_an_unused_slot_holds_does_not_matter() -> None:
    conditions = clip_conditions(1)
    masks = conditions.layer_masks.copy()
    masks[2] = 1
    busy = replace(conditions, layer_masks=masks, motion_scores=np.array([0, -1, 0.9], np.float32))
    assert np.array_equal(_generated(), generate_clip(tiny_model(), busy, QUICK))


def test_controls_change_the_frames() -> None:
    sketched = generate_clip(tiny_model(), with_sketch(clip_conditions(1)), QUICK)
    assert not np.array_equal(_generated(), sketched)


def test_a_clip_without_any_used_layer_is_generated_too() -> None:
    nobody = replace(clip_conditions(1), layer_validity=np.zeros(3, np.bool_))
    assert generate_clip(tiny_model(), nobody, QUICK).shape[0] == FRAMES


def test_progress_names_every_step_and_brings_previews() -> None:
    seen: list[ClipProgress] = []
    settings = replace(QUICK, steps=3, preview_every=2)
    generate_clip(tiny_model(), clip_conditions(1), settings, report=seen.append)
    steps = [p for p in seen if p.stage == "sample"]
    assert [(p.done, p.total) for p in steps] == [(1, 3), (2, 3), (3, 3)]
    assert [p.preview is not None for p in steps] == [False, True, False]
    assert steps[1].preview is not None
    assert steps[1].preview.shape == (HEIGHT // 8, WIDTH // 8, 3)
    order = [p.stage for p in seen]
    assert order == sorted(order, key=["encode", "sample", "decode"].index)
    assert all(seen[i].done == seen[i].total for i in (-1, len(seen) - 1))


def test_a_cancel_takes_effect_within_one_step() -> None:
    steps_done: list[int] = []

    def report(progress: ClipProgress) -> None:
        if progress.stage == "sample":
            steps_done.append(progress.done)

    def check() -> None:
        if steps_done and steps_done[-1] >= 2:
            raise AcetateError("cancelled")

    settings = replace(QUICK, steps=10)
    with pytest.raises(AcetateError) as caught:
        generate_clip(tiny_model(), clip_conditions(1), settings, check, report)
    assert caught.value.name == "cancelled"
    assert steps_done == [1, 2]


@torch.inference_mode()
def test_without_guidance_the_neutral_half_is_not_computed() -> None:
    clip = _encoded()
    settings = replace(QUICK, guidance_scale=1.0, eta=0.0)
    noise = initial_noise(clip, torch.Generator().manual_seed(0))
    single = list(denoise(tiny_model(), clip, settings, noise))
    assert single[0].predictions.shape[0] == 1
    nearly = replace(settings, guidance_scale=1.0 + 1e-9)
    both = list(denoise(tiny_model(), clip, nearly, noise))
    assert both[0].predictions.shape[0] == 2
    torch.testing.assert_close(single[-1].latents, both[-1].latents, rtol=0, atol=1e-4)


@torch.inference_mode()
def test_without_eta_no_fresh_noise_is_drawn() -> None:
    clip = _encoded()
    generator = torch.Generator().manual_seed(0)
    noise = initial_noise(clip, generator)
    before = generator.get_state()
    list(denoise(tiny_model(), clip, replace(QUICK, eta=0.0), noise, [generator]))
    assert torch.equal(generator.get_state(), before)


@torch.inference_mode()
def test_the_preview_reads_colours_out_of_latents_that_hold_them() -> None:
    clip = _encoded()
    small = F.interpolate(clip.key_frames, (HEIGHT // 8, WIDTH // 8), mode="area")[0]
    mixed = torch.cat([small.flip(0) * 0.1 + 0.3, small[:1] * 0.05])  # [4, h, w]
    latents = mixed[None, :, None].expand_as(clip.key_latents)
    picture = LatentColours(replace(clip, key_latents=latents)).picture(latents, 1)
    wanted = (small / 2 + 0.5).movedim(0, -1).numpy()
    np.testing.assert_allclose(picture, wanted, atol=0.01)


def test_an_impossible_number_of_steps_is_refused() -> None:
    with pytest.raises(AcetateError):
        _generated(replace(QUICK, steps=0))


def test_a_model_of_other_widths_and_length_makes_upright_clips() -> None:
    small = tiny_config(clip_frames=6)
    unet = replace(small.unet.trunk, channel_mult=(1, 2, 2, 4), context_dim=48)
    picture = AutoencoderConfig(channels=32, channel_mult=(1, 2, 2, 4), num_res_blocks=1)
    config = replace(
        small,
        unet=replace(small.unet, trunk=unet),
        control=replace(small.control, trunk=replace(unet, in_channels=5)),
        resampler=replace(small.resampler, output_dim=48),
        autoencoder=picture,
        dual=picture,
    )
    drawn = np.random.default_rng(0).random((2, 128, 64, 3), dtype=np.float32)
    conditions = ClipConditions(
        frames=drawn,
        layer_masks=np.ones((1, 2, 128, 64), np.float32),
        layer_static=np.array([True]),
        layer_validity=np.array([True]),
        motion_scores=np.zeros(1, np.float32),
        frames_count=6,
        fps=12.0,
    )
    frames = generate_clip(build(config, seed=0), conditions, replace(QUICK, steps=1))
    assert frames.shape == (6, 128, 64, 3)


def test_half_precision_stays_close_to_full() -> None:
    half = build(tiny_config(FRAMES), seed=0).to("cpu", torch.bfloat16)
    found = generate_clip(half, clip_conditions(1), QUICK)
    assert np.abs(found - _generated()).mean() < 0.02
