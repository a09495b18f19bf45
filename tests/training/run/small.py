"""The real LayerAnimate task with the smallest network, for the gates that processes must pass."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import torch

from tests.training.layeranimate.moving import MovingClips
from training.layeranimate.sample_settings import ControlMix, SampleRules
from training.layeranimate.samples import LayerAnimateSamples
from training.layeranimate.settings import LayerAnimateSettings, ProceduralData, TrainableSet
from training.layeranimate.sizes import NetworkSizes
from training.layeranimate.task import LayerAnimateTask, tiny_network
from training.layeranimate.warm_start import fresh

FRAMES = 2
HEIGHT, WIDTH = 8, 16
RULES = SampleRules(
    height=HEIGHT,
    width=WIDTH,
    layers=2,
    track_places=2,
    mix=ControlMix(score=1.0, trajectory=1.0, sketch=1.0),
)


class SmallOptions(msgspec.Struct, frozen=True, tag="layeranimate"):
    """`train`: which parameters. `dropout`: of the networks. `looked_at`: sampled clips."""

    train: TrainableSet = "all"
    dropout: float = 0.0
    looked_at: int = 0


def make_small(options: SmallOptions, device: torch.device) -> LayerAnimateTask:
    """One level of width 32; clips are simple shapes, because drawn ones take longer to make."""
    config = tiny_network(FRAMES)
    trunk = replace(
        config.unet.trunk,
        model_channels=32,
        channel_mult=(1,),
        attention_scales=(1,),
        head_channels=16,
    )
    config = replace(
        config,
        unet=replace(config.unet, trunk=trunk),
        control=replace(config.control, trunk=replace(trunk, in_channels=5)),
    )
    data = ProceduralData(clips=1, width=16, height=16, length=FRAMES, stream="evaluate")
    settings = LayerAnimateSettings(
        data=data,
        validation=data,
        rules=RULES,
        train=options.train,
        network="tiny",
        frames=FRAMES,
        dropout=options.dropout,
        sample_steps=1,
        looked_at=options.looked_at,
    )
    model, report = fresh(config, 0)
    task = LayerAnimateTask(settings, model, report, device)
    task.source = LayerAnimateSamples(MovingClips(6, 4), RULES, NetworkSizes.of(config))
    return task
