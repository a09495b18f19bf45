"""Builds `acetate-client`, the small pip package for pipeline scripts, from the one `shared/`.

Called by `commands`. Standard library only; the wheel is made by pip without fetching anything.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from .environments import Environment, project_version, requirement
from .terminal import BuildError, run_logged

PACKAGE = "acetate_client"
_NEEDS = ("numpy", "msgspec", "pyzmq", "pillow")


def build(root: Path, out_dir: Path, environment: Environment) -> Path:
    """Write the wheel into `out_dir` and return its path. Raises `BuildError`."""
    out_dir.mkdir(parents=True, exist_ok=True)
    log = root / ".cache" / "setup" / "client.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="acetate-client-") as staging:
        folder = Path(staging)
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / "shared", folder / PACKAGE, ignore=leave)
        shutil.copyfile(root / "LICENSE", folder / "LICENSE")
        (folder / "pyproject.toml").write_text(_project(root), encoding="utf-8")
        pip = [str(environment.python), "-m", "pip", "wheel", "--disable-pip-version-check"]
        run_logged(
            [*pip, "--no-deps", "--no-build-isolation", "-w", staging, staging], log, cwd=root
        )
        wheels = sorted(folder.glob("*.whl"))
        if not wheels:
            raise BuildError(f"pip made no wheel; see {log}")
        target = out_dir / wheels[0].name
        shutil.copyfile(wheels[0], target)
    return target


def _project(root: Path) -> str:
    needs = "\n".join(f'    "{requirement(root, name)}",' for name in _NEEDS)
    return f"""[build-system]
requires = ["setuptools>=70"]
build-backend = "setuptools.build_meta"

[project]
name = "acetate-client"
version = "{project_version(root)}"
description = "Talks to an Acetate server: shot packages out, finished layers back"
requires-python = ">=3.11"
license = "Apache-2.0"
dependencies = [
{needs}
]

[tool.setuptools.packages.find]
include = ["{PACKAGE}*"]
"""
