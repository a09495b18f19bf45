"""Keeps what was measured under a key of everything it depends on, so that a run can go on later.

Called by run.py. A changed clip, method, weights file or line of code gives another key: what lies
there under an old one is never read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

import backend
import curation
import shared
import training
from shared.blobs import write_atomically
from training.suites.clip import SuiteClip
from training.suites.figures import Judge
from training.suites.measure import ClipResult
from training.suites.methods import Method
from training.suites.suite import Suite

_MAX_RESULT_BYTES = 32 << 20


def result_key(clip: SuiteClip, suite: Suite, methods: Sequence[Method], judge: Judge) -> str:
    """SHA-256 over the clip, the task, all methods' weights, the features and the code."""
    applied = [f"{m.name} {m.identity}" for m in methods if m.applies(suite)]
    parts = [code_digest(), clip.identity, suite.name, judge.identity, *applied]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class ResultStore:
    """Results in a folder, one file each, written atomically; damaged ones are measured again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> ClipResult | None:
        """The result of a key, None where there is no whole one."""
        path = self._path(key)
        try:
            if path.stat().st_size > _MAX_RESULT_BYTES:
                return None
            return msgspec.msgpack.decode(path.read_bytes(), type=ClipResult)
        except (OSError, msgspec.DecodeError):
            return None

    def put(self, key: str, result: ClipResult) -> None:
        """Keep a result. Raises `disk`."""
        path = self._path(key)
        write_atomically(path, msgspec.msgpack.encode(result), durable=False)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.msgpack"


@lru_cache(maxsize=1)
def code_digest() -> str:
    """SHA-256 over the sources of the rooms that make and measure frames."""
    digest = hashlib.sha256()
    for package in (shared, backend, curation, training):
        for folder in map(Path, package.__path__):
            for path in sorted(folder.rglob("*.py")):
                digest.update(path.relative_to(folder).as_posix().encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
