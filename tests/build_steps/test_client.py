"""The client package is the one `shared/`, installable and complete by itself."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from build_steps.client import PACKAGE, build
from build_steps.environments import Environment

ROOT = Path(__file__).resolve().parents[2]


def test_the_client_wheel_holds_shared_and_works_without_the_project(tmp_path: Path) -> None:
    wheel = build(ROOT, tmp_path, Environment("here", Path(sys.prefix), ()))
    with zipfile.ZipFile(wheel) as archive:
        held = {Path(name).name for name in archive.namelist() if name.startswith(PACKAGE)}
        archive.extractall(tmp_path / "site")
    assert {path.name for path in (ROOT / "shared").glob("*.py")} <= held
    program = (
        "from acetate_client.client import Client; from acetate_client.errors import AcetateError\n"
        "try: Client.connect('tcp://127.0.0.1:1', patience_s=0.0)\n"
        "except AcetateError as error: print(error.name)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path / "site", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.stdout.strip() == "unreachable", finished.stderr
