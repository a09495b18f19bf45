"""Runs inside Blender in the background: builds and saves the demo scene for the window test."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

from examples.demo.scene import build_scene


def main(target: Path) -> None:
    """Build, choose what the test looks at, save."""
    build_scene()
    scene = bpy.context.scene
    scene.frame_set(9)
    scene.acetate.placement = "empties"
    bpy.ops.wm.save_as_mainfile(filepath=str(target))


main(Path(sys.argv[sys.argv.index("--") + 1]))
