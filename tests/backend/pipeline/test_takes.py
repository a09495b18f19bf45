"""Takes of one shot that differ in their seed run as one batch, and nobody can tell by the result.

A real run of a tiny model; work is counted where the networks are called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch

from backend.measure.calls import Calls, layeranimate_calls
from backend.models.layeranimate.bundle import LayerAnimateModel, build, tiny_config
from backend.models.layeranimate.clip import (
    Check,
    ClipConditions,
    FloatArray,
    Report,
    SampleSettings,
)
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.pipeline.context import LocalContext
from backend.pipeline.engines import ClipPainter, Engines, PaintTakes, painter_of
from backend.pipeline.execute import execute
from backend.pipeline.feature_store.contract import TensorStore
from backend.pipeline.memory_plan import FAST
from backend.pipeline.memory_prediction import predict_peak, takes_that_fit
from backend.pipeline.takes import TakeGroup, window_seed
from shared.blobs import MemoryBlobs
from shared.errors import AcetateError
from shared.result import ResultManifest
from shared.shot import Look, ShotRequest, single_takes
from tests.backend.pipeline.shots import ShotBuilder, composite_pixels, walking_disc

STEPS = 2
ONE_RUN = 2 * 2 * STEPS
"""Clips through the control branch: two layers, two guidance halves."""


@lru_cache(maxsize=1)
def model() -> LayerAnimateModel:
    return build(tiny_config(clip_frames=4), seed=0)


def painter(at_once: int) -> ClipPainter:
    return replace(painter_of(model()), width=64, height=64, takes_at_once=at_once)


def shot(takes: int, end: int = 3) -> tuple[ShotRequest, ShotBuilder]:
    builder = walking_disc(ShotBuilder().plate(), last=end + 1)
    look = Look(engine="layeranimate", steps=STEPS, seed=5, takes=takes)
    return builder.request(end=end, look=look), builder


def frames_of(manifest: ResultManifest, blobs: MemoryBlobs) -> np.ndarray:
    numbers = range(manifest.start, manifest.end + 1)
    return np.stack([composite_pixels(manifest, blobs, frame) for frame in numbers])


def run(
    request: ShotRequest, builder: ShotBuilder, painter: ClipPainter, **about: LocalContext
) -> list[np.ndarray]:
    """Composites of all takes, [frames, h, w, 4] each."""
    takes, blobs = single_takes(request), MemoryBlobs()
    group = TakeGroup([take.look.seed for take in takes])
    engines, context = Engines(load_painter=lambda device: painter), about.get("context")
    return [
        frames_of(
            execute(take, builder.blobs, blobs, context or LocalContext(), engines, group), blobs
        )
        for take in takes
    ]


def counted() -> Calls:
    return layeranimate_calls(model())


def test_takes_of_a_batch_are_those_that_run_one_by_one() -> None:
    request, builder = shot(takes=3)
    with counted() as alone:
        wanted = run(request, builder, painter(at_once=1))
    with counted() as batch:
        found = run(request, builder, painter(at_once=3))
    for own, other in zip(found, wanted, strict=True):
        assert np.abs(own.astype(int) - other).max() <= 1  # a rounding of a rounding
    assert not np.array_equal(found[0], found[1])
    assert batch.amounts["control_clips"] == ONE_RUN
    assert alone.amounts["control_clips"] == 3 * ONE_RUN
    assert alone.amounts["encoded_pictures"] == 3 * batch.amounts["encoded_pictures"]
    assert alone.amounts["unet_clips"] == batch.amounts["unet_clips"] == 3 * 2 * STEPS


def test_only_the_first_take_s_time_tells_how_long_painting_takes() -> None:
    group = TakeGroup([4, 5, 6])
    assert [group.is_first(seed) for seed in (4, 5, 6)] == [True, False, False]
    assert TakeGroup(()).is_first(4)


def test_as_many_takes_run_together_as_fit() -> None:
    request, builder = shot(takes=4)
    with counted() as pairs:
        run(request, builder, painter(at_once=2))
    assert pairs.amounts["control_clips"] == 2 * ONE_RUN
    assert pairs.amounts["unet_clips"] == 4 * 2 * STEPS


def test_windows_that_start_from_painted_frames_are_each_take_s_own() -> None:
    request, builder = shot(takes=2, end=4)
    with counted() as batch:
        first, second = run(request, builder, painter(at_once=2))
    # the coarse window is shared, the two that stand on its frames are not
    assert batch.amounts["control_clips"] == ONE_RUN + 2 * 2 * ONE_RUN
    assert batch.amounts["unet_clips"] == 2 * 3 * 2 * STEPS
    assert not np.array_equal(first, second)


def test_no_two_windows_of_neighbouring_takes_share_their_noise() -> None:
    seeds = [window_seed(take, window) for take in range(20) for window in range(20)]
    assert len(set(seeds)) == len(seeds)
    assert [window_seed(take, 0) for take in range(20)] == list(range(20))


def test_progress_of_a_batch_never_goes_back() -> None:
    reports: list[tuple[str, int, int]] = []
    context = LocalContext(on_progress=lambda *report: reports.append(report))
    request, builder = shot(takes=2)
    run(request, builder, painter(at_once=2), context=context)
    first = reports[: next(i for i, r in enumerate(reports) if r[0] == "separate")]
    for stage in ("condition", "sample", "decode"):
        shares = [step / steps for name, step, steps in first if name == stage]
        assert shares == sorted(shares)
        assert shares[-1] == 1
    assert [step for name, step, _ in first if name == "sample"] == list(range(1, STEPS + 1))


def test_a_cancel_in_a_batch_ends_the_take() -> None:
    seen: list[str] = []
    context = LocalContext(
        on_progress=lambda name, step, steps: seen.append(name),
        cancelled=lambda: "sample" in seen,
    )
    request, builder = shot(takes=3)
    with pytest.raises(AcetateError) as caught:
        run(request, builder, painter(at_once=3), context=context)
    assert caught.value.name == "cancelled"
    assert seen.count("sample") == 1


def test_a_seed_that_fails_costs_no_take_but_its_own() -> None:
    plain = painter(at_once=3)

    def batch_with(store: TensorStore) -> PaintTakes:
        del store

        def batch(
            conditions: ClipConditions,
            settings: SampleSettings,
            seeds: Sequence[int],
            check: Check,
            report: Report,
        ) -> list[FloatArray]:
            del conditions, settings, seeds, check, report
            raise AcetateError("nan", detail="seed 7")

        return batch

    def paint(
        conditions: ClipConditions, settings: SampleSettings, check: Check, report: Report
    ) -> np.ndarray:
        if settings.seed == 7:
            raise AcetateError("nan", detail="seed 7")
        return plain.paint(conditions, settings, check, report)

    broken = replace(plain, paint=paint, paint_with=None, batch_with=batch_with)
    request, builder = shot(takes=3)
    takes, blobs = single_takes(request), MemoryBlobs()
    group = TakeGroup([take.look.seed for take in takes])
    engines = Engines(load_painter=lambda device: broken)
    for take in takes[:2]:
        execute(take, builder.blobs, blobs, LocalContext(), engines, group)
    with pytest.raises(AcetateError) as caught:
        execute(takes[2], builder.blobs, blobs, LocalContext(), engines, group)
    assert caught.value.name == "nan"


def test_memory_decides_how_many_takes_run_at_once() -> None:
    config, size = tiny_config(4), (64, 128)

    def needed(seeds: int) -> int:
        found = predict_peak(config, FAST, 3, 1, size, torch.float32, 0, seeds)
        return found.total_bytes

    def fitting(limit_bytes: int, config: LayerAnimateConfig = config) -> int:
        return takes_that_fit(config, FAST, 4, limit_bytes, 3, 1, size, torch.float32, 0)

    assert needed(1) < needed(2) < needed(4)
    assert fitting(needed(4)) == 4
    assert fitting(needed(4) - 1) == fitting(needed(2)) == 2
    assert fitting(needed(2) - 1) == 1
    trunk = replace(config.control.trunk, in_channels=13)
    control = replace(config.control, trunk=trunk, uses_noisy_latents=True)
    assert fitting(1 << 60, replace(config, control=control)) == 1
