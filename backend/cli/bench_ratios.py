"""`acetate bench ratios`: processor seconds of the plain computation over ours, one thread.

A small model with the released structure; both modes run in turns in one process, and the outputs
are compared before any time counts. Processor time, because wall time on a shared machine is noise.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from backend.cli.measurement import BenchOptions, Measurement
from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.bundle import TEXT_TOKENS, LayerAnimateModel, build
from backend.models.layeranimate.clip import SampleSettings
from backend.models.layeranimate.configs import (
    AutoencoderConfig,
    ControlConfig,
    LayerAnimateConfig,
    ResamplerConfig,
    TrunkConfig,
    UNetConfig,
)
from backend.models.layeranimate.layer_control import LayerControls
from backend.models.layeranimate.reference.sampling import denoise_reference
from backend.pipeline.condition import EncodedClip
from backend.pipeline.feature_keys import feature_keys
from backend.pipeline.feature_store.budget import StoreBudget
from backend.pipeline.feature_store.contract import TensorStore
from backend.pipeline.feature_store.store import open_store
from backend.pipeline.layer_features import LayerFeatureSource
from backend.pipeline.sample import DenoiseStep, denoise
from shared.errors import AcetateError

SLOTS, FRAMES, HEIGHT, WIDTH = 4, 8, 16, 24
SETTINGS = SampleSettings(steps=2, eta=0.0)
TOLERANCE = 1e-3
"""Largest difference relative to the largest latent: guidance amplifies rounding step by step."""


def small_model() -> LayerAnimateModel:
    """The released structure at a fifth of its width, with random weights."""
    trunk = TrunkConfig(in_channels=8, model_channels=64, head_channels=32, context_dim=256)
    picture = AutoencoderConfig(channels=32, channel_mult=(1, 1, 1, 1), num_res_blocks=1)
    resampler = ResamplerConfig(
        dim=64, depth=1, heads=2, output_dim=256, image_dim=64, video_length=FRAMES
    )
    config = LayerAnimateConfig(
        unet=UNetConfig(trunk=trunk),
        control=ControlConfig(trunk=replace(trunk, in_channels=5)),
        resampler=resampler,
        autoencoder=picture,
        dual=None,
    )
    return build(config, seed=0)


def random_clip(model: LayerAnimateModel, used: int, seed: int = 0) -> EncodedClip:
    """Arbitrary encoded controls of four slots, of which the first `used` are valid."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    scale = model.config.autoencoder.scale
    width, tokens = model.config.unet.trunk.context_dim, model.config.resampler.queries_per_frame
    return EncodedClip(
        key_latents=draw(1, 4, FRAMES, HEIGHT, WIDTH),
        controls=LayerControls(
            latents=draw(1, SLOTS, FRAMES, 4, HEIGHT, WIDTH),
            mask=(draw(1, SLOTS, FRAMES, 1, HEIGHT, WIDTH) > 0).float(),
            scores=torch.rand(1, SLOTS, generator=generator),
            sketch=draw(1, SLOTS, FRAMES, 4, HEIGHT, WIDTH),
            trajectory=draw(1, SLOTS, FRAMES, 3, HEIGHT * scale, WIDTH * scale).clamp(-1, 1),
        ),
        validity=torch.arange(SLOTS) < used,
        context=Context(draw(2, TEXT_TOKENS, width), draw(2, FRAMES, tokens, width)),
        fps=torch.tensor([24.0]),
        key_frames=draw(1, 3, HEIGHT * scale, WIDTH * scale).clamp(-1, 1),
        references=None,
    )


def bench_ratios(options: BenchOptions) -> Iterator[Measurement]:
    """Plain over ours: a first run with three of four layers, another seed, one layer edited."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model = small_model()
        with torch.inference_mode():
            pairs = [_pair(model, number) for number in range(options.repeat)]
    finally:
        torch.set_num_threads(threads)
    for name in pairs[0].ours_s:
        ratios = [pair.reference_s / pair.ours_s[name] for pair in pairs]
        ours = statistics.median(pair.ours_s[name] for pair in pairs)
        yield Measurement(
            name="ratios",
            config=name,
            value=round(statistics.median(ratios), 3),
            unit="times",
            ratio=round(1 / statistics.median(ratios), 4),
            reference="reference",
            cpu_s=round(ours, 3),
            details={
                "pairs": len(pairs),
                "least": round(min(ratios), 3),
                "most": round(max(ratios), 3),
                "reference_cpu_s": round(statistics.median(p.reference_s for p in pairs), 3),
            },
        )


@dataclass(frozen=True)
class _Pair:
    """Processor seconds of one round."""

    reference_s: float
    ours_s: dict[str, float]


def _pair(model: LayerAnimateModel, number: int) -> _Pair:
    """The plain run, then ours with nothing kept, all kept, and all but one layer kept."""
    clip = random_clip(model, used=SLOTS - 1, seed=number)
    noise = torch.randn(clip.key_latents.shape, generator=torch.Generator().manual_seed(number))
    store = open_store(StoreBudget(host_bytes=2 << 30))
    plain = _clocked(lambda: _last(denoise_reference(model, clip, SETTINGS, noise)))
    first = _clocked(lambda: _ours(model, clip, noise, store))
    _check_equal(first.latents, plain.latents)
    other = noise.flip(-1)
    rerun = _clocked(lambda: _ours(model, clip, other, store))
    changed = _edited(clip)
    edit = _clocked(lambda: _ours(model, changed, noise, store))
    # the first run was held against the plain one, so ours without a store stands for that here
    _check_equal(rerun.latents, _last(denoise(model, clip, SETTINGS, other)))
    _check_equal(edit.latents, _last(denoise(model, changed, SETTINGS, noise)))
    times = {"first-3-of-4": first.cpu_s, "rerun": rerun.cpu_s, "one-edited": edit.cpu_s}
    return _Pair(plain.cpu_s, times)


def _ours(model: LayerAnimateModel, clip: EncodedClip, noise: Tensor, store: TensorStore) -> Tensor:
    source = LayerFeatureSource(model, clip, store, feature_keys(model, clip))
    return _last(denoise(model, clip, SETTINGS, noise, source=source))


def _edited(clip: EncodedClip) -> EncodedClip:
    """The same clip with another motion score on the first layer."""
    scores = clip.controls.scores.clone()
    scores[0, 0] = 1 - scores[0, 0]
    return replace(clip, controls=replace(clip.controls, scores=scores))


@dataclass(frozen=True)
class _Run:
    latents: Tensor
    cpu_s: float


def _clocked(work: Callable[[], Tensor]) -> _Run:
    start = time.process_time()
    latents = work()
    return _Run(latents, time.process_time() - start)


def _last(steps: Iterator[DenoiseStep]) -> Tensor:
    """Latents of the last step."""
    return deque(steps, maxlen=1)[0].latents


def _check_equal(found: Tensor, wanted: Tensor) -> None:
    error = float((found - wanted).abs().max() / wanted.abs().max())
    if error > TOLERANCE:
        raise AcetateError("bug", detail=f"the modes differ by {error:.2g}; no time is reported")
