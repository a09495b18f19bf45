"""The project's virtual environments: what is in them, and when they must be made again.

Called by `commands`. An environment carries a stamp with the hash of everything that decides its
content, so that a second set-up costs nothing.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tomllib
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .terminal import BuildError, run_logged, stage

_STAMP = "acetate-stamp.txt"
BLENDERS = {"5.0": "5.0.1", "4.5": "4.5.15"}


@dataclass(frozen=True)
class Environment:
    """A virtual environment: where it lies and which `pip install` calls fill it, in order.

    `recipe` is whatever else decides its content, such as what `-e .` stands for.
    """

    name: str
    folder: Path
    installs: tuple[tuple[str, ...], ...]
    recipe: str = ""

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.program("python")

    def program(self, name: str) -> Path:
        """A console program of the environment."""
        if sys.platform == "win32":
            return self.folder / "Scripts" / f"{name}.exe"
        return self.folder / "bin" / name

    def fingerprint(self) -> str:
        """Hash of all that decides what is installed."""
        parts = [sys.version, self.folder.as_posix(), repr(self.installs), self.recipe]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def main_environment(root: Path) -> Environment:
    """`.venv`: the project itself. Torch goes first and alone, so that its pin decides."""
    installs = ((requirement(root, "torch"),), ("-e", ".[dev]"))
    return Environment(".venv", root / ".venv", installs, recipe=repr(_project(root)))


def blender_environment(root: Path, version: str) -> Environment:
    """`.venvs/blender-VERSION`: Blender as a module, and what the extension's wheels would bring.

    numpy stays below 2 because these Blenders are built against numpy 1.
    """
    wire = tuple(requirement(root, name) for name in ("msgspec", "pyzmq", "msgpack"))
    packages = (f"bpy=={BLENDERS[version]}", "numpy<2", *wire, requirement(root, "pytest"))
    return Environment(f"blender-{version}", root / ".venvs" / f"blender-{version}", (packages,))


def requirement(root: Path, name: str) -> str:
    """The project's own requirement line for a package, so that bounds are written once."""
    project = _project(root)
    lines = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    for line in lines:
        if re.split(r"[<>=!~\[; ]", line, maxsplit=1)[0] == name:
            return line
    raise BuildError(f"pyproject.toml names no requirement for {name}")


def project_version(root: Path) -> str:
    """The version that `pyproject.toml` gives the project."""
    return _project(root)["version"]


def _project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def is_ready(environment: Environment) -> bool:
    """Whether an environment was made whole from today's requirements."""
    stamp = environment.folder / _STAMP
    return stamp.is_file() and stamp.read_text() == environment.fingerprint()


def ensure(environments: list[Environment], root: Path) -> None:
    """Make what is missing or outdated; several at a time, as most of it is downloading."""
    missing = [item for item in environments if not is_ready(item)]
    if not missing:
        return
    names = ", ".join(item.name for item in missing)
    with stage(f"set up {names}"), ThreadPoolExecutor(max_workers=3) as pool:
        for _ in pool.map(lambda item: _make(item, root), missing):
            pass


def _make(environment: Environment, root: Path) -> None:
    logs = root / ".cache" / "setup"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{environment.name}.log"
    log.unlink(missing_ok=True)
    (environment.folder / _STAMP).unlink(missing_ok=True)
    with stage(f"set up {environment.name}"):
        if not environment.python.exists():
            shutil.rmtree(environment.folder, ignore_errors=True)
            venv.create(environment.folder, with_pip=True)
        pip = [str(environment.python), "-m", "pip", "install", "--disable-pip-version-check"]
        for packages in environment.installs:
            run_logged([*pip, *packages], log, cwd=root)
        (environment.folder / _STAMP).write_text(environment.fingerprint())
