"""Installs the built extension as a user would and hands out its modules; used by `run`."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import addon_utils
import bpy

MODULE = "bl_ext.user_default.acetate"


def install(archive: Path) -> None:
    """Install and enable the extension. Raises `RuntimeError` where it is not enabled after.

    The install operator reports success for wheels of another Python too, so only a look at what
    is enabled counts.
    """
    bpy.ops.extensions.package_install_files(
        filepath=str(archive), repo="user_default", enable_on_install=True
    )
    if MODULE not in bpy.context.preferences.addons:
        raise RuntimeError(f"Blender did not enable {archive.name}")


def disable() -> None:
    """Switch the extension off, which ends its link and its connection."""
    addon_utils.disable(MODULE)


def module(name: str) -> ModuleType:
    """One of the extension's own modules, such as `runtime`."""
    return importlib.import_module(f"{MODULE}.{name}")
