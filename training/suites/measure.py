"""Measures all methods on one clip in one task, and keeps what was measured; called by run.py."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

import msgspec
import numpy as np

from training.suites.clip import SuiteClip
from training.suites.figures import Judge, Reference, figures_of, own_figures, reference_of
from training.suites.methods import Method
from training.suites.strip import strip_of
from training.suites.suite import Suite

TRUTH = "truth"


class MethodResult(msgspec.Struct, frozen=True):
    """What one method reached on a clip.

    `frame_features` float32 [n, d] and `clip_features` float32 [1, e], row by row as bytes.
    `cpu_s`: processor time for making the frames.
    """

    figures: dict[str, float | None]
    frame_features: bytes
    clip_features: bytes
    cpu_s: float = 0.0


class ClipResult(msgspec.Struct, frozen=True):
    """One clip in one task. `methods` holds the truth too; `strip` is a WebP picture."""

    suite: str
    clip_id: str
    stratum: str
    methods: dict[str, MethodResult]
    strip: bytes


class ClipMeter:
    """One clip and all that was made of it: what several suites share is measured once."""

    def __init__(self, clip: SuiteClip, methods: Sequence[Method], judge: Judge) -> None:
        self._clip = clip
        self._methods = methods
        self._judge = judge
        self._references: dict[bool, Reference] = {}
        self._results: dict[tuple[bool, bool, str], MethodResult] = {}

    def measure(self, suite: Suite) -> ClipResult:
        """Make the clip by every method that applies, and measure each."""
        reference = self._reference(suite)
        pictures = {TRUTH: reference.truth}
        results = {TRUTH: self._measured(suite, reference.truth)}
        for method in self._methods:
            if not method.applies(suite):
                continue
            start = time.process_time()
            made = method.make(self._clip, suite)
            cpu_s = time.process_time() - start
            if method.on_top_of in results:
                cpu_s += results[method.on_top_of].cpu_s
            pictures[method.name] = made
            result = self._measured(suite, made)
            results[method.name] = msgspec.structs.replace(result, cpu_s=cpu_s)
        strip = strip_of(self._clip, suite, pictures)
        return ClipResult(suite.name, self._clip.clip_id, self._clip.stratum, results, strip)

    def _reference(self, suite: Suite) -> Reference:
        if suite.last_key not in self._references:
            self._references[suite.last_key] = reference_of(self._clip, suite)
        return self._references[suite.last_key]

    def _measured(self, suite: Suite, made: np.ndarray) -> MethodResult:
        """Figures and features; equal frames of the same task's keys are measured once."""
        reference = self._reference(suite)
        is_truth = made is reference.truth
        # the truth has fewer figures than a method that reaches it exactly
        key = suite.last_key, is_truth, hashlib.sha256(made.tobytes()).hexdigest()
        if key not in self._results:
            if is_truth:
                figures = own_figures(reference, made)
            else:
                figures = figures_of(reference, made, self._judge)
            self._results[key] = MethodResult(
                figures,
                _packed(self._judge.per_frame(made)),
                _packed(self._judge.per_clip(made)),
            )
        return self._results[key]


def _packed(features: np.ndarray) -> bytes:
    return features.astype("<f4").tobytes()


def unpacked(features: bytes, dimensions: int) -> np.ndarray:
    """Rows of features, float32 [n, dimensions]."""
    return np.frombuffer(features, "<f4").reshape(-1, dimensions)
