"""What happened to which clip when: append-only JSON lines per process, one table at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from curation.run.clip_chain import ClipOutcome
from shared.blobs import write_atomically


class LedgerLine(msgspec.Struct, frozen=True):
    """One clip's passage in one run. `at`: seconds since 1970."""

    at: float
    run: str
    outcome: ClipOutcome


class Ledger:
    """This process's own file in the ledger folder; several machines may share the folder."""

    def __init__(self, folder: Path, run: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{run}-{os.getpid()}.jsonl"
        self._run = run

    def note(self, outcome: ClipOutcome) -> None:
        """Append one line. A crash may cut the last line short; readers leave such a line out."""
        line = msgspec.json.encode(LedgerLine(round(time.time(), 3), self._run, outcome))
        with self._path.open("ab") as file:
            file.write(line + b"\n")


def read_ledger(folder: Path) -> list[LedgerLine]:
    """All whole lines of all processes, by time."""
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in _whole_lines(path)]
    return sorted(lines, key=lambda line: line.at)


def _whole_lines(path: Path) -> list[LedgerLine]:
    lines: list[LedgerLine] = []
    for text in path.read_bytes().split(b"\n")[:-1]:
        try:
            lines.append(msgspec.json.decode(text, type=LedgerLine))
        except msgspec.DecodeError:
            continue  # cut short by a crash; the clip runs again and is noted again
    return lines


def without_clips(folder: Path, is_gone: Callable[[str], bool]) -> None:
    """Take the lines of some clips out of all files of a ledger, and lines that cannot be read."""
    for path in sorted(folder.glob("*.jsonl")):
        lines = _whole_lines(path)
        kept = [line for line in lines if not is_gone(line.outcome.clip_id)]
        if len(kept) < len(lines):
            write_atomically(path, b"".join(msgspec.json.encode(line) + b"\n" for line in kept))


def as_parquet(folder: Path, target: Path) -> None:
    """The ledger as one table: a row per clip and run."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = [
        {
            "at": line.at,
            "run": line.run,
            "clip_id": line.outcome.clip_id,
            "state": line.outcome.state,
            "stage": line.outcome.stage,
            "reason": line.outcome.reason,
            "detail": line.outcome.detail,
            "ran": list(line.outcome.ran),
            "cpu_s": sum(line.outcome.seconds.values()),
        }
        for line in read_ledger(folder)
    ]
    columns = pa.schema(
        [
            ("at", pa.float64()),
            ("run", pa.string()),
            ("clip_id", pa.string()),
            ("state", pa.string()),
            ("stage", pa.string()),
            ("reason", pa.string()),
            ("detail", pa.string()),
            ("ran", pa.list_(pa.string())),
            ("cpu_s", pa.float64()),
        ]
    )
    parquet.write_table(pa.Table.from_pylist(rows, schema=columns), target)
