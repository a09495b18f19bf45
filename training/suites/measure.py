"""Measures all methods on one clip in one task, and keeps what was measured; called by run.py."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
import numpy as np

from training.suites.clip import SuiteClip
from training.suites.figures import Judge, figures_of, unjudged_figures
from training.suites.methods import Method
from training.suites.strip import strip_of
from training.suites.suite import Suite

TRUTH = "truth"


class MethodResult(msgspec.Struct, frozen=True):
    """What one method reached on a clip.

    `frame_features` float32 [n, d] and `clip_features` float32 [1, e], as rows of numbers.
    `cpu_s`: processor time for making the frames.
    """

    figures: dict[str, float | None]
    frame_features: list[list[float]]
    clip_features: list[list[float]]
    cpu_s: float = 0.0


class ClipResult(msgspec.Struct, frozen=True):
    """One clip in one task. `methods` holds the truth too; `strip` is a WebP picture."""

    suite: str
    clip_id: str
    stratum: str
    methods: dict[str, MethodResult]
    strip: bytes


def measure(clip: SuiteClip, suite: Suite, methods: Sequence[Method], judge: Judge) -> ClipResult:
    """Make the clip by every method that applies, and measure each."""
    truth = clip.frames[list(suite.made(len(clip.frames)))]
    results = {TRUTH: _result(unjudged_figures(clip, suite, truth), truth, judge, 0.0)}
    pictures = {TRUTH: truth}
    for method in methods:
        if not method.applies(suite):
            continue
        start = time.process_time()
        made = method.make(clip, suite)
        cpu_s = time.process_time() - start
        pictures[method.name] = made
        results[method.name] = _result(figures_of(clip, suite, made, judge), made, judge, cpu_s)
    strip = strip_of(clip, suite, pictures)
    return ClipResult(suite.name, clip.clip_id, clip.stratum, results, strip)


def _result(
    figures: dict[str, float | None], made: np.ndarray, judge: Judge, cpu_s: float
) -> MethodResult:
    return MethodResult(
        figures=figures,
        frame_features=judge.per_frame(made).tolist(),
        clip_features=judge.per_clip(made).tolist(),
        cpu_s=cpu_s,
    )
