"""Promises to processes that share one folder, and to the one after a process that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.pipeline.feature_store.store import FeatureStore
from tests.backend.pipeline.feature_store.made import CPU, MB, features, files, key, on_disk, same
from tests.backend.pipeline.feature_store.rival import VALUES
from tests.backend.server.running import ROOT, wait_until


def start(folder: Path, first: int, end: int, budget_bytes: int) -> subprocess.Popen[str]:
    words = [str(folder), str(first), str(end), str(budget_bytes)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.backend.pipeline.feature_store.rival", *words],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_write_and_throw_out_in_one_folder(tmp_path: Path) -> None:
    budget_bytes = 3 * MB
    rivals = [start(tmp_path, 0, 120, budget_bytes), start(tmp_path, 60, 180, budget_bytes)]
    for rival in rivals:
        _, problems = rival.communicate(timeout=120)
        assert rival.returncode == 0
        assert problems.strip() == ""
    assert 0 < sum(file.stat().st_size for file in files(tmp_path)) <= budget_bytes
    store = FeatureStore(on_disk(tmp_path))
    found = {number: store.get(key(number), CPU) for number in range(180)}
    store.close()
    kept = {number: tensors for number, tensors in found.items() if tensors is not None}
    assert len(kept) == len(files(tmp_path)) >= 8
    assert all(same(t, features(n, values=VALUES)) for n, t in kept.items())


@pytest.mark.skipif(os.name != "posix", reason="elsewhere leftovers are told by their age alone")
def test_a_kill_in_the_middle_of_writing_costs_at_most_what_was_being_written(
    tmp_path: Path,
) -> None:
    killed = start(tmp_path, 0, 100_000, 200 * MB)
    wait_until(lambda: len(list(tmp_path.rglob("*.safetensors"))) >= 20)
    killed.kill()
    killed.communicate()
    (unfinished := tmp_path / key(0)[:2] / f".{key(0)}-{killed.pid}-{'0' * 16}.part").write_bytes(
        b"half"
    )
    store = FeatureStore(on_disk(tmp_path, 200 * MB))
    whole = [file.stem for file in tmp_path.rglob("*.safetensors")]
    numbers = {key(number): number for number in range(2000)}
    for name in whole:
        assert same(store.get(name, CPU), features(numbers[name], values=VALUES))
    store.close()
    assert not unfinished.exists()
    assert not list(tmp_path.rglob("*.part"))
    assert store.stats.notes == ()
