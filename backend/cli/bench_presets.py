"""`acetate bench presets`: time of the approximate presets, always beside their likeness to final.

A tiny random model, all presets from the same noise: random weights only indicate how near the
pictures of a trained model come.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from backend.cli.bench_work import one_sketched_layer
from backend.cli.measurement import BenchOptions, Measurement
from backend.measure.fidelity import psnr_db, ssim
from backend.models.layeranimate.bundle import build, tiny_config
from backend.models.layeranimate.clip import SampleSettings
from backend.models.layeranimate.generate import generate_clip
from backend.pipeline.presets import FINAL, PRESETS

_FRAMES = 4
_SETTINGS = SampleSettings(steps=10, eta=0.0)
"""No noise but the first: fewer steps would draw other noise than final's."""


def bench_presets(options: BenchOptions) -> Iterator[Measurement]:
    """Processor seconds of a clip by preset; reference: final. PSNR and SSIM are to final's."""
    del options
    model, conditions = build(tiny_config(_FRAMES), seed=0), one_sketched_layer(_FRAMES)
    final_s, final = 0.0, np.zeros(0)
    for preset in PRESETS.values():
        start = time.process_time()
        frames = generate_clip(model, conditions, preset.applied(_SETTINGS))
        cpu_s = time.process_time() - start
        if preset is FINAL:
            final_s, final = cpu_s, frames
        pairs = list(zip(_bytes(frames), _bytes(final), strict=True))
        yield Measurement(
            name="presets",
            config=preset.name,
            value=round(cpu_s, 3),
            unit="s",
            ratio=round(cpu_s / final_s, 3),
            reference=FINAL.name,
            cpu_s=round(cpu_s, 3),
            details={
                "psnr_db": round(float(np.mean([psnr_db(a, b) for a, b in pairs])), 2),
                "ssim": round(float(np.mean([ssim(a, b) for a, b in pairs])), 4),
                "weights": "random",
            },
        )


def _bytes(frames: np.ndarray) -> np.ndarray:
    """Frames in 0..1 as uint8."""
    return np.rint(frames * 255).astype(np.uint8)
