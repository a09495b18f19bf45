"""Conditions become the model's inputs as specified, and wrong ones become clear errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.models.layeranimate.allocate import allocate
from backend.models.layeranimate.clip import ClipConditions, ClipProgress
from backend.pipeline.condition import EncodedClip, encode, neutral_tokens, prepare
from shared.errors import AcetateError
from tests.backend.models.layeranimate.tiny import (
    FRAMES,
    HEIGHT,
    WIDTH,
    clip_conditions,
    tiny_model,
    with_sketch,
)


@torch.inference_mode()
def _encoded(conditions: ClipConditions, seed: int | None = None) -> EncodedClip:
    model = tiny_model()
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return encode(model, prepare(conditions), neutral_tokens(model), generator)


def test_outside_its_mask_a_layer_is_mid_grey() -> None:
    inputs = prepare(clip_conditions(1))
    assert torch.count_nonzero(inputs.regions[1, 0, :, :20]) == 0
    inside = inputs.regions[1, 0, :, 20:50, 70:110]
    assert torch.equal(inside, inputs.frames[0, :, 20:50, 70:110])


def test_a_layers_own_picture_wins_over_the_frame() -> None:
    conditions = clip_conditions(1)
    own = np.ones((3, 1, HEIGHT, WIDTH, 3), np.float32)
    inputs = prepare(replace(conditions, layer_regions=own))
    assert (inputs.regions[1, 0, :, 20:50, 70:110] == 1).all()


def test_no_sketch_is_blank_paper() -> None:
    assert (prepare(clip_conditions(1)).sketch == 1).all()


@pytest.mark.parametrize("keys", [1, 2])
def test_moving_layers_are_known_at_their_keys_only(keys: int) -> None:
    keyed = torch.arange(1.0, 2 * keys + 1).reshape(2, keys)  # [layers, keys]
    placed = allocate(keyed, torch.tensor([False, True]), 5)
    moving = [1.0, 0, 0, 0, 0] if keys == 1 else [1.0, 0, 0, 0, 2.0]
    static = [2.0] * 5 if keys == 1 else [3.0, 3.0, 4.0, 4.0, 4.0]
    assert placed.tolist() == [moving, static]


def test_blank_sketch_frames_and_empty_slots_are_encoded_once() -> None:
    seen: list[ClipProgress] = []
    model = tiny_model()
    with torch.inference_mode():
        encode(model, prepare(clip_conditions(1)), neutral_tokens(model), report=seen.append)
    # two used regions, one empty region, one blank sheet, one frame
    assert seen[-1].done == seen[-1].total == 5


def test_key_frames_stand_at_both_ends_and_nothing_between() -> None:
    latents = _encoded(clip_conditions(2)).key_latents
    assert latents.shape == (1, 4, FRAMES, HEIGHT // 8, WIDTH // 8)
    assert latents[:, :, [0, -1]].abs().amax(dim=(0, 1, 3, 4)).min() > 0
    assert torch.count_nonzero(latents[:, :, 1:-1]) == 0


def test_a_first_frame_is_repeated_to_all_frames() -> None:
    latents = _encoded(clip_conditions(1)).key_latents
    assert torch.equal(latents, latents[:, :, :1].expand_as(latents))


def test_without_a_generator_encoding_is_the_same_every_time() -> None:
    first, again = (_encoded(with_sketch(clip_conditions(1))) for _ in range(2))
    assert torch.equal(first.controls.sketch, again.controls.sketch)
    drawn, redrawn = (_encoded(clip_conditions(1), seed=4) for _ in range(2))
    assert torch.equal(drawn.key_latents, redrawn.key_latents)
    assert not torch.equal(drawn.key_latents, first.key_latents)


def test_guidance_halves_differ_in_their_context_only() -> None:
    model = tiny_model()
    tokens = neutral_tokens(model)
    prompted = replace(tokens, text=tokens.text + 1)
    with torch.inference_mode():
        clip = encode(model, prepare(clip_conditions(1)), prompted)
    assert clip.context.rows == 2
    assert not torch.equal(clip.context.text[0], clip.context.text[1])
    assert torch.equal(clip.context.image[0], clip.context.image[1])
    assert clip.controls.latents.shape[0] == 1


def test_cancel_is_noticed_while_encoding() -> None:
    def cancelled() -> None:
        raise AcetateError("cancelled")

    model = tiny_model()
    with pytest.raises(AcetateError) as caught, torch.inference_mode():
        encode(model, prepare(clip_conditions(1)), neutral_tokens(model), check=cancelled)
    assert caught.value.name == "cancelled"


def _with_nan_track(conditions: ClipConditions) -> ClipConditions:
    track = np.full((FRAMES, 1, 2), np.nan, np.float32)
    return replace(conditions, tracks=(track, track, track))


def _of_odd_size(conditions: ClipConditions) -> ClipConditions:
    return replace(
        conditions,
        frames=conditions.frames[:, :60],
        layer_masks=conditions.layer_masks[:, :, :60],
    )


SPOILT: list[tuple[str, Callable[[ClipConditions], ClipConditions]]] = [
    ("bad_numbers", _with_nan_track),
    ("invalid_request", _of_odd_size),
    ("invalid_request", lambda c: replace(c, tracks=c.tracks[:1])),
    ("invalid_request", lambda c: replace(c, frames_count=FRAMES + 1, tracks=())),
    ("invalid_request", lambda c: replace(c, motion_scores=c.motion_scores[:2])),
    ("invalid_request", lambda c: replace(c, frames=np.concatenate([c.frames] * 3))),
    ("bad_numbers", lambda c: replace(c, frames=c.frames * np.float32(np.nan))),
]


@pytest.mark.parametrize(("name", "spoil"), SPOILT)
def test_conditions_that_cannot_be_are_errors_of_the_catalogue(
    name: str, spoil: Callable[[ClipConditions], ClipConditions]
) -> None:
    with pytest.raises(AcetateError) as caught:
        _encoded(spoil(clip_conditions(1)))
    assert caught.value.name == name


def test_tokens_of_other_encoders_are_refused() -> None:
    model = tiny_model()
    tokens = neutral_tokens(model)
    foreign = replace(tokens, text=tokens.text[:, :3], neutral_text=tokens.text[:, :3])
    with pytest.raises(AcetateError) as caught:
        encode(model, prepare(clip_conditions(1)), foreign)
    assert caught.value.name == "invalid_request"


def test_two_keys_need_the_two_key_decoder() -> None:
    model = replace(tiny_model(), dual=None)
    with pytest.raises(AcetateError) as caught:
        encode(model, prepare(clip_conditions(2)), neutral_tokens(model))
    assert caught.value.name == "model_missing"
