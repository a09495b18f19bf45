"""Fixtures: a server shared by tests that leave it whole, and one of their own for the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.client import Client
from tests.backend.server.running import RunningServer


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the fake runner that no test may damage."""
    server = RunningServer(tmp_path_factory.mktemp("server")).start()
    yield server
    server.stop()


@pytest.fixture
def client(shared_server: RunningServer) -> Iterator[Client]:
    """A client of the shared server."""
    with shared_server.connect() as client:
        yield client


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server of one's own, not started yet."""
    server = RunningServer(tmp_path)
    yield server
    server.stop()
