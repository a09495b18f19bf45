"""The example in plain pyzmq and msgpack goes the whole way, so the wire is open to all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from shared.package import write_package
from tests.backend.server.running import RunningServer
from tests.backend.server.shots import make_shot

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "plain_client" / "submit.py"


def test_a_client_without_our_code_goes_the_whole_way(
    shared_server: RunningServer, tmp_path: Path
) -> None:
    request, blobs = make_shot(seed=77, noisy=True)
    write_package(request, blobs, tmp_path / "shot")
    done = subprocess.run(
        [sys.executable, "-I", str(EXAMPLE), str(tmp_path / "shot"), str(tmp_path / "out")],
        env=shared_server.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["request_sha256"] == request.sha256
    for layer in manifest["layers"]:
        assert all((tmp_path / "out" / sha256).is_file() for sha256 in layer["frames"])
