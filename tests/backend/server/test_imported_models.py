"""A running server takes up models that are imported, and forgets their results with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from backend.data_folder import models_dir
from backend.models.registry.importing import examine, install
from backend.models.registry.installed import remove_installed
from shared.blobs import MemoryBlobs
from shared.errors import AcetateError
from shared.result import ResultManifest
from shared.shot import Look
from tests.backend.models.registry.folders import tiny_folder
from tests.backend.pipeline.shots import ShotBuilder
from tests.backend.server.running import RunningServer


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    """A server whose user has no models yet."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ACETATE_MODELS_DIR")
    monkeypatch.delenv("ACETATE_DATA_DIR", raising=False)
    running = RunningServer(tmp_path / "server", runner="").start()
    yield running
    running.stop()


def _generate(server: RunningServer, seed: int) -> ResultManifest:
    builder = ShotBuilder(width=64, height=64).plate()
    builder.add("disc", {1: builder.disc((0.3, 0.3)), 4: builder.disc((0.5, 0.6))})
    look = Look(engine="layeranimate", steps=1, seed=seed)
    request = msgspec.structs.replace(builder.request(end=4), look=look)
    with server.connect() as client:
        job = client.submit(request, builder.blobs)
        client.wait(job, timeout_s=120)
        return client.fetch(job, MemoryBlobs())


def test_results_come_and_go_with_the_model_that_painted_them(
    server: RunningServer, tmp_path: Path
) -> None:
    with pytest.raises(AcetateError) as caught:
        _generate(server, 1)
    assert caught.value.name == "model_missing"
    tiny_folder(tmp_path / "tiny")
    installed = install(examine(tmp_path / "tiny"), store=models_dir())
    painted = _generate(server, 1)
    assert painted.engine == "layeranimate"
    assert [model.sha256 for model in painted.models] == [installed.manifest.identity]
    remove_installed("tiny", models_dir())
    with pytest.raises(AcetateError) as caught:
        _generate(server, 1)
    assert caught.value.name == "model_missing"
