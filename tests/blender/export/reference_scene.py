"""Writes a .blend of fills, a hole, a drawn figure, thin lines and a translucent layer at 512x320.

`python -m tests.blender.export.reference_scene FILE` inside a bpy interpreter; the rasteriser's
tests compare Blender's own pictures of it with theirs.
"""

from __future__ import annotations

import sys

import bpy
import numpy as np

from tests.blender.drawings import Ink, disc, draw, grease_pencil, new_scene

SKIN = (0.8, 0.35, 0.1, 1.0)


def main(file: str) -> None:
    """Build the scene and save it."""
    scene = new_scene(width=512, height=320)
    scene.frame_end = 3
    item = grease_pencil("Fox")
    corners = [(-100, -80), (620, -60), (600, 250), (-90, 400)]
    draw(item, "sky", 1, [Ink(np.array(corners, float), 0.0, None, (0.2, 0.4, 0.8, 1.0))])
    draw(item, "ring", 1, [disc((380, 90), 60), disc((395, 90), 30, holdout=True)])
    draw(item, "figure", 1, _figure())
    layer = draw(item, "figure tinted", 1, _figure())
    layer.tint_color, layer.tint_factor, layer.opacity = (0.1, 0.3, 0.9), 0.5, 0.8
    draw(item, "thin lines", 1, _thin_lines())
    draw(item, "glow", 1, [disc((150, 220), 70, (0.9, 0.8, 0.1, 0.4)), disc((210, 220), 50)])
    for frame in (1, 3):
        draw(item, "ball", frame, [disc((60 + 10 * frame, 40), 15)])
    bpy.ops.wm.save_as_mainfile(filepath=file)


def _figure() -> list[Ink]:
    """Head, body and limbs with brush-like outlines."""
    inks: list[Ink] = []
    for x, y, size in ((200, 180, 60), (200, 100, 42), (150, 190, 26), (255, 185, 24)):
        angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        points = np.stack([x + size * np.cos(angle), y + size * 1.2 * np.sin(angle)], axis=1)
        weight = 1.6 + np.sin(angle)
        inks.append(Ink(points, weight, (0.02, 0.01, 0.05, 1.0), SKIN, cyclic=True))
    return inks


def _thin_lines() -> list[Ink]:
    """Thirty tapered lines, 1 pixel wide at their ends and up to 5 in the middle."""
    chance = np.random.default_rng(3)
    along = np.linspace(0.0, 1.0, 40)
    inks: list[Ink] = []
    for width in np.linspace(2.5, 5.0, 30):
        start, way = chance.uniform((20, 20), (420, 280)), chance.uniform(-80, 80, 2)
        curve = np.stack([np.sin(along * 5), np.cos(along * 4)], axis=1) * 12
        taper = width / 2 * (0.4 + 0.6 * np.sin(np.pi * along))
        inks.append(Ink(start + along[:, None] * way + curve, taper))
    return inks


if __name__ == "__main__":
    main(sys.argv[1])
