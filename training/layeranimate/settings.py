"""The settings of LayerAnimate's training, `kind = "layeranimate"` in a recipe; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from training.data.clip_filter import ClipFilter
from training.layeranimate.sample_settings import SampleRules

TrainableSet = Literal["v1", "v1-wide", "iccv", "control-only", "all"]
"""Named sets of parameters that learn; see `training/layeranimate/parameters.py`."""

_Some = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class ProceduralData(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="source",
    tag="procedural",
):
    """Clips that are drawn when they are asked for; see `training/data/procedural_source.py`."""

    clips: _Some
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 0
    width: _Some = 512
    height: _Some = 320
    length: Annotated[int, Meta(ge=2, le=256)] = 16
    stream: Literal["studio", "train", "evaluate"] = "studio"


class FolderData(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="source",
    tag="folders",
):
    """Clips of data sets on the disk that pass the filter `where`."""

    folders: Annotated[tuple[str, ...], Meta(min_length=1)]
    where: ClipFilter = ClipFilter()


ClipData = ProceduralData | FolderData


class LayerAnimateSettings(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="layeranimate",
):
    """What learns, from what it starts, and of what it learns.

    `train`: which parameters. `start`: a LayerAnimate folder in the released layout. `base`: a
    checkpoint of ToonCrafter's or DynamiCrafter's layout (safetensors) for a new control branch.
    Without either the weights are fresh ones of `weights_seed`, of the size `network`; `frames`
    is the clip length of a tiny network. `needs_start`: refuse fresh weights. `autoencoder_steps`:
    a fresh autoencoder learns the clips' pictures for so many steps before anything else.
    `encoders`: a folder with OpenCLIP's towers, which read captions and first frames; without it
    both are neutral and prompts will not steer what was trained. Towers are slow on a CPU: keep
    their answers with `cached_draws`.
    `cached_draws`: encode every clip beforehand in so many draws of frames, layers and controls,
    0 encodes in every step. `dropout`: of the networks that learn; with any, the number of
    processes changes what is learned. `sample_steps`, `looked_at`: of the sampled clips in figures
    and strips.
    """

    data: ClipData
    validation: ClipData | None = None
    rules: SampleRules = SampleRules()
    train: TrainableSet = "v1"
    start: str = ""
    base: str = ""
    needs_start: bool = False
    encoders: str = ""
    network: Literal["released", "tiny"] = "released"
    frames: Annotated[int, Meta(ge=2, le=64)] = 16
    weights_seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    autoencoder_steps: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    cached_draws: Annotated[int, Meta(ge=0, le=1000)] = 0
    dropout: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.0
    sample_steps: Annotated[int, Meta(ge=1, le=1000)] = 10
    looked_at: Annotated[int, Meta(ge=0, le=64)] = 2
