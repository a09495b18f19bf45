"""Promises of students: they learn what their options say, and sampling then costs what it may."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.measure.calls import layeranimate_calls
from backend.models.layeranimate.bundle import LayerAnimateModel, build, tiny_config
from backend.models.layeranimate.checkpoint import load_model, save_model
from backend.models.layeranimate.clip import SampleSettings
from backend.models.layeranimate.configs import BuiltInGuidance
from backend.models.layeranimate.generate import generate_clip
from backend.models.layeranimate.schedule import NoiseSchedule
from backend.pipeline.engines import painter_of
from backend.pipeline.feature_store.budget import StoreBudget
from backend.pipeline.feature_store.store import open_store
from shared.errors import AcetateError
from tests.backend.models.layeranimate.tiny import clip_conditions
from training.layeranimate.distil import (
    DistilModule,
    NeutralContext,
    moved,
    student_config,
    velocity_between,
)
from training.layeranimate.distil_savings import sampling_costs
from training.layeranimate.distil_settings import DistilOptions
from training.layeranimate.parameters import names_of
from training.layeranimate.task import tiny_network

from .drawn_batch import TOKENS, drawn_batch

GUIDANCE = DistilOptions(guidance=4.0, rescale=0.5)
STILL = DistilOptions(fixed_timestep=400)
FEW = DistilOptions(steps=4)
ALL = DistilOptions(fixed_timestep=400, guidance=4.0, steps=4)


def fresh(frames: int = 2) -> LayerAnimateModel:
    return build(tiny_network(frames), seed=0)


def timely() -> LayerAnimateModel:
    """A model whose control branch cares for the time step, as a trained one does."""
    model = fresh()
    for network in (model.control, model.unet):
        network.time_embed.linear_2.weight.data *= 40
    for out in model.unet.masked_layer_fusion_out_list:
        out.get_parameter("weight").data *= 20
    return model


def pair(options: DistilOptions) -> DistilModule:
    config = fresh().config
    generator = torch.Generator().manual_seed(3)
    text = torch.randn(TOKENS, config.unet.trunk.context_dim, generator=generator) * 3
    image = torch.randn(TOKENS, config.resampler.image_dim, generator=generator) * 3
    return DistilModule(timely(), timely(), options, NeutralContext(text, image))


@pytest.mark.parametrize("options", [GUIDANCE, STILL, FEW, ALL])
def test_a_student_comes_closer_to_its_teacher_and_only_the_student_learns(
    options: DistilOptions,
) -> None:
    module = pair(options)
    names = set(names_of(module, "v1-wide"))
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name in names)
    learned = [p for p in module.parameters() if p.requires_grad]
    before = {name: value.clone() for name, value in module.teacher.state_dict().items()}
    optimiser = torch.optim.AdamW(learned, lr=1e-4)
    batch, losses = drawn_batch(fresh()), []
    for _ in range(5):
        optimiser.zero_grad()
        loss = module(batch).mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert 0 < losses[-1] < 0.8 * losses[0]
    after = module.teacher.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_student_that_has_nothing_left_to_learn_has_no_loss() -> None:
    module = pair(DistilOptions(guidance=1.0, rescale=0.0))
    assert float(module(drawn_batch(fresh())).detach().max()) < 1e-9


def test_the_velocity_of_two_steps_is_the_one_whose_single_step_ends_there() -> None:
    generator = torch.Generator().manual_seed(0)
    start, velocity = (torch.randn(3, 4, 2, 8, 8, generator=generator) for _ in range(2))
    shares = torch.from_numpy(NoiseSchedule(tiny_config().scheduler).signal_shares)
    now, then = (
        shares[list(t)][:, None, None, None, None] for t in ((999, 600, 250), (749, 350, 0))
    )
    end = moved(velocity, start, now, then)
    assert torch.allclose(velocity_between(start, end, now, then), velocity, atol=1e-4)


def test_a_step_without_fresh_noise_is_the_samplers() -> None:
    schedule = NoiseSchedule(tiny_config().scheduler)
    generator = torch.Generator().manual_seed(0)
    z, v = (torch.randn(1, 4, 2, 8, 8, generator=generator) for _ in range(2))
    shares = torch.from_numpy(schedule.signal_shares)
    for now, then in ((999, 749), (499, 249), (249, None)):
        wanted = schedule.step(v, z, now, then, 0.0, None).latents
        ours = moved(v, z, shares[now], shares[0 if then is None else then])
        assert torch.allclose(ours, wanted, atol=1e-5)


def test_a_student_of_few_steps_meets_only_its_own_and_its_teacher_passes_between() -> None:
    module = pair(FEW)
    own = module.schedule.timesteps(4)
    drawn = module._times(torch.arange(1000))
    assert sorted(set(drawn.tolist())) == sorted(own)
    assert np.ptp(np.bincount(drawn.numpy(), minlength=1000)[own]) <= 1
    middle, last = module._way(torch.tensor(own))
    fine = module.schedule.timesteps(8)
    assert middle.tolist() == fine[1::2]
    assert last.tolist() == [*own[1:], 0]


@pytest.mark.parametrize(
    ("options", "flagged"),
    [
        (DistilOptions(), False),
        (GUIDANCE, True),
        (DistilOptions(steps=3), True),
        (DistilOptions(steps=800), False),
        (DistilOptions(fixed_timestep=5000), False),
    ],
)
def test_a_teacher_is_asked_only_for_what_it_can_teach(
    options: DistilOptions, flagged: bool
) -> None:
    config = tiny_config()
    if flagged:
        guidance = BuiltInGuidance(2.0, 0.0)
        config = replace(
            config,
            unet=replace(config.unet, built_in_guidance=guidance),
            scheduler=replace(config.scheduler, student_steps=4),
        )
    with pytest.raises(AcetateError) as caught:
        student_config(config, options)
    assert caught.value.name == "usage"


def student_folder(folder: Path, options: DistilOptions) -> LayerAnimateModel:
    """A tiny model saved as a student and loaded again, as the backend does."""
    model = fresh(4)
    save_model(replace(model, config=student_config(model.config, options)), folder)
    return load_model(folder)


def test_what_a_student_does_by_itself_survives_saving(tmp_path: Path) -> None:
    config = student_folder(tmp_path, ALL).config
    assert config == student_config(tiny_network(4), ALL)
    plain = tmp_path / "plain"
    save_model(fresh(4), plain)
    written = "".join(path.read_text() for path in plain.rglob("*.json"))
    assert not any(word in written for word in ("fixed_timestep", "built_in", "student_steps"))


def test_sampling_a_student_runs_one_half_few_steps_and_the_branch_once(tmp_path: Path) -> None:
    model = student_folder(tmp_path, ALL)
    settings = SampleSettings(steps=50, guidance_scale=7.5, eta=1.0, seed=3)
    with layeranimate_calls(model) as calls:
        frames = generate_clip(model, clip_conditions(keys=1), settings)
    assert np.isfinite(frames).all()
    assert calls.amounts["unet_clips"] == 4
    assert calls.amounts["control_clips"] == 2
    notes = painter_of(model).notes
    assert any("guidance 4 and 4 steps" in note for note in notes)


def test_features_that_no_step_changes_are_kept_once_and_serve_another_seed(
    tmp_path: Path,
) -> None:
    model = student_folder(tmp_path, STILL)
    conditions, store = clip_conditions(keys=1), open_store(StoreBudget(host_bytes=1 << 26))
    plain = generate_clip(model, conditions, SampleSettings(steps=3, seed=1))
    kept = generate_clip(model, conditions, SampleSettings(steps=3, seed=1), store=store)
    assert np.array_equal(plain, kept)
    with layeranimate_calls(model) as calls:
        generate_clip(model, conditions, SampleSettings(steps=2, seed=2), store=store)
    assert calls.amounts["control_clips"] == 0


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        ("layer_controlnet/config.json", "fixed_timestep", "early"),
        ("unet/config.json", "built_in_guidance", {"scale": "much"}),
        ("scheduler/scheduler_config.json", "student_steps", 0),
    ],
)
def test_settings_that_no_student_has_are_refused(
    tmp_path: Path, file: str, key: str, value: object
) -> None:
    import json

    save_model(fresh(4), tmp_path)
    path = tmp_path / file
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(AcetateError) as caught:
        load_model(tmp_path)
    assert caught.value.name == "model_corrupt"


def test_the_costs_of_students_are_counted_beside_their_teachers() -> None:
    costs = {
        c.name: c.share
        for c in sampling_costs(tiny_network(2), steps=10, few_steps=2, size=(64, 64))
    }
    assert costs["teacher"] == 1.0
    assert costs["both"] < costs["fixed-timestep"] < 1.0
    assert costs["both"] < costs["built-in-guidance"] < 1.0
    assert costs["both-2-steps"] < 0.5 * costs["both"]
