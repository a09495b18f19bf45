"""Promises of the pipeline with a feature store: the same pictures, problems told in the take."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from backend.models.layeranimate.clip import Check, ClipConditions, Report, SampleSettings
from backend.pipeline.context import LocalContext
from backend.pipeline.engines import ClipPainter, Engines
from backend.pipeline.execute import execute
from backend.pipeline.feature_store.budget import StoreBudget
from backend.pipeline.feature_store.contract import NoStore, TensorStore
from backend.pipeline.feature_store.disk import UNWRITABLE_NOTE
from backend.pipeline.feature_store.opening import StoreOpener, budget_in
from backend.pipeline.feature_store.store import FeatureStore
from shared.blobs import MemoryBlobs
from shared.result import ResultManifest
from shared.shot import Look, ShotRequest
from tests.backend.pipeline.feature_store.made import CPU, MB, features, key, same
from tests.backend.pipeline.shots import ShotBuilder, walking_disc
from tests.backend.pipeline.test_engines import tiny_painter


def shot(seed: int = 1) -> tuple[ShotRequest, ShotBuilder]:
    builder = walking_disc(ShotBuilder().plate())
    return builder.request(end=4, look=Look(engine="layeranimate", steps=2, seed=seed)), builder


def painted(engines: Engines, seed: int = 1) -> ResultManifest:
    request, builder = shot(seed)
    return execute(request, builder.blobs, MemoryBlobs(), LocalContext(), engines)


def test_a_take_with_a_feature_store_is_the_take_without(tmp_path: Path) -> None:
    plain = Engines(load_painter=lambda device: tiny_painter())
    opener = StoreOpener(budget_in(tmp_path, host_bytes=20 * MB, disk_bytes=20 * MB))
    stored = replace(plain, open_store=opener)
    wanted = {seed: painted(plain, seed).composite for seed in (1, 2)}
    assert wanted[1] != wanted[2]
    for seed in (1, 2, 1):
        assert painted(stored, seed).composite == wanted[seed]
    opener.close()
    restarted = replace(
        plain, open_store=StoreOpener(budget_in(tmp_path, host_bytes=MB, disk_bytes=20 * MB))
    )
    assert painted(restarted).composite == wanted[1]


def keeping_painter() -> ClipPainter:
    """A painter that really paints, and puts one entry into its store with every clip."""
    plain = tiny_painter()

    def paint(
        conditions: ClipConditions,
        settings: SampleSettings,
        check: Check,
        report: Report,
        store: TensorStore,
    ) -> np.ndarray:
        store.put(key(1), features(1))
        store.close()  # so that its thread has met the disk before the take is done
        return plain.paint(conditions, settings, check, report)

    return replace(plain, paint_with=lambda store: partial(paint, store=store))


def test_a_take_tells_what_is_wrong_with_the_feature_store_once(tmp_path: Path) -> None:
    (tmp_path / "features").write_bytes(b"in the way")
    engines = Engines(
        load_painter=lambda device: keeping_painter(),
        open_store=StoreOpener(budget_in(tmp_path, host_bytes=MB, disk_bytes=MB)),
    )
    assert UNWRITABLE_NOTE in painted(engines).warnings
    assert UNWRITABLE_NOTE not in painted(engines).warnings


def test_one_store_serves_all_jobs_of_a_process_and_none_is_opened_for_nothing(
    tmp_path: Path,
) -> None:
    opener = StoreOpener(budget_in(tmp_path, host_bytes=MB))
    store = opener("cpu")
    assert isinstance(store, FeatureStore)
    assert opener("cpu") is store
    store.put(key(1), features(1))
    assert same(opener("cpu").get(key(1), torch.device("cpu")), features(1))
    opener.close()
    assert isinstance(StoreOpener(StoreBudget())("cpu"), NoStore)
    assert StoreOpener(StoreBudget(disk_bytes=MB))("cpu").get(key(1), CPU) is None
