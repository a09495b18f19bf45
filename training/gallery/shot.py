"""What a gallery shot is: layers as functions from time to strokes; pure data, no Blender.

Shots fill it, `blender` puts it into a scene, the evaluation reads its name and words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .ink import Stroke

Drawn = Callable[[float], list[Stroke]]
Place = Callable[[float], tuple[float, float]]


@dataclass(frozen=True)
class GalleryLayer:
    """One layer. `draw` gives its strokes at any moment, in frames; the truth comes from it too.

    `keys`: frames that the artist drew; a single one makes a held layer. `rough`: frames with a
    guide sketch, keys excluded. `path`: where its handle is at any frame, for a trajectory.
    `redrawn`: keys after the first are drawn anew, with other point counts, directions and order.
    """

    name: str
    draw: Drawn
    keys: tuple[int, ...]
    rough: tuple[int, ...] = ()
    path: Place | None = None
    redrawn: bool = False
    background: bool = False


@dataclass(frozen=True)
class GalleryShot:
    """One shot, layers lowest first, frames `start`..`end`.

    `corresponds`: every stroke of a key has its partner in the next, however it was drawn.
    `step`: every how many frames it is judged. `camera`: the camera's shift in pixels.
    """

    name: str
    title: str
    about: str
    layers: tuple[GalleryLayer, ...]
    end: int = 17
    start: int = 1
    exposure: int = 1
    corresponds: bool = True
    step: int = 1
    camera: Place | None = None

    @property
    def judged(self) -> tuple[int, ...]:
        """Frames that are compared with the truth: every `step`th that is no key of any layer."""
        keyed = {key for layer in self.layers if len(layer.keys) > 1 for key in layer.keys}
        frames = range(self.start + self.step, self.end, self.step)
        return tuple(frame for frame in frames if frame not in keyed)
