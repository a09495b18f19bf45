"""Captions and first frames steer what is learned once towers are named; without them, nothing."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.models.openclip.checkpoint import load_towers
from backend.models.openclip.encoder import TokenEncoder
from shared.errors import AcetateError
from tests.backend.models.openclip.small import sizes as tower_sizes
from tests.backend.models.openclip.small import write_openclip
from tests.training.layeranimate.moving import FRAMES, RULES, MovingClips, tiny_module
from training.layeranimate.latent_cache import CachedSamples, CacheKey, write_cache
from training.layeranimate.samples import LayerAnimateSamples
from training.layeranimate.sizes import NetworkSizes
from training.layeranimate.task import tiny_network
from training.layeranimate.tokens import OpenClipTokens
from training.run.feed import stacked

SIZES = NetworkSizes.of(tiny_network(FRAMES))


@pytest.fixture(scope="module")
def towers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_openclip(tmp_path_factory.mktemp("clip") / "towers", tower_sizes(SIZES.text[1]))


def _samples(towers: Path, dropout: float = 0.0) -> LayerAnimateSamples:
    import msgspec

    rules = msgspec.structs.replace(RULES, condition_dropout=dropout)
    return LayerAnimateSamples(MovingClips(2), rules, SIZES, OpenClipTokens(towers, SIZES))


def test_a_sample_has_the_tokens_that_inference_would_make(towers: Path) -> None:
    source = _samples(towers)
    sample = source.sample(0, np.random.default_rng(1))
    encoder = TokenEncoder(load_towers(towers))
    caption = MovingClips(2).clip(0).caption
    picture = sample["video"][0].movedim(0, -1).numpy().astype(np.float32) / np.float32(255)
    wanted = encoder(caption, "", picture.astype(np.float32))
    assert torch.equal(sample["text"], torch.from_numpy(wanted.text))
    assert torch.equal(sample["image"], torch.from_numpy(wanted.image))
    text, image = source.neutral()
    assert np.array_equal(text, wanted.neutral_text)
    assert np.array_equal(image, wanted.neutral_image)


def test_dropped_conditions_are_the_neutral_tokens(towers: Path) -> None:
    source = _samples(towers, dropout=0.3)
    text, image = (torch.from_numpy(tokens) for tokens in source.neutral())
    drawn = [source.sample(0, np.random.default_rng(seed)) for seed in range(12)]
    assert {bool(torch.equal(s["text"], text)) for s in drawn} == {True, False}
    assert {bool(torch.equal(s["image"], image)) for s in drawn} == {True, False}


def test_tokens_steer_the_loss_and_are_kept_with_the_latents(towers: Path, tmp_path: Path) -> None:
    module, source = tiny_module(), _samples(towers)
    key = CacheKey.of(source, module.vae, 1)
    cached = CachedSamples(write_cache(tmp_path, source, module, key), source, key)
    kept = cached.sample(0, np.random.default_rng(2))
    assert kept["text"].std() > 0
    neutral = dict(kept, text=torch.from_numpy(source.neutral()[0]))
    with torch.no_grad():
        losses = module(stacked([kept, neutral]))
    assert losses[0] != losses[1]


def test_other_towers_are_other_samples(towers: Path, tmp_path: Path) -> None:
    other = write_openclip(tmp_path / "other", tower_sizes(SIZES.text[1]), seed=1)
    names = {_samples(towers).fingerprint, _samples(other).fingerprint}
    plain = LayerAnimateSamples(MovingClips(2), RULES, SIZES)
    assert len(names | {plain.fingerprint}) == 3


def test_towers_of_another_width_are_refused(tmp_path: Path) -> None:
    wide = write_openclip(tmp_path / "wide", tower_sizes(2 * SIZES.text[1]))
    with pytest.raises(AcetateError) as caught:
        OpenClipTokens(wide, SIZES)
    assert caught.value.name == "usage"


def test_samples_travel_to_loader_processes(towers: Path) -> None:
    source = _samples(towers)
    again = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own, as processes are started
    first = source.sample(1, np.random.default_rng(3))
    second = again.sample(1, np.random.default_rng(3))
    assert all(torch.equal(first[name], second[name]) for name in first)
