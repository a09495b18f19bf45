"""Places a take in the scene in one of four ways and says what the artist should know about it."""

from __future__ import annotations

from enum import Enum

import bpy

from ..shared.errors import AcetateError
from .compositor import place_in_compositor
from .library import Take
from .planes import place_objects
from .sequencer import place_in_sequencer


class Placement(Enum):
    """How a take comes into a scene."""

    PLANES = "planes"
    EMPTIES = "empties"
    COMPOSITOR = "compositor"
    SEQUENCER = "sequencer"


SEEN_IN = {
    Placement.PLANES: "Seen in Material Preview and in renders",
    Placement.EMPTIES: "Seen in the viewport, never rendered",
    Placement.COMPOSITOR: "Seen in renders (F12), not in the viewport",
    Placement.SEQUENCER: "Seen in the Video Sequencer and in renders",
}
"""Where a placed take is to be seen, as artists look for it in the viewport first."""


def place(context: bpy.types.Context, take: Take, placement: Placement) -> None:
    """Place a take beside the artist's own things, which stay as they are.

    Raises `import` or `no_camera` before anything is made.
    """
    check_files(take)
    if placement is Placement.COMPOSITOR:
        place_in_compositor(context, take)
    elif placement is Placement.SEQUENCER:
        place_in_sequencer(context, take)
    else:
        place_objects(context, take, as_empties=placement is Placement.EMPTIES)


def check_files(take: Take) -> None:
    """Raise `import` naming the first file of the take that is not there."""
    for layer in take.manifest.layers:
        for file in take.layer_files(layer.folder):
            if not file.is_file():
                raise AcetateError("import", where=f"{layer.folder}/{file.name} is missing")


def warnings_for(scene: bpy.types.Scene, take: Take) -> list[str]:
    """What keeps the take from looking exactly like its pictures; nothing is changed silently."""
    found: list[str] = []
    transform = scene.view_settings.view_transform
    if transform != "Standard":
        found.append(f"View Transform is {transform}: colours match exactly only with Standard")
    render = scene.render
    size = (
        render.resolution_x * render.resolution_percentage // 100,
        render.resolution_y * render.resolution_percentage // 100,
    )
    if size != (take.manifest.width, take.manifest.height):
        found.append(
            f"The scene renders at {size[0]}x{size[1]}, "
            f"the take is {take.manifest.width}x{take.manifest.height}"
        )
    return found
