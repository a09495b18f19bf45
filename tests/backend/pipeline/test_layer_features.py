"""Features come from the store where it has them, and the pictures never notice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.measure.calls import layeranimate_calls
from backend.models.layeranimate.bundle import LayerAnimateModel, build, tiny_config
from backend.models.layeranimate.clip import ClipConditions, ClipTokens, SampleSettings
from backend.models.layeranimate.generate import generate_clip, generate_takes
from backend.pipeline.condition import neutral_tokens
from backend.pipeline.feature_store.budget import StoreBudget
from backend.pipeline.feature_store.contract import TensorStore
from backend.pipeline.feature_store.store import open_store
from tests.backend.models.layeranimate.tiny import FRAMES, QUICK, clip_conditions, with_sketch

ROUNDING = 2e-5
"""Another batch size rounds differently; pictures are in 0..1."""


@pytest.fixture
def store() -> TensorStore:
    return open_store(StoreBudget(host_bytes=1 << 30))


def _model(seed: int = 0) -> LayerAnimateModel:
    return build(tiny_config(FRAMES), seed=seed)


def _shot() -> ClipConditions:
    return with_sketch(clip_conditions(1))


def _work(
    model: LayerAnimateModel,
    conditions: ClipConditions,
    store: TensorStore | None,
    settings: SampleSettings = QUICK,
) -> tuple[np.ndarray, int, int]:
    """Frames, clips through the control branch, pictures through the encoder."""
    with layeranimate_calls(model) as calls:
        frames = generate_clip(model, conditions, settings, store=store)
    return frames, calls.amounts["control_clips"], calls.amounts["encoded_pictures"]


def test_a_store_changes_no_bit_of_the_first_run_nor_of_its_repetition(store: TensorStore) -> None:
    model = _model()
    without, all_clips, _ = _work(model, _shot(), None)
    first, first_clips, _ = _work(model, _shot(), store)
    again, no_clips, no_pictures = _work(model, _shot(), store)
    assert np.array_equal(first, without)
    assert np.array_equal(again, without)
    assert first_clips == all_clips == 2 * 2 * QUICK.steps
    assert no_clips == 0
    # the key frame itself is encoded again for nothing else than its latents, which are kept too
    assert no_pictures == 0


def test_another_seed_computes_no_features(store: TensorStore) -> None:
    model = _model()
    _work(model, _shot(), store)
    other = replace(QUICK, seed=11)
    found, clips, pictures = _work(model, _shot(), store, other)
    assert (clips, pictures) == (0, 0)
    assert np.array_equal(found, generate_clip(model, _shot(), other))


def test_an_edit_computes_the_edited_layer_only(store: TensorStore) -> None:
    model = _model()
    _work(model, _shot(), store)
    scores = np.array([0.0, 0.7, -1.0], np.float32)
    edited = replace(_shot(), motion_scores=scores)
    found, clips, pictures = _work(model, edited, store)
    assert clips == 2 * QUICK.steps  # one slot, two halves
    assert pictures == 0
    assert np.abs(found - generate_clip(model, edited, QUICK)).max() < ROUNDING


def test_another_prompt_keeps_the_neutral_half(store: TensorStore) -> None:
    model = _model()
    neutral = neutral_tokens(model)
    _work(model, replace(_shot(), tokens=neutral), store)
    prompt = replace(neutral, text=np.ones_like(neutral.text))
    found, clips, _ = _work(model, replace(_shot(), tokens=prompt), store)
    assert clips == 2 * QUICK.steps  # two slots, the prompted half
    plain = generate_clip(model, replace(_shot(), tokens=prompt), QUICK)
    assert np.abs(found - plain).max() < ROUNDING


@pytest.mark.parametrize(
    "changed",
    [
        lambda shot: replace(shot, fps=12.0),
        lambda shot: replace(shot, layer_static=np.array([False, False, False])),
        lambda shot: replace(shot, frames=1 - shot.frames),
        lambda shot: replace(shot, tracks=tuple(track + 3 for track in shot.tracks)),
        lambda shot: replace(shot, sketch=None),
    ],
)
def test_whatever_steers_a_layer_is_part_of_its_key(
    store: TensorStore, changed: ClipConditions
) -> None:
    model = _model()
    _work(model, _shot(), store)
    assert callable(changed)
    other = changed(_shot())
    found, clips, _ = _work(model, other, store)
    assert clips > 0
    assert np.abs(found - generate_clip(model, other, QUICK)).max() < ROUNDING


def test_models_never_share_features(store: TensorStore) -> None:
    _work(_model(0), _shot(), store)
    other = _model(1)
    found, clips, pictures = _work(other, _shot(), store)
    assert clips > 0
    assert pictures > 0
    assert np.array_equal(found, generate_clip(other, _shot(), QUICK))


def test_seeds_in_one_batch_share_the_features_and_give_what_each_gives_alone() -> None:
    model = _model()
    with layeranimate_calls(model) as calls:
        takes = generate_takes(model, _shot(), QUICK, seeds=(3, 4, 9))
    assert calls.amounts["control_clips"] == 2 * 2 * QUICK.steps
    for seed, frames in zip((3, 4, 9), takes, strict=True):
        alone = generate_clip(model, _shot(), replace(QUICK, seed=seed))
        assert np.abs(frames - alone).max() < ROUNDING
    assert not np.array_equal(takes[0], takes[1])


def test_held_features_and_a_guidance_interval_save_what_they_promise() -> None:
    model = _model()
    settings = replace(QUICK, steps=8, features_every=4, guidance_interval=(0.0, 0.5))
    with layeranimate_calls(model) as calls:
        found = generate_clip(model, _shot(), settings)
    # features at steps 0 (both halves) and 4 (prompted only); two slots
    assert calls.amounts["control_clips"] == 2 * 2 + 2
    assert calls.amounts["unet_clips"] == 2 * 4 + 4
    assert not np.array_equal(found, generate_clip(model, _shot(), replace(QUICK, steps=8)))


def test_tokens_of_another_first_frame_are_part_of_the_key(store: TensorStore) -> None:
    model = _model()
    tokens: ClipTokens = neutral_tokens(model)
    _work(model, replace(_shot(), tokens=tokens), store)
    other = replace(tokens, image=np.ones_like(tokens.image))
    _, clips, _ = _work(model, replace(_shot(), tokens=other), store)
    assert clips == 2 * QUICK.steps


def _noise_reading_model() -> LayerAnimateModel:
    config = tiny_config(FRAMES)
    trunk = replace(config.control.trunk, in_channels=13)
    control = replace(config.control, trunk=trunk, uses_noisy_latents=True)
    return build(replace(config, control=control), seed=0)


def test_seeds_of_a_branch_that_reads_the_noisy_latents_share_nothing() -> None:
    model = _noise_reading_model()
    takes = generate_takes(model, _shot(), QUICK, seeds=(3, 4))
    for seed, frames in zip((3, 4), takes, strict=True):
        assert np.array_equal(frames, generate_clip(model, _shot(), replace(QUICK, seed=seed)))
    assert not np.array_equal(takes[0], takes[1])


@torch.inference_mode()
def test_a_branch_that_reads_the_noisy_latents_keeps_nothing(store: TensorStore) -> None:
    model = _noise_reading_model()
    first, clips, _ = _work(model, _shot(), store)
    again, clips_again, _ = _work(model, _shot(), store)
    assert clips == clips_again == 2 * 2 * QUICK.steps
    assert np.array_equal(first, again)
