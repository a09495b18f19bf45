"""Promises of curation runs: nothing twice, nothing half, the same with every engine."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from curation.run.clip_chain import ClipOutcome
from curation.run.engines import ProcessEngine, SerialEngine, make_engine
from curation.run.leases import Leases
from curation.run.ledger import as_parquet, read_ledger
from curation.run.over_clips import RunReport, run_over_clips, within_budget
from curation.run.stage import Product, Stage
from curation.run.work_store import WorkStore
from shared.errors import AcetateError

from .toy_chain import Scale, broken, chain, clips, deadly


def _serial(folder: Path, stages: list[Stage], count: int = 5) -> RunReport:
    sources = folder.parent / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    return run_over_clips(stages, clips(sources, count), folder, SerialEngine())


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "ledger" not in path.parts
    }


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    first = _serial(tmp_path / "set", chain())
    before = _tree(tmp_path / "set")
    second = _serial(tmp_path / "set", chain())
    assert (first.stages_run, second.stages_run) == (15, 0)
    assert _tree(tmp_path / "set") == before
    assert 0 < first.count("refused") < 5
    assert first.count("done") + first.count("refused") == 5


def test_a_late_setting_runs_only_late_stages_again(tmp_path: Path) -> None:
    _serial(tmp_path / "set", chain(level=100.0))
    again = _serial(tmp_path / "set", chain(level=10.0))
    assert {o.ran for o in again.outcomes.values()} == {("sum",)}
    earlier = _serial(tmp_path / "set", chain(factor=3.0, level=10.0))
    assert {o.ran for o in earlier.outcomes.values()} == {("scale", "sum")}


def test_a_unit_that_was_spoilt_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    whole = _serial(folder, chain())
    spoilt = folder / "work" / "scale" / "cl" / "clip4.npz"
    spoilt.write_bytes(spoilt.read_bytes()[:-7])
    (folder / "work" / "sum" / "cl" / "clip4.done.json").write_text("{")
    again = _serial(folder, chain())
    assert again.outcomes["clip4"].ran == ("sum", "scale")
    assert again.manifest == whole.manifest


def test_a_stage_that_crashes_fails_its_clip_alone(tmp_path: Path) -> None:
    stages = [*chain(), Stage("broken", 1, broken, Scale())]
    report = _serial(tmp_path / "set", stages)
    assert report.outcomes["clip3"].state == "failed"
    assert "no such thing" in report.outcomes["clip3"].detail
    assert report.count("failed") == 1
    with pytest.raises(AcetateError) as caught:
        within_budget(report, 0.1)
    assert caught.value.name == "failure_budget"
    within_budget(report, 0.2)


def test_a_clip_that_kills_its_worker_fails_alone(tmp_path: Path) -> None:
    stages = [Stage("deadly", 1, deadly, Scale())]
    report = run_over_clips(stages, clips(tmp_path, 5), tmp_path / "set", ProcessEngine(2))
    assert report.outcomes["clip3"].reason == "worker_died"
    assert report.count("done") == 4


def test_serial_process_and_ray_leave_the_same_files(tmp_path: Path) -> None:
    sources = clips(tmp_path, 5)
    trees = {}
    for name in ("serial", "process", "ray"):
        if name == "ray":
            pytest.importorskip("ray", reason="ray is an extra")
        run_over_clips(chain(), sources, tmp_path / name, make_engine(name, 2))
        trees[name] = _tree(tmp_path / name)
    assert trees["serial"] == trees["process"] == trees["ray"]


_KILLED = """
import sys
from pathlib import Path
from curation.run.clip_chain import ClipOutcome
from curation.run.engines import SerialEngine
from curation.run.over_clips import run_over_clips
from tests.curation.run.toy_chain import chain, clips
folder = Path(sys.argv[1])
run_over_clips(chain(pause_s=0.01), clips(folder, 5), folder / "set", SerialEngine())
"""


def test_twenty_kills_at_random_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "calm").mkdir()
    (tmp_path / "rough").mkdir()
    run_over_clips(
        chain(pause_s=0.01), clips(tmp_path / "calm", 5), tmp_path / "calm/set", SerialEngine()
    )
    chance = random.Random(7)
    command = [sys.executable, "-c", _KILLED, str(tmp_path / "rough")]
    units = tmp_path / "rough" / "set" / "work"
    for _ in range(20):
        process = subprocess.Popen(command)
        _wait_for_work(units, process)
        time.sleep(chance.uniform(0, 0.03))
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True)
    rough = {
        name: data for name, data in _tree(tmp_path / "rough/set").items() if ".part-" not in name
    }
    assert rough == _tree(tmp_path / "calm/set")


def _wait_for_work(units: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the process has begun with units: its start alone takes longer than its work."""
    before = sum(1 for _ in units.rglob("*")) if units.exists() else 0
    while process.poll() is None:
        now = sum(1 for _ in units.rglob("*")) if units.exists() else 0
        if now != before:
            return
        time.sleep(0.002)


def test_the_ledger_tells_every_passage_and_survives_a_cut_line(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    _serial(folder, chain())
    _serial(folder, chain())
    path = next((folder / "ledger").glob("*.jsonl"))
    path.write_bytes(path.read_bytes() + b'{"at": 1.0, "ru')
    lines = read_ledger(folder / "ledger")
    assert len(lines) == 10
    as_parquet(folder / "ledger", folder / "ledger.parquet")
    from pyarrow import parquet

    assert parquet.read_table(folder / "ledger.parquet").num_rows == 10


def test_two_runs_under_leases_share_the_work(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    clips(sources, 5)
    command = [sys.executable, "-c", _LEASED, str(sources), str(tmp_path / "set")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ran = [int(process.communicate()[0]) for process in runs]
    assert sum(ran) == 15
    assert not list((tmp_path / "leases").glob("*.lease"))


_LEASED = """
import sys
from pathlib import Path
from curation.run.clip_chain import ClipOutcome
from curation.run.engines import SerialEngine
from curation.run.leases import Leases
from curation.run.over_clips import run_over_clips
from tests.curation.run.toy_chain import chain, clips
sources, folder = Path(sys.argv[1]), Path(sys.argv[2])
leases = Leases(folder.parent / "leases")
clip_list = clips(sources, 5)
report = run_over_clips(chain(pause_s=0.05), clip_list, folder, SerialEngine(), leases=leases)
print(report.stages_run)
"""


def test_a_stale_lease_is_taken_over_and_a_fresh_one_is_not(tmp_path: Path) -> None:
    ours, theirs = Leases(tmp_path, expiry_s=60), Leases(tmp_path, expiry_s=60)
    with theirs.held("clip0") as first, ours.held("clip0") as second:
        assert (first, second) == (True, False)
    abandoned = tmp_path / "clip1.lease"
    abandoned.write_text("gone")
    old = time.time() - 3600
    os.utime(abandoned, (old, old))
    with ours.held("clip1") as held:
        assert held
    assert not abandoned.exists()


def test_a_stale_lease_goes_to_one_of_many_rivals(tmp_path: Path) -> None:
    rivals = [Leases(tmp_path, expiry_s=60, owner=f"rival{index}") for index in range(6)]
    old = time.time() - 3600
    for attempt in range(25):
        abandoned = tmp_path / f"clip{attempt}.lease"
        abandoned.write_text("gone")
        os.utime(abandoned, (old, old))
        gate = threading.Barrier(len(rivals))
        with ThreadPoolExecutor(len(rivals)) as pool:
            runs = [pool.submit(_try, rival, abandoned.stem, gate) for rival in rivals]
        assert sum(run.result() for run in runs) == 1
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith(".clock")]


def _try(rival: Leases, name: str, gate: threading.Barrier) -> bool:
    """Whether this rival got the lease; nobody gives it back before all have tried."""
    gate.wait()
    with rival.held(name) as ours:
        gate.wait()
        return ours


def test_a_rival_that_died_at_its_claim_is_passed_by(tmp_path: Path) -> None:
    ours = Leases(tmp_path, expiry_s=60)
    old = time.time() - 3600
    lease = tmp_path / "clip0.lease"
    lease.write_text("gone")
    os.utime(lease, (old, old))
    stale = ours._stale(lease)
    for number in range(2):
        claim = tmp_path / f".{stale}-{number}.claim"
        claim.write_text("gone too")
        os.utime(claim, (old, old))
    with ours.held("clip0") as held:
        assert held
        assert lease.read_text() == ours.owner
    assert not list(tmp_path.glob("*.claim"))


def test_a_clip_that_another_machine_has_holds_up_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    theirs, ours = Leases(folder / "leases"), Leases(folder / "leases")
    others_done, seen = threading.Event(), []

    def told(outcome: ClipOutcome, through: int, count: int) -> None:
        seen.append(outcome.clip_id)
        if through == count - 1:
            others_done.set()

    sources = clips(tmp_path, 5)
    with ThreadPoolExecutor(1) as pool:
        with theirs.held("clip2"):
            run = pool.submit(
                run_over_clips,
                chain(),
                sources,
                folder,
                SerialEngine(),
                leases=ours,
                told=told,
            )
            assert others_done.wait(60)
            assert "clip2" not in seen
        report = run.result()
    assert seen[-1] == "clip2"
    calm = _serial(tmp_path / "calm" / "set", chain())
    assert report.manifest == calm.manifest


def test_a_chain_in_the_wrong_order_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AcetateError, match="needs read"):
        _serial(tmp_path / "set", chain()[1:])


def test_names_that_are_paths_are_refused(tmp_path: Path) -> None:
    store = WorkStore(tmp_path)
    for name in ("../x", "a/b", ".hidden", "a.npz"):
        with pytest.raises(AcetateError):
            store.put("stage", name, "key", Product())


def test_the_manifest_names_no_machine(tmp_path: Path) -> None:
    _serial(tmp_path / "set", chain())
    manifest = msgspec.json.decode((tmp_path / "set" / "manifest.json").read_bytes())
    assert str(tmp_path) not in str(manifest)
