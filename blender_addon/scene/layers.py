"""Lists the layers of a scene as plain data; the interface, scripts and exporter call `scan`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import bpy
from mathutils import Matrix

from ..shared.shot import Role
from .grease_pencil import (
    empty_key_frames,
    grease_pencil_objects,
    group_path,
    is_hidden,
    is_locked,
    key_frames,
)
from .image_planes import image_keys, image_plane_objects, unreadable_reason
from .motion import is_moving
from .roles import suggest_role
from .settings import LayerId


class LayerKind(Enum):
    """What a layer is made of."""

    GREASE_PENCIL = "grease_pencil"
    IMAGE_PLANE = "image_plane"


@dataclass(frozen=True)
class LayerProblem:
    """Something the artist should know about a layer: `name` for programs, `text` to show."""

    name: str
    text: str


@dataclass(frozen=True)
class SceneLayer:
    """One layer as the scene holds it; order 0 is lowest (farthest from the camera).

    `name` is unique among all layers of the scene ("Object/Layer" where two objects have equal
    layer names). `keys` are frames with a drawing of their own, ascending; `empty_keys` those of
    them where nothing is drawn. `hidden` follows groups, object and collections. `moves`: its
    object or a parent is animated.
    """

    id: LayerId
    name: str
    kind: LayerKind
    order: int
    keys: tuple[int, ...]
    empty_keys: tuple[int, ...] = ()
    hidden: bool = False
    locked: bool = False
    group: str = ""
    blend: str = "regular"
    suggested_role: Role = Role.ANIMATE
    moves: bool = False
    problems: tuple[LayerProblem, ...] = ()


def scan(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph | None = None
) -> tuple[SceneLayer, ...]:
    """All layers of a scene, lowest first; hidden ones included, marked as such.

    Reads original data only, so it is cheap enough to be called on any change; `depsgraph`, where
    given, tells the evaluated depth of objects. An empty scene gives an empty tuple.
    """
    objects = [(item, _grease_pencil_layers(item)) for item in grease_pencil_objects(scene)]
    objects += [(item, [_plane_layer(item, scene)]) for item in image_plane_objects(scene)]
    depth = _depth_of(scene, depsgraph)
    # Blender draws the farthest object first; equals stay in the order of the scene.
    objects.sort(key=lambda pair: -depth(pair[0]))
    found = [layer for _, layers in objects for layer in layers]
    names = unique_names([layer.id for layer in found])
    return tuple(
        replace(layer, order=order, name=names[layer.id]) for order, layer in enumerate(found)
    )


def unique_names(ids: Sequence[LayerId]) -> dict[LayerId, str]:
    """A name for each layer: its own, or "Object/Layer" where several layers share it."""
    plain = {id_: id_.layer_name or id_.object_name for id_ in ids}
    shared = Counter(plain.values())
    names: dict[LayerId, str] = {}
    taken: set[str] = {name for name, count in shared.items() if count == 1}
    for id_ in ids:
        name = plain[id_]
        if shared[name] > 1:
            base = f"{id_.object_name}/{id_.layer_name}" if id_.layer_name else id_.object_name
            name, number = base, 2
            while name in taken:
                name, number = f"{base} ({number})", number + 1
            taken.add(name)
        names[id_] = name
    return names


def _depth_of(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph | None
) -> Callable[[bpy.types.Object], float]:
    def place(item: bpy.types.Object) -> Matrix:
        return (item.evaluated_get(depsgraph) if depsgraph is not None else item).matrix_world

    if scene.camera is None:  # as seen from the front
        return lambda item: place(item).translation.y
    to_camera = place(scene.camera).normalized().inverted()
    return lambda item: -(to_camera @ place(item).translation).z


def _grease_pencil_layers(item: bpy.types.Object) -> list[SceneLayer]:
    moves = is_moving(item)
    off = _switched_off(item)
    return [_grease_pencil_layer(item, layer, moves, off) for layer in item.data.layers]


def _grease_pencil_layer(
    item: bpy.types.Object, layer: bpy.types.GreasePencilLayer, moves: bool, off: bool
) -> SceneLayer:
    keys, empty = key_frames(layer), empty_key_frames(layer)
    hidden, locked = off or is_hidden(layer), is_locked(layer)
    drawn = len(keys) - len(empty)
    return SceneLayer(
        id=LayerId(item.name, layer.name),
        name=layer.name,
        kind=LayerKind.GREASE_PENCIL,
        order=0,
        keys=keys,
        empty_keys=empty,
        hidden=hidden,
        locked=locked,
        group=group_path(layer),
        blend=layer.blend_mode.lower(),
        suggested_role=suggest_role(
            layer.name, key_count=drawn, locked=locked, hidden=hidden, moves=moves
        ),
        moves=moves or layer.parent is not None,
        problems=_drawing_problems(keys, empty) + _state_problems(hidden=hidden, locked=locked),
    )


def _plane_layer(item: bpy.types.Object, scene: bpy.types.Scene) -> SceneLayer:
    hidden, moves = _switched_off(item), is_moving(item)
    keys = image_keys(item, scene)
    reason = unreadable_reason(item)
    problems = (LayerProblem("bad_picture", reason),) if reason else ()
    role = suggest_role(
        item.name, key_count=len(keys), locked=len(keys) > 1, hidden=hidden, moves=moves
    )
    return SceneLayer(
        id=LayerId(item.name),
        name=item.name,
        kind=LayerKind.IMAGE_PLANE,
        order=0,
        keys=keys,
        hidden=hidden,
        suggested_role=Role.IGNORE if reason else role,
        moves=moves,
        problems=problems + _state_problems(hidden=hidden, locked=False),
    )


def _switched_off(item: bpy.types.Object) -> bool:
    """Whether an object does not render: its own switches or those of its collections."""
    if item.hide_render:
        return True
    return bool(item.users_collection) and all(c.hide_render for c in item.users_collection)


def _drawing_problems(keys: tuple[int, ...], empty: tuple[int, ...]) -> tuple[LayerProblem, ...]:
    if not keys:
        return (LayerProblem("no_keys", "Nothing is drawn on this layer"),)
    if not empty:
        return ()
    frames = ", ".join(str(frame) for frame in empty[:5])
    return (LayerProblem("empty_key", f"No drawing at frame {frames}"),)


def _state_problems(*, hidden: bool, locked: bool) -> tuple[LayerProblem, ...]:
    problems: tuple[LayerProblem, ...] = ()
    if hidden:
        problems += (LayerProblem("hidden", "Hidden layers are left out unless given a role"),)
    if locked:
        problems += (LayerProblem("locked", "Locked layers are held unless given another role"),)
    return problems
