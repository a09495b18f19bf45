"""`acetate bench denoise-gpu`: a full-size clip on a CUDA device, plain and ours in turns.

`ACETATE_COMPILE` counts as it does when generating. Random weights: the work is the same. Both
modes have weights of their own, because ours lie in memory as it likes them. Outputs are compared
before any time counts.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from backend.cli.measurement import BenchOptions, Measurement
from backend.measure.full_size import meta_clip
from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.bundle import LayerAnimateModel, assemble
from backend.models.layeranimate.clip import SampleSettings
from backend.models.layeranimate.compiled import COMPILE, compile_as_wished
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.models.layeranimate.layer_control import LayerControls
from backend.models.layeranimate.reference.sampling import denoise_reference
from backend.pipeline.condition import EncodedClip
from backend.pipeline.sample import DenoiseStep, denoise
from shared.errors import AcetateError

SLOTS = 4
SETTINGS = SampleSettings(steps=50, eta=0.0)
_TRIAL = SampleSettings(steps=2, eta=0.0)
TOLERANCE = 0.1
"""Root mean square difference relative to that of the prediction, in bfloat16."""


def bench_gpu(options: BenchOptions) -> Iterator[Measurement]:
    """Seconds of the denoising loop, four and three layers; reference: the plain computation."""
    if not torch.cuda.is_available():
        raise AcetateError("device_unusable", device="cuda", why="this torch finds no CUDA device")
    with torch.inference_mode():
        ours = _model()
        plain = _copy(ours)
        ours.ready()
        wish = os.environ.get(COMPILE, "")
        compile_as_wished(ours, wish)
        for used in (4, 3):
            found = _compare(ours, plain, _clip(ours, used), used, options.repeat)
            yield replace(found, details={**found.details, "compiled": wish or "no"})


def _model() -> LayerAnimateModel:
    torch.manual_seed(0)
    with torch.device("cuda"):
        return assemble(LayerAnimateConfig(dual=None)).to("cuda", torch.bfloat16)


def _copy(model: LayerAnimateModel) -> LayerAnimateModel:
    """The same weights in memory of their own, laid out as they were loaded."""
    with torch.device("cuda"):
        other = assemble(model.config).to("cuda", torch.bfloat16)
    for name, part in other.parts().items():
        part.load_state_dict(model.parts()[name].state_dict())
    return other


def _clip(model: LayerAnimateModel, used: int) -> EncodedClip:
    """Arbitrary controls of the released size."""
    shapes = meta_clip(model, SLOTS, used)
    generator = torch.Generator("cuda").manual_seed(1)

    def like(x: Tensor) -> Tensor:
        drawn = torch.randn(x.shape, generator=generator, device="cuda")
        return drawn.clamp(-3, 3).to(x.dtype)

    controls = LayerControls(*(like(x) for x in vars(shapes.controls).values()))
    return EncodedClip(
        key_latents=like(shapes.key_latents),
        controls=controls,
        validity=shapes.validity,
        context=Context(like(shapes.context.text), like(shapes.context.image)),
        fps=torch.tensor([24.0], device="cuda"),
        key_frames=torch.zeros(1, 3, 320, 512),
        references=None,
    )


def _compare(
    ours: LayerAnimateModel, plain: LayerAnimateModel, clip: EncodedClip, used: int, repeat: int
) -> Measurement:
    noise = torch.randn(clip.key_latents.shape, generator=torch.Generator().manual_seed(2))
    first = next(denoise(ours, clip, _TRIAL, noise)).predictions
    wanted = next(denoise_reference(plain, clip, _TRIAL, noise)).predictions
    error = float((first - wanted).square().mean().sqrt() / wanted.square().mean().sqrt())
    if not error <= TOLERANCE:
        raise AcetateError("bug", detail=f"the modes differ by {error:.2g}; no time is reported")
    pairs = [
        (
            _clocked(denoise_reference(plain, clip, SETTINGS, noise)),
            _clocked(denoise(ours, clip, SETTINGS, noise)),
        )
        for _ in range(repeat)
    ]
    own = [pair[1] for pair in pairs]
    ratios = [pair[1].wall_s / pair[0].wall_s for pair in pairs]
    return Measurement(
        name="denoise-gpu",
        config=f"final-{used}-layers",
        value=round(statistics.median(run.wall_s for run in own), 3),
        unit="s",
        ratio=round(statistics.median(ratios), 4),
        reference="reference",
        cpu_s=round(statistics.median(run.cpu_s for run in own), 3),
        details={
            "reference_s": round(statistics.median(pair[0].wall_s for pair in pairs), 3),
            "peak_gb": round(max(run.peak_bytes for run in own) / 1e9, 2),
            "error": round(error, 5),
            "device": torch.cuda.get_device_name(),
            "torch": torch.__version__,
        },
    )


@dataclass(frozen=True)
class _Run:
    wall_s: float
    cpu_s: float
    peak_bytes: int


def _clocked(steps: Iterator[DenoiseStep]) -> _Run:
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    deque(steps, maxlen=1)
    torch.cuda.synchronize()
    return _Run(
        time.perf_counter() - wall_s,
        time.process_time() - cpu_s,
        torch.cuda.max_memory_allocated(),
    )
