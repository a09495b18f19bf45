"""Entry point of the link's process: `python child.py 3.11 msgspec=FOLDER zmq=FOLDER`; no Blender.

It runs as a script, so it knows no package yet: it makes one whose folder is the extension's,
without running the extension's own `__init__`, and loads the wheels from where Blender has them.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

PACKAGE = "acetate_link"
OTHER_PYTHON = 3


def load_wheel(name: str, folder: str) -> None:
    """Import a package from one folder and no other. Raises `ImportError`.

    That folder holds wheels of all extensions: made part of the import path, it might hide more.
    """
    spec = PathFinder.find_spec(name, [folder])
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} is not in {folder}")
    sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


def main(arguments: Sequence[str]) -> int:
    """Serve the process that started this one until it is gone; returns the exit code.

    `arguments` are the version of that process's Python and where its wheels are.
    """
    wanted, *wheels = arguments
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if version != wanted:
        sys.stderr.write(
            f"Blender runs Python {wanted}, but {sys.executable} is Python {version}:"
            f" install python{wanted} where Blender finds it, on its PATH\n"
        )
        return OTHER_PYTHON
    # Frames get a channel of their own: what anything else prints goes to the log.
    reports = os.dup(1)
    os.dup2(2, 1)
    for wheel in wheels:
        load_wheel(*wheel.split("=", 1))
    package = ModuleType(PACKAGE)
    package.__path__ = [str(Path(__file__).resolve().parent.parent)]
    sys.modules[PACKAGE] = package
    return import_module(f"{PACKAGE}.link.serving").serve(0, reports)


if __name__ == "__main__":
    # Threads may still wait for their pipes, and nothing of this process has to be saved.
    try:
        code = main(sys.argv[1:])
    except Exception:  # noqa: BLE001 (the border of the process: said, and told by the code)
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)
