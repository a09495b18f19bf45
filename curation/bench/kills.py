"""Kills a real run again and again, and compares what it leaves with an undisturbed one.

`spec/curation.md` 4.5; called by `acetate curate bench --kill N`, in folders of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np

from curation.bench.synthetic import FPS, make

_LICENCE = """title = "Drawn to measure"
rights_holder = "The Acetate project"
licence = "CC0-1.0"
licence_evidence = "drawn by a program"
consent_for_training = true
consent_by = "The Acetate project"
consent_date = "2026-01-01"
attribution = "none needed"
acquired = "2026-01-01"
"""
_SHOTS = (("mid", 1), ("twos", 2))
_SPAN = 0.15  # of an undisturbed run's time, within which each run is killed


class KillFigures(msgspec.Struct, frozen=True):
    """What came out. `kills`: of runs at work; `files`: compared; `different`: those that differ.

    `again`: stages that a further run worked on, which should be none.
    """

    kills: int
    files: int
    different: list[str]
    again: int

    @property
    def reached(self) -> bool:
        """Whether nothing differs and nothing was done again."""
        return not self.different and not self.again


def bench_kills(
    folder: Path, kills: int, told: Callable[[str], None], seed: int = 0
) -> KillFigures:
    """Kill runs `kills` times at random moments, then let one come to its end.

    `folder`: empty. Raises `CalledProcessError` where a run fails that nobody killed.
    """
    footage = folder / "footage"
    footage.mkdir(parents=True)
    _write_film(footage / "film.mp4")
    (footage / "licence.toml").write_text(_LICENCE)
    began_s = time.monotonic()
    calm, rough = folder / "calm" / "set", folder / "rough" / "set"
    _finished(footage, calm)
    whole_s = time.monotonic() - began_s
    told(f"an undisturbed run takes {whole_s:.0f} s")
    chance = random.Random(0)  # noqa: S311 - moments, no secret
    done = 0
    while done < kills:
        if _killed(footage, rough, chance.uniform(0, _SPAN * whole_s)):
            done += 1
            told(f"{done} of {kills} kills")
        else:  # it came to its end before: the rest of the kills fall on a new one
            told("a run came to its end")
            _expect_same(calm, rough)
            rough = folder / f"rough{done}" / "set"
    _finished(footage, rough)
    before = _tree(rough)
    again = _finished(footage, rough)
    different = _different(_tree(calm), before) + _different(before, _tree(rough))
    return KillFigures(done, len(before), different, int(again["stages_run"]))


def _write_film(path: Path) -> None:
    frames = np.concatenate([make(kind, seed=seed).frames for kind, seed in _SHOTS])
    frames = np.ascontiguousarray(frames[:, 32:288, 96:416])
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=round(FPS), options={"crf": "12"})
        stream.width, stream.height = frames.shape[2], frames.shape[1]
        stream.pix_fmt = "yuv420p"
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, round(FPS))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _command(footage: Path, out: Path) -> list[str]:
    program = [sys.executable, "-m", "backend.cli.main", "curate", "run"]
    return [*program, str(footage), "--out", str(out), "--json"]


def _finished(footage: Path, out: Path) -> dict[str, Any]:
    """A run that nobody disturbs; what it says at its end."""
    done = subprocess.run(_command(footage, out), check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _killed(footage: Path, out: Path, after_s: float) -> bool:
    """Start a run and kill it with all its processes; False where it had ended before."""
    process = subprocess.Popen(
        _command(footage, out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return False


def _expect_same(calm: Path, rough: Path) -> None:
    if different := _different(_tree(calm), _tree(rough)):
        raise RuntimeError(f"a run that was killed left other files: {', '.join(different[:5])}")


def _tree(folder: Path) -> dict[str, str]:
    """SHA-256 of every file but ledgers, which tell what happened when, and half-written ones."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "ledger" not in path.parts and not path.name.startswith(".part-")
    }


def _different(one: dict[str, str], other: dict[str, str]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
