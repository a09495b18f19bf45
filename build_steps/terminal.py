"""Running programs and saying how long each stage took; every other build step uses it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class BuildError(RuntimeError):
    """A build step failed; the message is for the person at the terminal."""


def say(text: str) -> None:
    """Print one line at once, also into a pipe."""
    print(text, flush=True)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Announce a stage and print its wall seconds when it ends well."""
    say(f"[{name}]")
    started = time.monotonic()
    yield
    say(f"[{name}] {time.monotonic() - started:.1f} s")


def run_logged(command: Sequence[str], log: Path, *, cwd: Path) -> None:
    """Run a program into a log file. Raises `BuildError` with the log's end when it fails."""
    with log.open("ab") as sink:
        sink.write(f"\n$ {' '.join(command)}\n".encode())
        sink.flush()
        code = subprocess.run(
            command, cwd=cwd, stdout=sink, stderr=subprocess.STDOUT, check=False
        ).returncode
    if code:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        raise BuildError("\n".join([f"{command[0]} ended with {code}; the end of {log}:", *tail]))


def run_shown(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None
) -> int:
    """Run a program whose output goes straight to the terminal; returns its exit code."""
    sys.stdout.flush()
    surroundings = {**os.environ, **(environment or {})}
    return subprocess.run(command, cwd=cwd, env=surroundings, check=False).returncode
