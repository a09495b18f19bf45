"""`acetate bench flops|bytes|calls`: LayerAnimate's work at full size, counted without a GPU.

The planned schedule really runs, on the meta device, where tensors have shapes and no content. All
steps after the first are alike, so two runs of different length tell what fifty would cost.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

from backend.cli.measurement import BenchOptions, Measurement
from backend.measure.calls import layeranimate_calls
from backend.measure.flops import flops_by_step
from backend.measure.full_size import meta_clip, meta_model
from backend.measure.traffic import Traffic
from backend.models.layeranimate.bundle import LayerAnimateModel, build, tiny_config
from backend.models.layeranimate.clip import ClipConditions, SampleSettings
from backend.models.layeranimate.reference.sampling import (
    denoise_reference,
    encode_reference,
    reference_step,
)
from backend.pipeline.condition import (
    EncodedClip,
    encode,
    neutral_tokens,
    prepare,
    without_unused_slots,
)
from backend.pipeline.feature_keys import FeatureKeys
from backend.pipeline.feature_store.budget import StoreBudget
from backend.pipeline.feature_store.contract import TensorStore
from backend.pipeline.feature_store.store import open_store
from backend.pipeline.layer_features import LayerFeatureSource
from backend.pipeline.presets import BALANCED, DRAFT, Preset
from backend.pipeline.sample import denoise

STEPS = 50
SLOTS = 4
REFERENCE = "reference"
_PETA = 1e15
_GIGA = 1e9
_LAYERS = tuple(f"layer {slot}" for slot in range(SLOTS))
_EXACT = SampleSettings(eta=0.0)


@dataclass(frozen=True)
class Scenario:
    """One planned run: how many of the four slots are used, how many seeds, what is kept.

    `kept`: layers whose features an earlier run has left in the store.
    """

    name: str
    used: int = SLOTS
    seeds: int = 1
    kept: tuple[str, ...] = ()


SCENARIOS = (
    Scenario("final-4-layers"),
    Scenario("final-3-layers", used=3),
    Scenario("final-2-layers", used=2),
    Scenario("rerun-same-controls", kept=_LAYERS),
    Scenario("one-of-4-edited", kept=_LAYERS[1:]),
    Scenario("4-seeds", seeds=4),
)


def bench_flops(options: BenchOptions) -> Iterator[Measurement]:
    """PFLOP of a 50-step clip of 16 frames, 512x320; reference: the plain computation."""
    del options
    plain = _timed(_reference_flops)
    yield _count("flops", REFERENCE, plain.value / _PETA, "PFLOP", 1.0, plain.cpu_s)
    for scenario in SCENARIOS:
        found = _timed(lambda s=scenario: _planned_flops(s))
        ratio = found.value / plain.value
        yield _count("flops", scenario.name, found.value / _PETA, "PFLOP", ratio, found.cpu_s)
    for preset in (BALANCED, DRAFT):
        found = _timed(lambda p=preset: _preset_flops(p))
        ratio, config = found.value / plain.value, f"{preset.name}-4-layers"
        yield _count("flops", config, found.value / _PETA, "PFLOP", ratio, found.cpu_s)


def bench_bytes(options: BenchOptions) -> Iterator[Measurement]:
    """GB that one step moves in bfloat16 with guidance and four layers, and its kernels."""
    del options
    model = full_model()
    clip = meta_clip(model, SLOTS, SLOTS)
    noise = torch.empty_like(clip.key_latents, dtype=torch.float32)
    plain = Traffic()
    with plain:
        reference_step(model, clip, noise, STEPS)
    yield _traffic(REFERENCE, plain, plain)
    for used in (4, 3, 2):
        ours = _step_traffic(model, meta_clip(model, SLOTS, used))
        yield _traffic(f"final-{used}-layers", ours, plain)


def bench_calls(options: BenchOptions) -> Iterator[Measurement]:
    """Pictures through the encoder for one sketched layer of three; reference: every picture."""
    del options
    model = build(tiny_config(), seed=0)
    conditions = one_sketched_layer()
    used = without_unused_slots(conditions)
    start = time.process_time()
    with torch.inference_mode():
        tokens = neutral_tokens(model)
        with layeranimate_calls(model) as ours:
            encode(model, prepare(used), tokens)
        with layeranimate_calls(model) as plain:
            encode_reference(model, prepare(conditions), tokens)
    found = ours.amounts["encoded_pictures"]
    official = plain.amounts["encoded_pictures"]
    cpu_s = time.process_time() - start
    config = "encoded-pictures-one-sketch"
    yield _count("calls", config, found, "pictures", found / official, cpu_s)


@lru_cache(maxsize=1)
def full_model() -> LayerAnimateModel:
    """The released size in bfloat16, without content."""
    return meta_model()


def _planned_flops(scenario: Scenario) -> float:
    """Of `STEPS` equal steps: the first with what it prepares, and the growth per further one."""
    first, further = _steps_flops(replace(scenario, name=""), replace(_EXACT, steps=2))
    return first + (STEPS - 1) * further


def _preset_flops(preset: Preset) -> float:
    """Of a preset's steps, each the sum of what it computes, and of what a run prepares."""
    settings = preset.applied(replace(_EXACT, steps=STEPS))
    prepared, unet, features = _parts_flops()
    total = prepared
    for index in range(settings.steps):
        guides = settings.guides(index)
        fresh = index % settings.features_every == 0
        total += unet[guides] + (features[guides] if fresh else 0)
    return total


@lru_cache(maxsize=1)
def _parts_flops() -> tuple[float, dict[bool, float], dict[bool, float]]:
    """What a run prepares, and one step's UNet and features by whether guidance is on."""
    full, unet, features = Scenario(""), {}, {}
    first, further = _steps_flops(full, replace(_EXACT, steps=2))
    prepared = float(first - further)
    for guides, scale in ((True, _EXACT.guidance_scale), (False, 1.0)):
        held = replace(_EXACT, steps=2, features_every=2, guidance_scale=scale)
        first, further = _steps_flops(full, held)
        unet[guides] = float(further)
        features[guides] = first - further - prepared
    return prepared, unet, features


@lru_cache(maxsize=16)
def _steps_flops(scenario: Scenario, settings: SampleSettings) -> tuple[int, ...]:
    """Of each step of a run on the meta device; counted once for scenarios that do the same."""
    model = full_model()
    clip = meta_clip(model, SLOTS, scenario.used)
    noise = clip.key_latents.new_empty(clip.key_latents.shape, dtype=torch.float32)
    store = open_store(StoreBudget(host_bytes=1 << 50))
    if scenario.kept:
        _fill(model, settings, store, scenario.kept)
    source = LayerFeatureSource(model, clip, store, _keys(_LAYERS[: scenario.used]))
    seeds = noise.expand(scenario.seeds, -1, -1, -1, -1)
    return tuple(flops_by_step(denoise(model, clip, settings, seeds, source=source)))


def _fill(
    model: LayerAnimateModel, settings: SampleSettings, store: TensorStore, layers: tuple[str, ...]
) -> None:
    """What a run with these layers leaves behind."""
    clip = meta_clip(model, SLOTS, len(layers))
    source = LayerFeatureSource(model, clip, store, _keys(layers))
    with torch.inference_mode():
        for timestep in model.schedule.timesteps(settings.steps):
            source.at(timestep, (0, 1))


def _keys(layers: tuple[str, ...]) -> FeatureKeys:
    """Content has no digest where there is none: layers go by their names."""
    return FeatureKeys("meta", layers, ("neutral", "prompted"))


def _reference_flops() -> float:
    model = full_model()
    clip = meta_clip(model, SLOTS, SLOTS)
    noise = clip.key_latents.new_empty(clip.key_latents.shape, dtype=torch.float32)
    settings = replace(_EXACT, steps=1)
    return STEPS * flops_by_step(denoise_reference(model, clip, settings, noise))[0]


def _step_traffic(model: LayerAnimateModel, clip: EncodedClip) -> Traffic:
    """The second of two steps: the first comes with what a run prepares."""
    noise = clip.key_latents.new_empty(clip.key_latents.shape, dtype=torch.float32)
    step = Traffic()
    with Traffic() as counted:
        steps = denoise(model, clip, replace(_EXACT, steps=2), noise)
        next(steps)
        step.bytes_of.subtract(counted.bytes_of)
        step.kernels_of.subtract(counted.kernels_of)
        deque(steps, maxlen=0)
    step.bytes_of.update(counted.bytes_of)
    step.kernels_of.update(counted.kernels_of)
    return step


def _traffic(config: str, ours: Traffic, plain: Traffic) -> Measurement:
    value = ours.bytes / _GIGA
    ratio = ours.bytes / plain.bytes
    measurement = _count("bytes", config, value, "GB", ratio, 0.0)
    return replace(measurement, details={"kernels": ours.kernels})


def one_sketched_layer(frames: int = 16) -> ClipConditions:
    """Three used slots of four on one key, a sketch that moves on the first, as in a demo."""
    height, width = 64, 128
    drawn = np.random.default_rng(0).random((1, height, width, 3), dtype=np.float32)
    masks = np.zeros((SLOTS, 1, height, width), np.float32)
    sketch = np.ones((SLOTS, frames, height, width), np.float32)
    for slot in range(SLOTS - 1):
        masks[slot, :, :, 40 * slot : 40 * slot + 40] = 1
    for frame in range(frames):
        sketch[0, frame, 20:50, 4 + 5 * frame] = 0
    return ClipConditions(
        frames=drawn,
        layer_masks=masks,
        layer_static=np.zeros(SLOTS, np.bool_),
        layer_validity=np.array([True, True, True, False]),
        motion_scores=np.array([-1.0, 0.6, -1.0, -1.0], np.float32),
        frames_count=frames,
        sketch=sketch,
    )


@dataclass(frozen=True)
class _Timed:
    value: float
    cpu_s: float


def _timed(work: Callable[[], float]) -> _Timed:
    start = time.process_time()
    value = work()
    return _Timed(value, time.process_time() - start)


def _count(
    name: str, config: str, value: float, unit: str, ratio: float, cpu_s: float
) -> Measurement:
    return Measurement(
        name=name,
        config=config,
        value=round(value, 4),
        unit=unit,
        ratio=round(ratio, 4),
        reference=REFERENCE,
        cpu_s=round(cpu_s, 2),
    )
