"""What the artist chose for a shot and its layers, as plain data; made by properties and scripts.

No Blender in here: the interface fills these, the exporter reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..shared.shot import Chart, Mode, Role


class Quality(Enum):
    """How keys become pictures."""

    EXACT = "exact"  # Blender renders every key
    FAST = "fast"  # strokes only where they say everything; Blender renders the rest


class TrajectoryKind(Enum):
    """Where the path of a layer comes from."""

    NONE = "none"
    OBJECT = "object"  # the layer's own motion: object, parents, layer transform and camera
    TARGET = "target"  # another object, an empty or a bone
    PATH = "path"  # a curve object, or the first stroke of a Grease Pencil layer


@dataclass(frozen=True, order=True)
class LayerId:
    """A layer's stable name: object and Grease Pencil layer; image planes have no layer name."""

    object_name: str
    layer_name: str = ""


@dataclass(frozen=True)
class TrajectorySource:
    """Where a layer's path comes from.

    `OBJECT` needs nothing else and gives no path where nothing moves. `TARGET` names an object
    and optionally a bone of it. `PATH` names a curve object, or a Grease Pencil object and layer
    whose first stroke is the path; it is travelled at even speed from the first to the last frame.
    """

    kind: TrajectoryKind = TrajectoryKind.OBJECT
    object_name: str = ""
    bone_name: str = ""
    layer_name: str = ""


@dataclass(frozen=True)
class LayerSettings:
    """One layer's role and controls.

    `layer_name` is empty for image planes. `motion_score` 0..1 or None for no score. `sketch` is
    the guide layer whose keys tell where this layer's shapes are. `spacing` is the pace between
    keys, None for automatic. `exposure` overrides the shot's.
    """

    object_name: str
    layer_name: str
    role: Role
    motion_score: float | None = None
    sketch: LayerId | None = None
    trajectory: TrajectorySource = TrajectorySource()
    spacing: Chart | tuple[float, ...] | None = None
    exposure: int | None = None
    prompt: str = ""

    @property
    def id(self) -> LayerId:
        """The layer that these settings are for."""
        return LayerId(self.object_name, self.layer_name)


@dataclass(frozen=True)
class ShotSettings:
    """Everything about a shot that is not one layer's own. `start`, `end`: inclusive frames.

    Camera size and frame rate come from the scene. `exposure` 1 on ones, 2 on twos, ...;
    `engine`, `preset` and the figures as in `shared.shot.Look`. `every_frame`: layers that move
    by themselves become a key on every frame, also those set to animate; for training material.
    """

    start: int
    end: int
    mode: Mode = Mode.INTERPOLATE
    exposure: int = 1
    quality: Quality = Quality.EXACT
    engine: str = "auto"
    preset: str = "normal"
    prompt: str = ""
    negative_prompt: str = ""
    steps: int = 50
    guidance: float = 7.5
    seed: int = 0
    takes: int = 1
    every_frame: bool = False
