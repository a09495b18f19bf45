"""`acetate bench official`: ours against the official code of a checkout that the user names.

The same weights, inputs and noise go to both; each runs in its own process, in turns, and the
outputs are compared before any time counts. Nothing of the official code comes with this program.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from backend.cli.bench_ratios import random_clip, small_model
from backend.cli.measurement import BenchOptions, Measurement
from backend.measure.official_process import OfficialProcess, write_job
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.checkpoint import load_model
from backend.models.layeranimate.clip import SampleSettings
from backend.pipeline.condition import EncodedClip
from backend.pipeline.sample import denoise
from shared.errors import AcetateError

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1}
"""Largest root mean square difference of the first predictions, relative to theirs."""


@dataclass(frozen=True)
class _Case:
    """A model, an encoded clip, noise to start from and settings without fresh noise."""

    model: LayerAnimateModel
    clip: EncodedClip
    noise: Tensor
    settings: SampleSettings


def bench_official(options: BenchOptions) -> Iterator[Measurement]:
    """Seconds of the denoising loop, four layers; reference: the official code, in turns.

    On CUDA the released size with 50 steps in bfloat16, else a small model with two steps. With
    `--weights` the networks of that folder. Raises `usage` without `--checkout`.
    """
    if options.checkout is None:
        raise AcetateError("usage", where="bench official needs --checkout DIR")
    case = _case(options.weights)
    with tempfile.TemporaryDirectory(prefix="acetate-official-") as name:
        folder = Path(name)
        guidance = (case.settings.guidance_scale, case.settings.guidance_rescale)
        write_job(folder, case.model, case.clip, case.noise, case.settings.steps, guidance)
        python = options.python or sys.executable
        with OfficialProcess(python, options.checkout, folder) as official, torch.inference_mode():
            official.run()
            error = _checked(case, official.outputs()["first"])
            pairs = []
            for _ in range(options.repeat):
                theirs = official.run()
                pairs.append((theirs, _clocked(case)))
    yield _measured(case, pairs, error)


def _case(weights: Path | None) -> _Case:
    generator = torch.Generator().manual_seed(2)
    if torch.cuda.is_available():
        from backend.cli.bench_gpu import SLOTS, full_clip, full_size

        model = (
            load_model(weights, torch.device("cuda"), torch.bfloat16) if weights else full_size()
        )
        clip, settings = full_clip(model, SLOTS), SampleSettings(steps=50, eta=0.0)
    else:
        model = (
            load_model(weights, torch.device("cpu"), torch.float32) if weights else small_model()
        )
        clip, settings = random_clip(model, used=4), SampleSettings(steps=2, eta=0.0)
    noise = torch.randn(clip.key_latents.shape, generator=generator)
    return _Case(model.ready(), clip, noise, settings)


def _checked(case: _Case, wanted: Tensor) -> float:
    """The difference of the first predictions. Raises `bug` beyond the tolerance."""
    trial = next(denoise(case.model, case.clip, case.settings, case.noise))
    found = trial.predictions.cpu()
    error = float((found - wanted).square().mean().sqrt() / wanted.square().mean().sqrt())
    if not error <= TOLERANCE.get(case.model.dtype, 0.1):
        detail = f"ours and the official code differ by {error:.2g}; no time is reported"
        raise AcetateError("bug", detail=detail)
    return error


def _clocked(case: _Case) -> dict[str, float]:
    _settle(case)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    deque(denoise(case.model, case.clip, case.settings, case.noise), maxlen=1)
    _settle(case)
    return {"wall_s": time.perf_counter() - wall_s, "cpu_s": time.process_time() - cpu_s}


def _settle(case: _Case) -> None:
    if case.model.device.type == "cuda":
        torch.cuda.synchronize()


def _measured(
    case: _Case, pairs: list[tuple[dict[str, float], dict[str, float]]], error: float
) -> Measurement:
    # a GPU's time is wall time, a processor's its own, because wall time there is noise
    is_cuda = case.model.device.type == "cuda"
    unit = "wall_s" if is_cuda else "cpu_s"
    theirs = statistics.median(pair[0][unit] for pair in pairs)
    ours = statistics.median(pair[1][unit] for pair in pairs)
    return Measurement(
        name="official",
        config="final-4-layers" if is_cuda else "small-4-layers",
        value=round(ours, 3),
        unit="s",
        ratio=round(statistics.median(b[unit] / a[unit] for a, b in pairs), 4),
        reference="official code",
        cpu_s=round(statistics.median(pair[1]["cpu_s"] for pair in pairs), 3),
        details={
            "official_s": round(theirs, 3),
            "pairs": len(pairs),
            "steps": case.settings.steps,
            "error": round(error, 8),
            "device": torch.cuda.get_device_name() if is_cuda else "cpu",
            "dtype": str(case.model.dtype).removeprefix("torch."),
            "torch": torch.__version__,
        },
    )
