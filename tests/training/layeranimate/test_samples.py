"""Samples keep the clip's geometry and the rules' shares, and depend on their generator alone."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch

from curation.dataset.clip import LayeredClip, ScoreScale
from shared.errors import AcetateError
from tests.training.layeranimate.moving import (
    FRAMES,
    RULES,
    SIDE,
    MovingClips,
    moving_clip,
    samples_of,
)
from training.layeranimate.fit import fit, pick_frames
from training.layeranimate.sample_settings import ControlMix, SampleRules
from training.layeranimate.samples import LayerAnimateSamples
from training.layeranimate.sizes import NetworkSizes
from training.layeranimate.steer import Slots, fill_slots
from training.layeranimate.task import tiny_network


def _slots(rules: SampleRules, clip: LayeredClip | None = None, seed: int = 0) -> Slots:
    clip = clip or moving_clip()
    fitted = fit(clip, rules.height, rules.width, False)
    return fill_slots(clip, fitted, 1.0, rules, np.random.default_rng(seed))


def test_the_same_generator_gives_the_same_sample_and_another_another() -> None:
    source = samples_of()
    first, again, other = (source.sample(0, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["noise"], other["noise"])


def test_samples_have_the_documented_shapes() -> None:
    rules = msgspec.structs.replace(RULES, sample_posterior=True)
    sample = samples_of(rules=rules).sample(1, np.random.default_rng(0))
    n, t, c, side = rules.layers, FRAMES, 4, SIDE // 8
    shapes = {name: tuple(value.shape) for name, value in sample.items()}
    assert shapes["video"] == (t, 3, SIDE, SIDE)
    assert shapes["labels"] == shapes["sketch"] == (t, SIDE, SIDE)
    assert shapes["sketch_regions"] == (n, n + 1)
    assert shapes["noise"] == (c, t, side, side)
    assert shapes["region_noise"] == (n, 2, c, side, side)
    assert shapes["tracks"] == (n, rules.track_places, t, 2)
    assert shapes["timestep"] == shapes["two_keys"] == shapes["fps"] == ()
    assert sample["labels"].max() <= n


def test_mirroring_mirrors_pictures_labels_sketch_and_tracks_together() -> None:
    clip = moving_clip()
    plain, mirrored = fit(clip, SIDE, SIDE, False), fit(clip, SIDE, SIDE, True)
    assert np.array_equal(mirrored.video, plain.video[:, :, ::-1])
    assert np.array_equal(mirrored.labels, plain.labels[:, :, ::-1])
    assert plain.sketch is not None
    assert mirrored.sketch is not None
    assert np.array_equal(mirrored.sketch, plain.sketch[:, :, ::-1])
    points = mirrored.tracks.points
    assert np.array_equal(points[..., 0], SIDE - plain.tracks.points[..., 0])
    step, plain_step = (np.diff(p[1, :, 0]) for p in (points, plain.tracks.points))
    assert np.array_equal(step, -plain_step)


@pytest.mark.parametrize(("height", "width"), [(64, 32), (32, 64), (48, 48)])
def test_tracks_stay_on_their_element_at_every_training_size(height: int, width: int) -> None:
    clip = moving_clip(side=64, step_px=2)
    fitted = fit(clip, height, width, False)
    for track, element in zip(fitted.tracks.points, clip.tracks.elements, strict=True):
        for (x, y), labels in zip(track, fitted.labels, strict=True):
            if 0 <= x < width and 0 <= y < height:
                assert labels[int(y), int(x)] == clip.elements[element].layer + 1


def test_frames_are_evenly_spaced_and_tell_their_stride() -> None:
    rng = np.random.default_rng(0)
    strides = set()
    for _ in range(60):
        picks = pick_frames(24, 8, 3, rng)
        assert set(np.diff(picks.frames)) == {picks.stride}
        assert picks.frames[0] >= 0
        assert picks.frames[-1] < 24
        strides.add(picks.stride)
    assert strides == {1.0, 2.0, 3.0}
    assert pick_frames(24, 8, 0, rng).frames[-1] == 23


def test_the_frame_rate_is_that_of_the_picked_frames() -> None:
    rules = msgspec.structs.replace(RULES, max_stride=2)
    rates = {
        float(samples_of(rules=rules).sample(0, np.random.default_rng(seed))["fps"])
        for seed in range(12)
    }
    assert rates == {24.0, 12.0}


def test_a_clip_that_is_too_short_is_refused_by_name() -> None:
    sizes = NetworkSizes.of(tiny_network(FRAMES))
    source = LayerAnimateSamples(MovingClips(1, FRAMES - 1), RULES, sizes)
    with pytest.raises(AcetateError) as caught:
        source.sample(0, np.random.default_rng(0))
    assert caught.value.name == "clip_too_short"


def test_a_clip_that_shows_no_layer_is_refused_by_name() -> None:
    clip = moving_clip()
    with pytest.raises(AcetateError) as caught:
        _slots(RULES, replace(clip, labels=np.zeros_like(clip.labels)))
    assert caught.value.name == "clip_without_layers"


def test_a_size_the_networks_cannot_make_is_refused_at_once() -> None:
    with pytest.raises(AcetateError) as caught:
        samples_of(rules=msgspec.structs.replace(RULES, width=SIDE + 8))
    assert caught.value.name == "usage"


def test_controls_come_in_the_shares_of_the_mix() -> None:
    rules = msgspec.structs.replace(RULES, mask_dropout=0.0, tracks_per_element=2)
    found = {"score": 0, "trajectory": 0, "sketch": 0}
    for seed in range(300):
        slots = _slots(rules, seed=seed)
        for slot in range(1, 3):  # the ground rests
            tracked, sketched = slots.tracked[slot].any(), slots.regions[slot].any()
            assert not (tracked and sketched)
            assert (slots.scores[slot] >= 0) == (not tracked and not sketched)
            found["trajectory" if tracked else "sketch" if sketched else "score"] += 1
    shares = {name: count / 600 for name, count in found.items()}
    assert shares == pytest.approx({"score": 0.2, "trajectory": 0.4, "sketch": 0.4}, abs=0.06)


def test_a_static_layer_has_the_score_zero_whatever_steers_it() -> None:
    for seed in range(20):
        slots = _slots(msgspec.structs.replace(RULES, mask_dropout=0.0), seed=seed)
        assert slots.static.tolist() == [True, False, False]
        assert slots.scores[0] == 0.0


def test_scores_count_pixels_of_the_training_picture_a_picked_frame() -> None:
    rules = msgspec.structs.replace(RULES, mix=ControlMix(score=1.0, trajectory=0, sketch=0))
    rules = msgspec.structs.replace(rules, mask_dropout=0.0)
    clip = moving_clip(side=64, step_px=2)
    wide = replace(clip, score_scale=ScoreScale(128, 128, 2))
    # 2 px a frame at 64 px are 1 px at 32 px; told at 128 px in two frames they are a quarter
    assert _slots(rules, clip).scores[1] == pytest.approx(1 / 20)
    assert _slots(rules, wide).scores[1] == pytest.approx(1 / 20 / 4)


def test_dropping_layers_leaves_one_and_moves_labels_to_the_slots() -> None:
    rules = msgspec.structs.replace(RULES, mask_dropout=0.9)
    source = samples_of(rules=rules)
    for seed in range(30):
        sample = source.sample(0, np.random.default_rng(seed))
        valid = int(sample["layer_validity"].sum())
        assert 1 <= valid <= 3
        assert sample["layer_validity"].tolist() == [i < valid for i in range(3)]
        assert set(sample["labels"].unique().tolist()) <= set(range(valid + 1))


def test_of_more_layers_than_slots_the_largest_stay_in_order() -> None:
    rules = msgspec.structs.replace(RULES, layers=2, mask_dropout=0.0)
    clip = moving_clip()
    labels = clip.labels.copy()
    labels[labels == 2] = 1  # what moves right shows on a few pixels only
    labels[:, 0, :2] = 2
    assert _slots(rules, replace(clip, labels=labels)).layers == (0, 2)


def test_a_partial_sketch_always_shows_its_own_layer() -> None:
    rules = msgspec.structs.replace(RULES, mix=ControlMix(score=0, trajectory=0, sketch=1.0))
    rules = msgspec.structs.replace(rules, mask_dropout=0.0, sketch_context=0.5)
    shown = np.mean([_slots(rules, seed=seed).regions for seed in range(200)], axis=0)
    for slot in range(3):
        assert shown[slot, slot + 1] == 1.0
    others = [shown[slot, label] for slot in range(3) for label in range(4) if label != slot + 1]
    assert others == pytest.approx([0.5] * len(others), abs=0.12)


def test_without_a_sketch_or_tracks_layers_are_steered_by_score() -> None:
    clip = replace(moving_clip(), sketch=None)
    clip = replace(clip, tracks=type(clip.tracks).none(len(clip.frames)))
    for seed in range(10):
        slots = _slots(RULES, clip, seed)
        assert not slots.tracked.any()
        assert not slots.regions.any()
        assert (slots.scores[: len(slots.layers)] >= 0).all()


def test_another_rule_is_another_fingerprint() -> None:
    other = msgspec.structs.replace(RULES, flip=0.25)
    assert samples_of().fingerprint == samples_of().fingerprint
    assert samples_of().fingerprint != samples_of(rules=other).fingerprint
    assert samples_of(2).fingerprint != samples_of(3).fingerprint
