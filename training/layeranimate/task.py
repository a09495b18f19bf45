"""LayerAnimate as a task of the training loop: networks, samples, figures, strips, export."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from backend.models.layeranimate.bundle import LayerAnimateModel, build, tiny_config
from backend.models.layeranimate.checkpoint import load_strictly, save_model
from backend.models.layeranimate.configs import LayerAnimateConfig
from shared.errors import AcetateError
from training.data.clips import ClipSource
from training.data.dataset_source import DataSetClips
from training.data.procedural_source import ProceduralClips
from training.layeranimate.cost import mean_cost
from training.layeranimate.figures import Looks
from training.layeranimate.fit_autoencoder import fit_autoencoder
from training.layeranimate.latent_cache import CachedSamples, CacheKey, write_cache
from training.layeranimate.objective import LayerAnimateModule
from training.layeranimate.parameters import names_of
from training.layeranimate.samples import LayerAnimateSamples
from training.layeranimate.settings import ClipData, LayerAnimateSettings, ProceduralData
from training.layeranimate.sizes import NetworkSizes
from training.layeranimate.tokens import OpenClipTokens
from training.layeranimate.warm_start import StartReport, fresh, from_base, from_folder
from training.run.task import Failure, SampleSource

if TYPE_CHECKING:
    from training.recipes import Place

_SCALE = "latent_scale"
_log = logging.getLogger(__name__)


def prepare(settings: LayerAnimateSettings, place: Place) -> None:
    """Make what the recipe needs and is not there: a tiny network's autoencoder, encoded clips.

    Raises `usage` for settings that contradict each other, `disk`, and what reading clips raises.
    """
    _check(settings)
    if place.dry:
        return
    file = _autoencoder_file(settings, place.folder)
    if file is not None and not file.exists():
        _fit_autoencoder(settings, file)
    if settings.cached_draws:
        model, _ = start(settings, place.folder)
        module = LayerAnimateModule(model).to(place.device)
        source = _samples(settings, settings.data, model.config)
        write_cache(place.folder, source, module, _cache_key(settings, source, model))


def _fit_autoencoder(settings: LayerAnimateSettings, file: Path) -> None:
    config = _fresh_config(settings)
    vae = build(config, settings.weights_seed).autoencoder
    clips = open_clips(settings.data)
    steps, seed = settings.autoencoder_steps, settings.weights_seed
    spread = fit_autoencoder(vae, clips, settings.rules, steps, seed)
    temporary = file.with_suffix(".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file(vae.state_dict(), temporary, {_SCALE: repr(1.0 / spread)})
        temporary.replace(file)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error


def make(settings: LayerAnimateSettings, place: Place) -> LayerAnimateTask:
    """Networks, sources and figures. Raises `usage`, `model_missing`, `model_corrupt`."""
    _check(settings)
    model, report = start(settings, place.prepared)
    for line in report.lines():
        _log.info("%s", line)
    return LayerAnimateTask(settings, model, report, place.device, place.prepared)


def start(
    settings: LayerAnimateSettings, folder: Path | None
) -> tuple[LayerAnimateModel, StartReport]:
    """The weights that training begins with; `folder` holds what `prepare` made, if it did."""
    if settings.start:
        return from_folder(Path(settings.start))
    if settings.base:
        return from_base(Path(settings.base), settings.weights_seed)
    model, report = fresh(_fresh_config(settings), settings.weights_seed)
    file = None if folder is None else _autoencoder_file(settings, folder)
    return (model, report) if file is None else (_with_autoencoder(model, file), report)


def open_clips(data: ClipData) -> ClipSource:
    """The clips of a recipe. Raises what opening a data set raises."""
    if isinstance(data, ProceduralData):
        size = (data.width, data.height, data.length)
        return ProceduralClips(data.clips, data.seed, *size, stream=data.stream)
    return DataSetClips.open([Path(folder) for folder in data.folders], data.where)


class LayerAnimateTask:
    """Implements `training.run.task.Task`."""

    def __init__(
        self,
        settings: LayerAnimateSettings,
        model: LayerAnimateModel,
        report: StartReport,
        device: torch.device,
        prepared: Path | None = None,
    ) -> None:
        """`prepared` is the folder of what `prepare` made, where samples come from a cache."""
        self.settings = settings
        self.report = report
        clips = _samples(settings, settings.data, model.config)
        self.clips = clips
        self.source: SampleSource = clips
        if settings.cached_draws and prepared is not None:
            key = _cache_key(settings, clips, model)
            self.source = CachedSamples(prepared / key.name, clips, key)
        self.validation: SampleSource | None = None
        if settings.validation is not None:
            self.validation = _samples(settings, settings.validation, model.config)
        seen = self.validation if self.validation is not None else clips
        self.looks = Looks(seen, settings.looked_at, settings.sample_steps, device)
        self.module = LayerAnimateModule(model, settings.dropout).to(device)

    def trainable(self) -> Sequence[str]:
        """The recipe's set, without the blocks that never run."""
        return names_of(self.module, self.settings.train)

    def units(self) -> Sequence[nn.Module]:
        """The stages of both networks."""
        return self.module.units()

    def flops_per_sample(self) -> float:
        """Counted on the meta device for the layers, keys and sketches that samples really have."""
        rules = self.settings.rules
        size = (rules.height, rules.width)
        config, encodes = self.module.model.config, not self.settings.cached_draws
        return mean_cost(config, self.settings.train, size, self.source, encodes=encodes)

    def validate(self) -> Mapping[str, float]:
        """Loss by time step with fixed noise, and decibels of sampled clips."""
        return self.looks.figures(self.module)

    def strips(self) -> Mapping[str, np.ndarray]:
        """True, sampled and layer frames of the clips that are looked at."""
        return self.looks.strips(self.module)

    def failures(self) -> Sequence[Failure]:
        """Clips that were to be looked at and could not be made into samples."""
        return self.looks.failures()

    def export(self, folder: Path) -> None:
        """Write the released folder layout, which `acetate models import` takes. Raises `disk`."""
        try:
            save_model(self.module.model, folder)
        except OSError as error:
            raise AcetateError("disk", detail=str(error)) from error


def _samples(
    settings: LayerAnimateSettings, data: ClipData, config: LayerAnimateConfig
) -> LayerAnimateSamples:
    sizes = NetworkSizes.of(config)
    tokens = OpenClipTokens(Path(settings.encoders), sizes) if settings.encoders else None
    return LayerAnimateSamples(open_clips(data), settings.rules, sizes, tokens)


def _cache_key(
    settings: LayerAnimateSettings, source: LayerAnimateSamples, model: LayerAnimateModel
) -> CacheKey:
    return CacheKey.of(source, model.autoencoder, settings.cached_draws)


def tiny_network(frames: int) -> LayerAnimateConfig:
    """A tiny model with two levels, so that pictures need be multiples of 16 pixels only."""
    config = tiny_config(frames)
    trunk = replace(config.unet.trunk, channel_mult=(1, 1), attention_scales=(2, 1), dropout=0.0)
    return replace(
        config,
        unet=replace(config.unet, trunk=trunk),
        control=replace(config.control, trunk=replace(trunk, in_channels=5)),
        dual=None,
    )


def _check(settings: LayerAnimateSettings) -> None:
    if settings.start and settings.base:
        raise AcetateError("usage", where="task.start and task.base: only one can be begun with")
    if settings.needs_start and not (settings.start or settings.base):
        raise AcetateError(
            "usage",
            where="this recipe continues weights: --set task.start=FOLDER or task.base=FILE",
        )


def _fresh_config(settings: LayerAnimateSettings) -> LayerAnimateConfig:
    is_tiny = settings.network == "tiny"
    return tiny_network(settings.frames) if is_tiny else LayerAnimateConfig(dual=None)


def _autoencoder_file(settings: LayerAnimateSettings, folder: Path) -> Path | None:
    """Where the fitted autoencoder of these settings lies; None where there is none to fit.

    Told by what the clips are, not by where they lie: a folder may hold other ones by now.
    """
    if not settings.autoencoder_steps or settings.start or settings.base:
        return None
    decides = (
        open_clips(settings.data).fingerprint,
        settings.rules,
        settings.network,
        settings.weights_seed,
        settings.autoencoder_steps,
    )
    told = hashlib.sha256(msgspec.json.encode(decides, order="sorted")).hexdigest()[:16]
    return folder / f"autoencoder-{told}.safetensors"


def _with_autoencoder(model: LayerAnimateModel, file: Path) -> LayerAnimateModel:
    """The model with a fitted autoencoder and the scale that belongs to it."""
    with safe_open(file, framework="pt") as opened:
        scale = float((opened.metadata() or {})[_SCALE])
        tensors = {key: opened.get_tensor(key) for key in model.autoencoder.state_dict()}
    load_strictly(model.autoencoder, tensors, "vae")
    return replace(model, config=replace(model.config, latent_scale=scale))
