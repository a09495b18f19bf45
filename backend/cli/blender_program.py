"""Finds a Blender for headless steps and runs the extension's modules in it; commands call it.

A `bpy` interpreter (Python with Blender as a module) gets the extension staged beside it; a
Blender program must have the extension installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from shared.errors import AcetateError

ENVIRONMENT = "ACETATE_BLENDER"
_ROOT = Path(__file__).resolve().parents[2]
_INSTALLED = "bl_ext.user_default.acetate"
LACKING_EXTENSION = f"No module named '{_INSTALLED}"
TIMEOUT_S = 4 * 3600
"""Long enough for a slow render of a long shot; only a Blender that hangs takes longer."""


def find_blender(given: Path | None = None) -> Path:
    """`given`, else what ACETATE_BLENDER names, else the project's newest `bpy` environment.

    Raises `blender_missing`.
    """
    named = given or (Path(os.environ[ENVIRONMENT]) if os.environ.get(ENVIRONMENT) else None)
    if named is not None:
        program = shutil.which(named) or ""
        if not program:
            raise AcetateError("blender_missing", detail=f"{named} is not a program")
        return Path(program)
    found = sorted(_environments(), key=_version)
    if not found:
        raise AcetateError("blender_missing", detail="no .venvs/blender-* beside the project")
    return found[-1]


def _environments() -> Iterator[Path]:
    for folder in (_ROOT / ".venvs").glob("blender-*"):
        for program in (folder / "bin" / "python", folder / "Scripts" / "python.exe"):
            if program.exists():
                yield program


def _version(program: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", program.parents[1].name))


def run_module(
    program: Path, module: str, arguments: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    """Run `main` of a module of the extension, such as `export.headless`, to its end.

    Raises `blender_missing` where the program cannot be started, `timeout` where it hangs.
    """
    bare = _is_interpreter(program)
    staged = _staged() if bare else nullcontext(Path())
    with staged as folder, tempfile.TemporaryDirectory(prefix="acetate-blender-") as resources:
        environment = dict(os.environ)
        if bare:
            command = [str(program), "-m", f"acetate.{module}", *arguments]
            environment |= {"PYTHONPATH": str(folder), "BLENDER_USER_RESOURCES": resources}
        else:
            call = f"import sys; from {_INSTALLED}.{module} import main; "
            call += f"sys.exit(main({list(arguments)!r}))"
            command = [str(program), "--background", "--python-exit-code", "1"]
            command += ["--python-expr", call]
        try:
            return subprocess.run(
                command,
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as error:
            detail = "Blender did not end"
            raise AcetateError("timeout", minutes=TIMEOUT_S // 60, detail=detail) from error
        except OSError as error:
            raise AcetateError("blender_missing", detail=str(error)) from error


def _is_interpreter(program: Path) -> bool:
    return program.name.lower().startswith("python")


@contextmanager
def _staged() -> Iterator[Path]:
    """A folder with the extension as the package `acetate`, as it lies in an installed zip."""
    source = _ROOT / "blender_addon"
    if not source.is_dir():
        raise AcetateError("blender_missing", detail="the extension's source is not installed")
    with tempfile.TemporaryDirectory(prefix="acetate-extension-") as folder:
        target = Path(folder) / "acetate"
        ignore = shutil.ignore_patterns("__pycache__", "wheels", "shared")
        shutil.copytree(source, target, ignore=ignore)
        shutil.copytree(_ROOT / "shared", target / "shared", ignore=ignore)
        yield Path(folder)
