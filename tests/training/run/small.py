"""The real LayerAnimate task with the smallest network, for the gates that processes must pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import torch

from curation.dataset.clip import LayeredClip
from shared.errors import AcetateError
from tests.training.layeranimate.moving import MovingClips
from training.layeranimate.figures import Looks
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
    """`train`: which parameters. `dropout`: of the networks. `looked_at`: sampled clips.

    `broken`: clips that cannot be read.
    """

    train: TrainableSet = "all"
    dropout: float = 0.0
    looked_at: int = 0
    broken: tuple[int, ...] = ()


@dataclass(frozen=True)
class Clips(MovingClips):
    """Simple shapes that move, because drawn clips take longer to make; some cannot be read."""

    broken: tuple[int, ...] = ()

    def clip(self, index: int, frames: Sequence[int] | None = None) -> LayeredClip:
        """As all, but for the broken ones."""
        if index in self.broken:
            raise AcetateError("not_found", what=f"clip {index}")
        return super().clip(index, frames)


def make_small(options: SmallOptions, device: torch.device) -> LayerAnimateTask:
    """One level of width 32, on tiny pictures."""
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
    clips = Clips(6, 4, options.broken)
    task.source = task.validation = LayerAnimateSamples(clips, RULES, NetworkSizes.of(config))
    task.looks = Looks(task.validation, options.looked_at, 1, device)
    return task
