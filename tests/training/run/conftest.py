"""A pair of processes that train together, started once and given one run after the other."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from training.run.config import LoopConfig

from .member import Order
from .small import SmallOptions
from .tiny import TinyOptions

ROOT = Path(__file__).resolve().parents[3]


class Pair:
    """Two members; `train` gives both an order and returns their answers."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.training.run.member"]
        self.members = [
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]

    def train(
        self,
        config: LoopConfig,
        out: Path,
        options: TinyOptions | SmallOptions | None = None,
    ) -> list[dict[str, object]]:
        """Run in both; their answers in the order of ranks."""
        port = _free_port()
        for rank, member in enumerate(self.members):
            order = Order(config, options or TinyOptions(), str(out), port, rank, 2)
            assert member.stdin
            member.stdin.write(msgspec.json.encode(order).decode() + "\n")
            member.stdin.flush()
        return [_answer(member) for member in self.members]

    def close(self) -> None:
        """End both."""
        for member in self.members:
            if member.stdin:
                member.stdin.close()
        for member in self.members:
            member.wait(timeout=60)
            if member.stdout:
                member.stdout.close()


def _answer(member: subprocess.Popen[str]) -> dict[str, object]:
    assert member.stdout
    for line in member.stdout:
        if line.startswith("answer "):
            return json.loads(line.removeprefix("answer "))
    raise AssertionError(f"a member ended with {member.wait(timeout=10)}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def pair() -> Iterator[Pair]:
    """Two real processes over gloo."""
    members = Pair()
    yield members
    members.close()
