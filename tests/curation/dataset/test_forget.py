"""A source that is forgotten is gone from index and disk, and all other clips stay as they were."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from curation.dataset.forget import forget
from curation.dataset.index import write_index
from curation.dataset.reader import DataSet
from curation.dataset.verify import verify
from shared.errors import AcetateError

from .small_clips import of_source, small_clip, write_clips

ROOT = Path(__file__).resolve().parents[3]
GONE, KEPT = "a" * 64, "b" * 64
DIE_AT = """
import os, signal, sys
from pathlib import Path
import curation.dataset.forget as module

def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

real = module.write_index
setattr(module, "write_index", die if sys.argv[2] == "before" else lambda *a: (real(*a), die()))
module.forget(Path(sys.argv[1]), "a" * 64)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Shards with clips of both sources, of one, and of the other."""
    sources = [GONE, KEPT, GONE, GONE, KEPT, KEPT]
    clips = [small_clip(f"clip-{n}", rights=of_source(s)) for n, s in enumerate(sources)]
    for first in (0, 2, 4):
        write_clips(tmp_path / "set", clips[first : first + 2], shard_bytes=1 << 30)
    return tmp_path / "set"


def _members(folder: Path) -> dict[str, list[tuple[str, bytes]]]:
    data = DataSet.open(folder)
    return {row.clip_id: data.stored_members(row) for row in data.rows()}


def test_forgetting_removes_a_source_and_keeps_the_rest_byte_by_byte(folder: Path) -> None:
    before = _members(folder)
    told: list[tuple[str, int, int]] = []
    done = forget(folder, GONE, lambda *step: told.append(step))
    assert done.clips == ("clip-0", "clip-2", "clip-3")
    assert (done.rewritten, done.deleted) == (1, 1)
    after = _members(folder)
    assert after == {name: before[name] for name in ("clip-1", "clip-4", "clip-5")}
    assert told[-1][2] == 2
    assert verify(folder, deep=True).sound
    assert not verify(folder).leftovers
    trace = small_clip("clip-0").clip_id.encode() + b".mp4"
    assert not any(trace in path.read_bytes() for path in folder.iterdir())


def test_forgetting_twice_says_that_nothing_is_there(folder: Path) -> None:
    forget(folder, GONE)
    with pytest.raises(AcetateError, match="E116"):
        forget(folder, GONE)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_while_forgetting_leaves_the_old_or_the_new(folder: Path, moment: str) -> None:
    before = _members(folder)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", DIE_AT, str(folder), moment]
    ended = subprocess.run(command, env=environment, cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert verify(folder).sound
    assert len(_members(folder)) == (len(before) if moment == "before" else 3)
    if moment == "before":
        forget(folder, GONE)
    else:
        assert verify(folder).leftovers
        with pytest.raises(AcetateError, match="E116"):
            forget(folder, GONE)
    assert not verify(folder).leftovers
    assert len(_members(folder)) == 3


def test_damaged_clips_are_not_copied_on(folder: Path) -> None:
    data = DataSet.open(folder)
    row = data.row(1)
    with (folder / row.shard).open("r+b") as file:
        file.seek(row.places["mp4"][0])
        file.write(b"spoilt")
    with pytest.raises(AcetateError, match="E603"):
        forget(folder, GONE)
    write_index(folder, data.index)
    assert len(DataSet.open(folder)) == 6
