"""Lint as CI sees it: ruff, formatting, types; the extension is checked in the form it ships in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .environments import Environment
from .terminal import run_shown

_ROOMS = (
    "shared",
    "backend",
    "training",
    "curation",
    "tests",
    "examples",
    "benchmarks",
    "build_steps",
    "build.py",
)


def lint(root: Path, environment: Environment) -> list[str]:
    """Run every check, all of them even when one fails; returns the names of those that failed."""
    rooms = [name for name in _ROOMS if _holds_python(root / name)]
    extension = assemble_extension(root)
    checks = {
        "ruff check": [str(environment.program("ruff")), "check", "."],
        "ruff format": [str(environment.program("ruff")), "format", "--check", "."],
        "types": [str(environment.program("pyright")), *rooms],
        "types of the extension": [str(environment.program("pyright")), "-p", str(extension)],
    }
    return [name for name, command in checks.items() if run_shown(command, cwd=root)]


def _holds_python(path: Path) -> bool:
    return path.suffix == ".py" or any(path.rglob("*.py"))


def assemble_extension(root: Path) -> Path:
    """Lay out the extension as it ships (`shared` inside), with a type checker configuration.

    Its relative imports of `.shared` only resolve there. Blender declares properties as
    annotations that are calls, which type checkers do not accept as types: that one rule is off.
    """
    folder = root / "build" / "typecheck"
    shutil.rmtree(folder, ignore_errors=True)
    package = folder / "acetate"
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "blender_addon", package, ignore=leave)
    shutil.copytree(root / "shared", package / "shared", ignore=leave)
    settings = {
        "include": ["acetate"],
        "pythonVersion": "3.11",
        "typeCheckingMode": "standard",
        "stubPath": "../../typings",
        "venvPath": "../..",
        "venv": ".venv",
        "reportInvalidTypeForm": "none",
        "reportMissingModuleSource": "none",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings, indent=2))
    return folder
