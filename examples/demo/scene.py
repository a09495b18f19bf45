"""Builds the demo scene in the open Blender file, through Blender's own API; run it or import it.

`python -m examples.demo.scene --save demo.blend` inside a `bpy` interpreter, or `build_scene()`
from a test. Works in Blender 4.5, 5.0 and 5.2.
"""

from __future__ import annotations

import argparse

import bpy

from training.gallery import easel

from . import ball as ball_art
from .fox import CROUCH, LEAP, TAIL_KEYS, fox, tail, tail_rough
from .meadow import meadow

WIDTH, HEIGHT, FPS = 512, 320, 24
FIRST, LAST = ball_art.FIRST, ball_art.LAST
_DRAWN = WIDTH, HEIGHT
PENCIL = "#2a6fd0"
CHARACTER, SET, BALL_PATH = "Fox", "Meadow", "ball path"
BACKGROUND, TAIL, FOX, BALL, ROUGH = "background", "tail", "fox", "ball", "tail rough"


def build_scene(*, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Replace what the open file holds by the demo shot: frames 1 to 17, keys at both ends."""
    easel.clear()
    easel.set_up((FIRST, LAST), FPS, (width, height))
    easel.camera("VERTICAL", HEIGHT)
    backdrop = easel.grease_pencil(SET, 1.0)
    easel.key(backdrop, BACKGROUND, FIRST, meadow(), _DRAWN)
    shot = easel.grease_pencil(CHARACTER, 0.0)
    for frame, pose in ((FIRST, CROUCH), (LAST, LEAP)):
        easel.key(shot, TAIL, frame, tail(TAIL_KEYS[frame]), _DRAWN)
        easel.key(shot, FOX, frame, fox(pose), _DRAWN)
        easel.key(shot, BALL, frame, ball_art.ball(frame), _DRAWN)
    for frame, tail_pose in TAIL_KEYS.items():
        easel.key(shot, ROUGH, frame, tail_rough(tail_pose, PENCIL), _DRAWN)
    easel.path(BALL_PATH, ball_art.centre, range(FIRST, LAST + 1, 2), _DRAWN)
    bpy.context.scene.frame_set(FIRST)


def main() -> None:
    """Build the scene and save it where `--save` says."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--save", required=True, metavar="PATH")
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--height", type=int, default=HEIGHT)
    options = parser.parse_args()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    build_scene(width=options.width, height=options.height)
    bpy.ops.wm.save_as_mainfile(filepath=options.save)


if __name__ == "__main__":
    main()
