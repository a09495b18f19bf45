"""Properties of a scene: the shot, its layers and its takes, as the panels edit and keep them.

Settings are Blender properties, so undo, saving and scripts cover them. No callback in here does
any work with sockets or files.
"""

from __future__ import annotations

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

MODES = (
    ("auto", "By Keys", "In-between two keys around the playhead, or animate from a single one"),
    ("interpolate", "In-between", "Fill the gap between two keys"),
    ("animate", "Animate from First", "Go on from the first key"),
)
RANGES = (
    ("gap", "Gap at Playhead", "From the key before the playhead to the key after it"),
    ("scene", "Scene Range", "The frame range of the scene"),
    ("preview", "Preview Range", "The preview range of the scene"),
    ("custom", "Custom", "The two frames given below"),
)
EXPOSURES = (
    ("1", "Ones", "A new drawing on every frame"),
    ("2", "Twos", "A new drawing on every second frame"),
    ("3", "Threes", "A new drawing on every third frame"),
    ("4", "Fours", "A new drawing on every fourth frame"),
)
ENGINES = (
    ("auto", "Automatic", "The best that the server has"),
    ("layer-motion", "Layer Motion", "Geometry: moves and bends your own drawings, paints nothing"),
    ("mini", "Mini", "Layer motion, refined by a small bundled network where a sketch says how"),
    ("layeranimate", "LayerAnimate", "The full diffusion model, where its weights are installed"),
)
PRESETS = (
    ("final", "Final", "All of the model's work: the exact result"),
    ("balanced", "Balanced", "About half of the work; close to the final picture"),
    ("draft", "Draft", "About a tenth of the work, to judge the motion"),
)
QUALITIES = (
    ("exact", "Exact", "Blender renders every key, so keys come back pixel by pixel"),
    ("fast", "Fast", "Send strokes only where they say everything"),
)
ROLES = (
    ("animate", "Animate", "Gets new drawings between its keys", "PLAY", 0),
    ("hold", "Hold", "Comes back as it is, each drawing held until the next", "PAUSE", 1),
    (
        "background",
        "Background",
        "Stays behind everything and fills what moves away",
        "IMAGE_PLANE",
        2,
    ),
    (
        "guide",
        "Guide",
        "A sketch that tells other layers where their shapes are",
        "GREASEPENCIL",
        3,
    ),
    ("ignore", "Ignore", "Not sent", "HIDE_ON", 4),
)
TRAJECTORIES = (
    ("none", "None", "No path"),
    ("object", "Own Motion", "The motion of the layer's own object, its parents and the camera"),
    ("target", "Object or Bone", "The motion of another object, an empty or a bone"),
    ("path", "Curve or Stroke", "A curve object, or the first stroke of a layer"),
)
SPACINGS = (
    ("auto", "Auto", "A mild slow out and in; even for backdrops, and for a few drawings only"),
    ("even", "Even", "Every drawing as far from the one before"),
    ("slow_out", "Slow Out", "Leave the first key slowly"),
    ("slow_in", "Slow In", "Come slowly to the next key"),
    ("slow_in_out", "Slow In and Out", "Leave slowly and come slowly"),
)
PLACEMENTS = (
    ("planes", "Planes", "One plane per layer, fitted to the camera and parented to it"),
    ("empties", "Image Empties", "One image empty per layer; seen in the viewport, never rendered"),
    ("compositor", "Compositor", "Image nodes and an Alpha Over stack behind a switch"),
    ("sequencer", "Sequencer", "One image strip per layer above the existing strips"),
)


class ACETATE_PG_layer(bpy.types.PropertyGroup):
    """One layer of the scene with its role and controls."""

    object_name: StringProperty(name="Object", description="Object that holds the layer")
    object_uid: IntProperty(
        name="Object Identity", description="Tells a renamed object from a new one"
    )
    layer_name: StringProperty(name="Layer", description="Layer name, empty for an image plane")
    kind: StringProperty(name="Kind", description="What the layer is made of")
    role: EnumProperty(name="Role", description="What happens to this layer", items=ROLES)
    role_is_own: BoolProperty(
        name="Role Chosen", description="The role was chosen by hand and survives a scan"
    )
    use_motion: BoolProperty(
        name="Use Motion",
        description="Tell how lively the layer moves; without a path or sketch it idles so",
        default=False,
    )
    motion: FloatProperty(
        name="Motion",
        description="How lively the layer moves, from still to wild",
        min=0.0,
        max=1.0,
        default=0.4,
        subtype="FACTOR",
    )
    sketch: StringProperty(name="Sketch", description="Guide layer that shows where shapes are")
    trajectory: EnumProperty(
        name="Path",
        description="Where the path of this layer comes from",
        items=TRAJECTORIES,
        default="object",
    )
    trajectory_object: PointerProperty(
        name="Path Object",
        description="Object whose motion or shape is the path",
        type=bpy.types.Object,
    )
    trajectory_bone: StringProperty(name="Bone", description="Bone whose motion is the path")
    trajectory_layer: StringProperty(
        name="Path Layer", description="Layer whose first stroke is the path"
    )
    spacing: EnumProperty(
        name="Spacing",
        description="Pace between two keys where no path and no sketch tells it",
        items=SPACINGS,
    )
    exposure: IntProperty(
        name="Exposure",
        description="Frames that each drawing is held, 0 for the exposure of the shot",
        min=0,
        max=12,
    )
    keys: StringProperty(name="Keys", description="Frames with a drawing")
    is_hidden: BoolProperty(name="Hidden", description="The layer is hidden in the scene")
    is_locked: BoolProperty(name="Locked", description="The layer is locked in the scene")
    problem: StringProperty(name="Problem", description="What should be known about this layer")


class ACETATE_PG_take(bpy.types.PropertyGroup):
    """One finished take, mirrored from its folder."""

    number: IntProperty(name="Number", description="Number of the take")
    seed: IntProperty(name="Seed", description="Seed that made the take")
    engine: StringProperty(name="Engine", description="What really made the take")
    start: IntProperty(name="Start", description="First scene frame")
    end: IntProperty(name="End", description="Last scene frame")
    folder: StringProperty(name="Folder", description="Where its pictures are")
    layers: IntProperty(name="Layers", description="Number of layers that came back")
    notes: StringProperty(
        name="Notes", description="What went otherwise than asked, one line each; empty for nothing"
    )


class ACETATE_PG_shot(bpy.types.PropertyGroup):
    """Everything that the artist sets for a shot."""

    mode: EnumProperty(name="Mode", description="How keys are used", items=MODES)
    range: EnumProperty(name="Range", description="Which frames to make", items=RANGES)
    custom_start: IntProperty(name="Start", description="First frame of the range", default=1)
    custom_end: IntProperty(name="End", description="Last frame of the range", default=16)
    exposure: EnumProperty(
        name="Exposure", description="How long each drawing is held", items=EXPOSURES
    )
    engine: EnumProperty(name="Engine", description="What makes the pictures", items=ENGINES)
    quality: EnumProperty(name="Export", description="How keys are sent", items=QUALITIES)
    seed: IntProperty(name="Seed", description="Number that variations start from", min=0)
    seed_lock: BoolProperty(
        name="Lock Seed", description="Keep the seed instead of taking a new one", default=False
    )
    takes: IntProperty(
        name="Takes", description="Variations to make at once", min=1, max=16, default=1
    )
    prompt: StringProperty(name="Prompt", description="What the shot shows", maxlen=2000)
    preset: EnumProperty(
        name="Preset", description="How much work the full model puts in", items=PRESETS
    )
    steps: IntProperty(
        name="Steps", description="Denoising steps of the full model", min=1, max=1000, default=50
    )
    guidance: FloatProperty(
        name="Guidance",
        description="How closely the full model follows",
        min=0,
        max=50,
        default=7.5,
    )
    layers: CollectionProperty(type=ACETATE_PG_layer)
    layer_index: IntProperty(name="Layer", description="The layer whose settings are shown")
    take_list: CollectionProperty(type=ACETATE_PG_take)
    take_index: IntProperty(name="Take", description="The chosen take")
    placement: EnumProperty(
        name="Place As",
        description="How a take comes into the scene",
        items=PLACEMENTS,
        default="compositor",
    )
    jobs: StringProperty(
        name="Jobs", description="Jobs of this scene, so that a loaded file can collect them"
    )


CLASSES: tuple[type, ...] = (ACETATE_PG_layer, ACETATE_PG_take, ACETATE_PG_shot)


def shot_of(scene: bpy.types.Scene) -> ACETATE_PG_shot:
    """The shot properties of a scene (an `ACETATE_PG_shot`)."""
    return scene.acetate


def register() -> None:
    """Register the property groups and hang the shot onto scenes."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.acetate = PointerProperty(type=ACETATE_PG_shot)


def unregister() -> None:
    """Undo `register`."""
    del bpy.types.Scene.acetate
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
