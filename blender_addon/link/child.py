"""Entry point of the link's process: `python child.py msgspec=FOLDER zmq=FOLDER`; no Blender here.

It runs as a script, so it knows no package yet: it makes one whose folder is the extension's,
without running the extension's own `__init__`, and loads the wheels from where Blender has them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

PACKAGE = "acetate_link"


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
    """Serve the process that started this one until it is gone; returns the exit code."""
    # Frames get a channel of their own: what anything else prints goes to the log.
    reports = os.dup(1)
    os.dup2(2, 1)
    for argument in arguments:
        load_wheel(*argument.split("=", 1))
    package = ModuleType(PACKAGE)
    package.__path__ = [str(Path(__file__).resolve().parent.parent)]
    sys.modules[PACKAGE] = package
    return import_module(f"{PACKAGE}.link.serving").serve(0, reports)


if __name__ == "__main__":
    # Threads may still wait for their pipes, and nothing of this process has to be saved.
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)
