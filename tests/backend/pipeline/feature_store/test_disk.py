"""Promises of the disk tier: its budget, and a disk or folder that misbehaves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend.pipeline.feature_store.budget import GB, StoreBudget
from backend.pipeline.feature_store.disk import FULL_NOTE, UNWRITABLE_NOTE
from backend.pipeline.feature_store.folder import STALE_S
from backend.pipeline.feature_store.store import FeatureStore
from tests.backend.pipeline.feature_store.made import (
    CPU,
    MB,
    features,
    files,
    key,
    on_disk,
    same,
)
from tests.backend.server.running import ROOT, wait_until

BIG = 250_000  # values, so 1 MB


def held(folder: Path, numbers: range) -> list[int]:
    """Which of the entries a fresh process would find, unchanged."""
    store = FeatureStore(on_disk(folder))
    found = {number: store.get(key(number), CPU) for number in numbers}
    store.close()
    assert all(same(t, features(n, values=BIG)) for n, t in found.items() if t is not None)
    return [number for number, tensors in found.items() if tensors is not None]


def total_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in files(folder))


def fill(folder: Path, numbers: range, budget_bytes: int) -> FeatureStore:
    store = FeatureStore(on_disk(folder, budget_bytes))
    for number in numbers:
        store.put(key(number), features(number, values=BIG))
    store.close()
    return store


def test_the_folder_stays_within_its_budget_also_with_what_earlier_processes_left(
    tmp_path: Path,
) -> None:
    fill(tmp_path, range(4), 100 * MB)
    for age, number in enumerate([2, 0, 3, 1]):
        (file,) = tmp_path.glob(f"*/{key(number)}.*")
        os.utime(file, (1000 + age, 1000 + age))
    store = fill(tmp_path, range(10, 12), 4 * MB + 10_000)
    assert total_bytes(tmp_path) <= 4 * MB + 10_000
    assert held(tmp_path, range(12)) == [1, 3, 10, 11]
    assert store.stats.disk.evicted == 2


def test_a_hit_protects_a_file_from_leaving(tmp_path: Path) -> None:
    fill(tmp_path, range(3), 100 * MB)
    for file in files(tmp_path):
        os.utime(file, (1000, 1000))
    reader = FeatureStore(on_disk(tmp_path))
    assert reader.get(key(1), CPU) is not None
    reader.close()
    fill(tmp_path, range(3, 5), 3 * MB + 10_000)
    assert held(tmp_path, range(5)) == [1, 3, 4]


def test_a_smaller_budget_shrinks_the_folder_at_the_next_start(tmp_path: Path) -> None:
    fill(tmp_path, range(5), 100 * MB)
    FeatureStore(on_disk(tmp_path, 2 * MB + 10_000)).close()
    assert len(files(tmp_path)) == 2


def test_an_announced_run_keeps_its_beginning_on_disk(tmp_path: Path) -> None:
    store = FeatureStore(on_disk(tmp_path, 3 * MB + 10_000))
    store.announce(key(number) for number in range(6))
    for number in range(6):
        store.put(key(number), features(number, values=BIG))
    store.close()
    assert held(tmp_path, range(6)) == [0, 1, 2]
    assert store.stats.unwritten >= 3


def test_what_leaves_memory_is_found_on_the_disk(tmp_path: Path) -> None:
    store = FeatureStore(on_disk(tmp_path, host_bytes=2 * MB))
    for number in range(6):
        store.put(key(number), features(number, values=BIG))
    wait_until(lambda: store.stats.disk.stored == 6)
    assert all(same(store.get(key(n), CPU), features(n, values=BIG)) for n in range(6))
    assert store.stats.misses == 0
    assert store.stats.disk.hits >= 4
    assert store.stats.host.bytes <= 2 * MB
    store.close()
    assert store.get(key(0), CPU) is not None


def test_prefetch_reads_from_the_disk_into_memory(tmp_path: Path) -> None:
    fill(tmp_path, range(3), 100 * MB)
    store = FeatureStore(on_disk(tmp_path, host_bytes=10 * MB))
    store.prefetch([key(number) for number in range(4)], CPU)
    for number in range(3):
        assert same(store.get(key(number), CPU), features(number, values=BIG))
    assert store.get(key(3), CPU) is None
    store.close()
    assert (store.stats.host.stored, store.stats.misses) == (3, 1)


def test_files_of_others_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    strange = [
        tmp_path / "readme.txt",
        tmp_path / "ab" / "notes.safetensors",
        tmp_path / "ab" / ".x",
    ]
    (tmp_path / "ab").mkdir()
    for file in strange:
        file.write_bytes(b"x" * 1000)
    fill(tmp_path, range(4), 2 * MB + 10_000)
    assert all(file.read_bytes() == b"x" * 1000 for file in strange)


@pytest.mark.parametrize("place", ["a file/features", "a file", "/proc/features", "/sys/features"])
def test_a_place_that_cannot_be_written_is_noted_once(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").write_bytes(b"")
    if place.startswith("/") and not Path(place).parent.is_dir():
        pytest.skip("this system has no such place")
    store = FeatureStore(on_disk(tmp_path / place, host_bytes=10_000))
    for number in range(3):
        assert store.get(key(number), CPU) is None
        store.put(key(number), features(number))
    assert same(store.get(key(2), CPU), features(2))
    store.close()
    assert store.stats.notes == (UNWRITABLE_NOTE,)
    assert store.stats.unwritten >= 3


def test_a_disk_without_spare_room_is_left_alone(tmp_path: Path) -> None:
    budget = StoreBudget(disk_bytes=GB, folder=tmp_path, reserve_bytes=10**18)
    store = FeatureStore(budget)
    store.put(key(1), features(1))
    store.close()
    assert files(tmp_path) == []
    assert store.stats.notes == (FULL_NOTE,)


def test_a_folder_that_is_removed_meanwhile_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "features"
    store = FeatureStore(on_disk(folder))
    store.put(key(1), features(1))
    wait_until(lambda: store.stats.disk.stored == 1)
    shutil.rmtree(folder)
    assert store.get(key(1), CPU) is None
    store.put(key(1), features(1))
    store.close()
    assert len(files(folder)) == 1
    assert store.stats.notes == ()


def test_leftovers_of_the_dead_and_of_long_ago_are_removed_at_the_start(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    folder = tmp_path / key(1)[:2]
    folder.mkdir()
    parts = {
        name: folder / f".{key(1)}-{pid}-{token * 16}.part"
        for name, pid, token in (
            ("dead", gone.pid, "1"),
            ("forgotten", os.getpid(), "2"),
            ("busy", os.getpid(), "3"),
            ("nonsense", 9_999_999_999, "4"),
        )
    }
    for part in parts.values():
        part.write_bytes(b"half")
    old = time.time() - STALE_S - 10
    os.utime(parts["forgotten"], (old, old))
    FeatureStore(on_disk(tmp_path)).close()
    assert [name for name, part in parts.items() if part.exists()] == ["busy"]


_WRITES = """
import sys
from pathlib import Path
from backend.pipeline.feature_store.store import FeatureStore
from tests.backend.pipeline.feature_store.made import CPU, features, key, on_disk, same
store = FeatureStore(on_disk(Path(sys.argv[1]), host_bytes=20_000_000))
for number in range(6):
    store.put(key(number), features(number, values=250_000))
assert all(same(store.get(key(n), CPU), features(n, values=250_000)) for n in range(6))
store.close()
print(*store.stats.notes, sep="\\n")
"""


def _notes_of(*command: str) -> str:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(os.name != "posix", reason="file size limits are POSIX")
def test_a_write_that_the_system_refuses_is_noted_and_leaves_nothing(tmp_path: Path) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n"
    assert _notes_of(sys.executable, "-c", limited + _WRITES, str(tmp_path)) == FULL_NOTE
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "sound"),
    [
        ("size=3m", [3, 4, 5]),  # the store makes room for the latest
        ("size=50m,nr_inodes=7", [0, 1, 2]),  # no names left, which no look at the bytes foretells
    ],
)
def test_on_a_full_file_system_what_was_written_stays_sound(
    tmp_path: Path, options: str, sound: list[int]
) -> None:
    # In a mount namespace of its own, which ends with the child.
    inside = f'mount -t tmpfs -o {options} none "$1" && shift && exec "$@"'
    private = ["unshare", "--mount", "sh", "-c", inside, "sh", str(tmp_path)]
    if not shutil.which("unshare") or subprocess.run([*private, "true"], check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    checks = _WRITES + (
        "found = FeatureStore(on_disk(Path(sys.argv[1])))\n"
        "for number in range(6):\n"
        "    tensors = found.get(key(number), CPU)\n"
        "    assert tensors is None or same(tensors, features(number, values=250_000))\n"
        "    print(number if tensors else '')\n"
        "assert not list(Path(sys.argv[1]).rglob('*.part'))\n"
    )
    lines = _notes_of(*private, sys.executable, "-c", checks, str(tmp_path)).splitlines()
    assert [int(line) for line in lines if line.isdigit()] == sound
    assert (FULL_NOTE in lines) == ("inodes" in options)
