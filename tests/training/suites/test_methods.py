"""Methods: baselines as they were, engines that obey, models that get what they were trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.measure.fidelity import psnr_db
from backend.models.layeranimate.checkpoint import save_model
from backend.models.layeranimate.clip import NO_SCORE, SampleSettings
from backend.pipeline.engines import painter_of
from backend.pipeline.frame_fit import fit_frame
from shared.errors import AcetateError
from tests.backend.models.layeranimate.tiny import FRAMES as TINY_FRAMES
from tests.backend.models.layeranimate.tiny import tiny_model
from training import baselines
from training.procedural import make_clip, render
from training.suites.methods import baseline_methods, layer_motion_method, mini_method
from training.suites.painted import conditions_of, load_method, painter_method, slots_of
from training.suites.procedural import of_rendered
from training.suites.suite import SUITES, Suite, suites_called

from .clips import HEIGHT, WIDTH, crossing_suite_clip


def _suite(name: str) -> Suite:
    return suites_called(name)[0]


def test_baselines_equal_those_of_the_procedural_evaluation() -> None:
    rendered = render(make_clip(4, frames=5), 96, 60)
    clip, suite = of_rendered(rendered), _suite("interpolation-sketch")
    frames = list(suite.made(5))
    made = {method.name: method.make(clip, suite) for method in baseline_methods()}
    expected = {
        "hold": baselines.hold(rendered, frames),
        "cross-fade": baselines.cross_fade(rendered, frames),
        "flow-warp": baselines.flow_warp(rendered, frames),
        "rigid-warp": baselines.rigid_warp(rendered, frames, two_keys=True),
    }
    for name, pictures in expected.items():
        np.testing.assert_array_equal(made[name], np.stack(pictures)[..., :3])


def test_methods_run_only_where_their_task_gives_them_something() -> None:
    applied = {
        suite.name: [method.name for method in baseline_methods() if method.applies(suite)]
        for suite in SUITES
    }
    assert applied["i2v"] == ["hold"]
    assert applied["i2v-sketch"] == ["hold", "rigid-warp"]
    assert applied["interpolation"] == ["hold", "cross-fade", "flow-warp"]
    assert [s.name for s in SUITES if mini_method().applies(s)] == [
        "i2v-sketch",
        "interpolation-sketch",
    ]


@pytest.mark.parametrize("name", ["i2v-trajectory", "interpolation-trajectory"])
def test_layer_motion_follows_the_tracks_it_is_given(name: str) -> None:
    clip, suite = crossing_suite_clip(), _suite(name)
    made = layer_motion_method().make(clip, suite)
    truth = clip.frames[list(suite.made(len(clip.frames)))]
    moving = clip.moving()[list(suite.made(len(clip.frames)))]
    inside = [m[region] for m, region in zip(made, moving, strict=True)]
    expected = [t[region] for t, region in zip(truth, moving, strict=True)]
    assert psnr_db(np.concatenate(inside)[None], np.concatenate(expected)[None]) > 35


def test_a_model_gets_one_control_for_each_moving_slot() -> None:
    clip = crossing_suite_clip()
    fit = fit_frame(WIDTH, HEIGHT, 128, 64)
    scored = conditions_of(clip, _suite("i2v"), fit, 4)
    steered = conditions_of(clip, _suite("interpolation-trajectory"), fit, 4)
    drawn = conditions_of(clip, _suite("i2v-sketch"), fit, 4)
    assert scored.keys_count == drawn.keys_count == 1
    assert steered.keys_count == 2
    assert scored.layer_static.tolist() == [True, False]
    assert scored.motion_scores[1] == pytest.approx(clip.layers[0].normal_score)
    assert steered.motion_scores.tolist() == drawn.motion_scores.tolist() == [0.0, NO_SCORE]
    assert [track.shape[1] for track in steered.tracks] == [0, 3]
    assert [track.shape[1] for track in scored.tracks + drawn.tracks] == [0, 0, 0, 0]
    assert scored.sketch is steered.sketch is None
    assert drawn.sketch is not None
    assert drawn.sketch[0].min() == 1
    assert drawn.sketch[1].min() < 0.5
    np.testing.assert_allclose(scored.layer_masks.sum(axis=0), 1, atol=1e-5)


def test_more_layers_than_slots_share_by_alike_scores() -> None:
    clip = crossing_suite_clip()
    layers = tuple(
        replace(clip.layers[0], name=str(score), score=score) for score in (5, 0, 1, 1.2, 9, 5.1)
    )
    slots = slots_of(replace(clip, layers=layers), 4)
    assert [slot.members for slot in slots] == [(0, 2), (1, 6), (3, 4), (5,)]
    assert [slot.is_static for slot in slots] == [True, False, False, False]


def test_a_tiny_model_paints_its_tasks() -> None:
    painter = replace(painter_of(tiny_model()), width=128, height=64)
    method = painter_method("tiny", painter, SampleSettings(steps=1))
    clip = of_rendered(render(make_clip(4, frames=TINY_FRAMES), WIDTH, HEIGHT))
    for name in ("i2v-sketch", "interpolation"):
        suite = _suite(name)
        made = method.make(clip, suite)
        assert made.shape == (len(suite.made(TINY_FRAMES)), HEIGHT, WIDTH, 3)
        assert made.dtype == np.uint8
    with pytest.raises(AcetateError, match="4 frames"):
        method.make(crossing_suite_clip(), _suite("i2v"))


def test_a_folder_with_a_model_is_a_method(tmp_path: Path) -> None:
    save_model(tiny_model(), tmp_path / "trained")
    method, frames = load_method(str(tmp_path / "trained"), "cpu", SampleSettings(steps=1))
    assert (method.name, frames) == ("trained", TINY_FRAMES)
    more, _ = load_method(str(tmp_path / "trained"), "cpu", SampleSettings(steps=2))
    assert method.identity != more.identity
    assert method.identity.split()[0] == more.identity.split()[0]
    with pytest.raises(AcetateError) as missing:
        load_method("nobody", "cpu", SampleSettings())
    assert missing.value.name == "model_missing"
