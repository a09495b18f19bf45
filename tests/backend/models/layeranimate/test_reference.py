"""The plain computation and the one of production give the same pictures."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.models.layeranimate.bundle import LayerAnimateModel, build, tiny_config
from backend.models.layeranimate.clip import ClipConditions, ClipTokens
from backend.models.layeranimate.reference.sampling import (
    denoise_reference,
    encode_reference,
    reference_step,
)
from backend.pipeline.condition import encode, neutral_tokens, prepare
from backend.pipeline.sample import denoise, initial_noise
from shared.errors import AcetateError
from tests.backend.models.layeranimate.tiny import (
    FRAMES,
    QUICK,
    clip_conditions,
    tiny_model,
    with_sketch,
)

BAR = 1e-5


@lru_cache(maxsize=1)
def _precise_model() -> LayerAnimateModel:
    """In double precision what is left between two ways of computing is not rounding."""
    return build(tiny_config(FRAMES), seed=0).to("cpu", torch.float64)


def _tokens(model: LayerAnimateModel) -> ClipTokens:
    """Tokens that differ between the guidance halves."""
    drawn = np.random.default_rng(1)
    tokens = neutral_tokens(model)

    def random(like: np.ndarray) -> np.ndarray:
        return drawn.standard_normal(like.shape).astype(np.float32)

    return replace(tokens, text=random(tokens.text), image=random(tokens.image))


def _error(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).abs().max() / wanted.abs().max())


def _noise(shape: torch.Size) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(5))


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(6)


@torch.inference_mode()
@pytest.mark.parametrize("keys", [1, 2])
def test_every_step_of_a_clip_is_the_same(keys: int) -> None:
    """With a static slot, a steered one and one that is not used."""
    model = _precise_model()
    inputs, tokens = prepare(with_sketch(clip_conditions(keys))), _tokens(model)
    clip = encode(model, inputs, tokens)
    noise = _noise(clip.key_latents.shape)
    final = list(denoise(model, clip, QUICK, noise, [_generator()]))
    plain_clip = encode_reference(model, inputs, tokens)
    plain = list(denoise_reference(model, plain_clip, QUICK, noise, _generator()))
    assert [s.timestep for s in plain] == [s.timestep for s in final]
    for found, wanted in zip(final, plain, strict=True):
        assert _error(found.predictions, wanted.predictions) <= BAR
        assert _error(found.latents, wanted.latents) <= BAR
        assert _error(found.clean, wanted.clean) <= BAR


@torch.inference_mode()
@pytest.mark.parametrize("keys", [1, 2])
def test_single_precision_agrees_within_rounding(keys: int) -> None:
    model = tiny_model()
    clip = encode(model, prepare(with_sketch(clip_conditions(keys))), _tokens(model))
    noise = _noise(clip.key_latents.shape)
    first = next(denoise(model, clip, QUICK, noise, [_generator()]))
    plain = reference_step(model, clip, noise, first.timestep)
    assert _error(first.predictions, plain) <= BAR


@torch.inference_mode()
@pytest.mark.parametrize("keys", [1, 2])
def test_encoding_everything_gives_the_same_latents(keys: int) -> None:
    model = _precise_model()
    inputs, tokens = prepare(with_sketch(clip_conditions(keys))), _tokens(model)
    final, plain = encode(model, inputs, tokens), encode_reference(model, inputs, tokens)
    assert torch.equal(plain.validity, final.validity)
    pairs = {
        "latents": (final.controls.latents, plain.controls.latents),
        "mask": (final.controls.mask, plain.controls.mask),
        "scores": (final.controls.scores, plain.controls.scores),
        "sketch": (final.controls.sketch, plain.controls.sketch),
        "trajectory": (final.controls.trajectory, plain.controls.trajectory),
        "key_latents": (final.key_latents, plain.key_latents),
        "text": (final.context.text, plain.context.text),
        "image": (final.context.image, plain.context.image),
    }
    errors = {name: _error(*pair) for name, pair in pairs.items()}
    assert {n: e for n, e in errors.items() if not e <= BAR} == {}
    for found, wanted in zip(final.references or [], plain.references or [], strict=True):
        assert _error(found, wanted) <= BAR


@torch.inference_mode()
def test_without_guidance_one_half_is_computed() -> None:
    model = _precise_model()
    clip = encode_reference(model, prepare(clip_conditions(1)), _tokens(model))
    noise = _noise(clip.key_latents.shape)
    settings = replace(QUICK, guidance_scale=1.0, eta=0.0)
    plain = list(denoise_reference(model, clip, settings, noise))
    final = list(denoise(model, clip, settings, noise))
    assert plain[0].predictions.shape[0] == 1
    assert _error(final[-1].latents, plain[-1].latents) <= BAR


@torch.inference_mode()
def test_a_clip_without_any_used_layer_is_the_same() -> None:
    model = _precise_model()
    nobody: ClipConditions = replace(clip_conditions(1), layer_validity=np.zeros(3, np.bool_))
    clip = encode(model, prepare(nobody), _tokens(model))
    noise = _noise(clip.key_latents.shape)
    final = next(denoise(model, clip, QUICK, noise, [_generator()]))
    assert _error(final.predictions, reference_step(model, clip, noise, final.timestep)) <= BAR


@torch.inference_mode()
def test_the_reference_can_be_cancelled_between_steps() -> None:
    def cancelled() -> None:
        raise AcetateError("cancelled")

    model = tiny_model()
    clip = encode(model, prepare(clip_conditions(1)), neutral_tokens(model))
    noise = initial_noise(clip, _generator())
    with pytest.raises(AcetateError):
        next(denoise_reference(model, clip, QUICK, noise, check=cancelled))
