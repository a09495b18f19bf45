"""Fixtures of the Blender rooms: the extension staged as a package, outside the user's settings."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "acetate_staged"

# Outside a bpy interpreter there is nothing here to collect.
collect_ignore_glob = [] if importlib.util.find_spec("bpy") else ["*"]

# Before Blender starts: a test must never read or write the user's own configuration.
if "bpy" not in sys.modules:
    os.environ.setdefault("BLENDER_USER_RESOURCES", tempfile.mkdtemp(prefix="acetate-blender-"))
os.environ.setdefault("LP_NUM_THREADS", "2")

# Where Blender is what is being tested, an interpreter without it must fail, not skip every test.
if os.environ.get("ACETATE_TEST_BLENDER"):
    importlib.import_module("bpy")

Staged = Callable[[str], ModuleType]


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """Import modules of the extension by name, such as `scene.layers`, without installing it.

    The extension is laid out as in its zip: `shared` lies inside it.
    """
    folder = tmp_path_factory.mktemp("extension") / PACKAGE
    ignore = shutil.ignore_patterns("__pycache__", "shared")
    shutil.copytree(ROOT / "blender_addon", folder, ignore=ignore)
    shutil.copytree(ROOT / "shared", folder / "shared", ignore=ignore)
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)
    return lambda name: importlib.import_module(f"{PACKAGE}.{name}")
