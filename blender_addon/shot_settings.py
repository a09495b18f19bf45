"""From a scene's properties to the plain settings of the exporter, and from a scan to properties.

Called by operators and the session; the only place that knows both the properties and the plain
forms.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import bpy

from .properties import ACETATE_PG_layer, ACETATE_PG_shot, shot_of
from .scene.layers import SceneLayer, scan
from .scene.roles import guided_name, plain_name
from .scene.settings import (
    LayerId,
    LayerSettings,
    Quality,
    ShotSettings,
    TrajectoryKind,
    TrajectorySource,
)
from .shared.errors import AcetateError
from .shared.shot import Chart, Mode, Role

_MAX_SEED = 2**31 - 1 - 16


def sync_layers(scene: bpy.types.Scene, found: Sequence[SceneLayer] | None = None) -> int:
    """Mirror the scene's layers into the list; roles and controls chosen by hand survive.

    They survive a new name of layer or object too. Returns the number of layers. Writes only what
    differs, so that an idle scan changes nothing.
    """
    found = scan(scene) if found is None else found
    rows = shot_of(scene).layers
    uids = {one.id.object_name: _object_uid(scene, one.id.object_name) for one in found}
    _follow_renames(rows, found, uids)
    named = {row.name: _ident(row) for row in rows}
    known = {(row.object_name, row.layer_name): index for index, row in enumerate(rows)}
    # Top of the list is the top of the stack, as in Blender's own layer list.
    for target, layer in enumerate(reversed(found)):
        ident = _layer_ident(layer)
        index = known.get(ident)
        if index is None or index >= len(rows) or _ident(rows[index]) != ident:
            index = next((i for i, row in enumerate(rows) if _ident(row) == ident), None)
        if index is None:
            rows.add()
            index = len(rows) - 1
        if index != target:
            rows.move(index, target)
        _mirror(rows[target], layer, uids[layer.id.object_name])
    while len(rows) > len(found):
        rows.remove(len(rows) - 1)
    _follow_sketches(rows, named)
    _suggest_sketches(rows, set(named.values()))
    return len(rows)


def _object_uid(scene: bpy.types.Scene, name: str) -> int:
    found = scene.objects.get(name)
    return found.session_uid if found is not None else 0


def _follow_renames(
    rows: Sequence[ACETATE_PG_layer], found: Sequence[SceneLayer], uids: Mapping[str, int]
) -> None:
    """Give rows whose layer or object has a new name that name, where there is no doubt."""
    there = {_layer_ident(layer) for layer in found}
    known = {_ident(row) for row in rows}
    gone = [row for row in rows if _ident(row) not in there]
    new = [layer for layer in found if _layer_ident(layer) not in known]
    for layer in new:
        uid, keys = uids[layer.id.object_name], _keys_text(layer)
        alike = [row for row in gone if row.object_uid == uid]
        same_name = [row for row in alike if row.layer_name == layer.id.layer_name]
        same_keys = [row for row in alike if row.keys == keys]
        rivals = [
            other
            for other in new
            if uids[other.id.object_name] == uid and _keys_text(other) == keys
        ]
        matches = same_name or (same_keys if len(rivals) == 1 else [])
        if len(matches) == 1:
            matches[0].object_name, matches[0].layer_name = _layer_ident(layer)
            gone.remove(matches[0])


def _follow_sketches(
    rows: Sequence[ACETATE_PG_layer], named: Mapping[str, tuple[str, str]]
) -> None:
    """A row is shown under another name, for instance because its plain one is no longer unique."""
    names = {_ident(row): row.name for row in rows}
    for row in rows:
        guide = named.get(row.sketch)
        if guide in names and names[guide] != row.sketch:
            row.sketch = names[guide]


def _suggest_sketches(rows: Sequence[ACETATE_PG_layer], seen: AbstractSet[tuple[str, str]]) -> None:
    """A guide that is new in the list and named after a layer becomes that layer's sketch.

    Only new ones: a link that the artist cleared stays cleared.
    """
    for guide in rows:
        stem = guided_name(guide.layer_name) if guide.role == "guide" else ""
        if not stem or _ident(guide) in seen:
            continue
        meant = [
            row
            for row in rows
            if row.role == "animate" and not row.sketch and plain_name(row.layer_name) == stem
        ]
        beside = [row for row in meant if row.object_name == guide.object_name]
        chosen = beside or meant
        if len(chosen) == 1:
            chosen[0].sketch = guide.name


def _layer_ident(layer: SceneLayer) -> tuple[str, str]:
    return (layer.id.object_name, layer.id.layer_name)


def _keys_text(layer: SceneLayer) -> str:
    return ", ".join(map(str, layer.keys))


def _ident(row: ACETATE_PG_layer) -> tuple[str, str]:
    return (row.object_name, row.layer_name)


def _mirror(row: ACETATE_PG_layer, layer: SceneLayer, object_uid: int) -> None:
    values = {
        "object_name": layer.id.object_name,
        "object_uid": object_uid,
        "layer_name": layer.id.layer_name,
        "name": layer.name,
        "kind": layer.kind.value,
        "keys": _keys_text(layer),
        "is_hidden": layer.hidden,
        "is_locked": layer.locked,
        "problem": layer.problems[0].text if layer.problems else "",
    }
    if not row.role_is_own:
        values["role"] = layer.suggested_role.value
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def layer_settings(scene: bpy.types.Scene) -> tuple[LayerSettings, ...]:
    """The listed layers with their roles and controls.

    Raises `not_found` where a layer that gets new drawings names a sketch that is not listed.
    """
    rows = shot_of(scene).layers
    ids = {row.name: LayerId(row.object_name, row.layer_name) for row in rows}
    return tuple(
        LayerSettings(
            object_name=row.object_name,
            layer_name=row.layer_name,
            role=Role(row.role),
            motion_score=row.motion if row.use_motion else None,
            sketch=_sketch(row, ids),
            trajectory=_trajectory(row),
            spacing=None if row.spacing == "auto" else Chart(row.spacing),
            exposure=row.exposure or None,
        )
        for row in rows
    )


def _sketch(row: ACETATE_PG_layer, ids: Mapping[str, LayerId]) -> LayerId | None:
    if row.role == "animate" and row.sketch and row.sketch not in ids:
        raise AcetateError("not_found", what=f'sketch layer "{row.sketch}" of "{row.name}"')
    return ids.get(row.sketch)


def _trajectory(row: ACETATE_PG_layer) -> TrajectorySource:
    kind = TrajectoryKind(row.trajectory)
    if kind in (TrajectoryKind.NONE, TrajectoryKind.OBJECT):
        return TrajectorySource(kind)
    if row.trajectory_object is None:
        return TrajectorySource(TrajectoryKind.NONE)
    return TrajectorySource(
        kind, row.trajectory_object.name, row.trajectory_bone, row.trajectory_layer
    )


def shot_settings(scene: bpy.types.Scene, found: Sequence[SceneLayer]) -> ShotSettings:
    """The shot's own settings with its frame range resolved.

    Raises `no_layers` where nothing is set to animate and `no_gap` where the playhead has no keys
    around it.
    """
    shot = shot_of(scene)
    keys = animated_keys(shot, found)
    mode = _mode(shot.mode, keys, scene.frame_current)
    start, end = _frames(scene, mode, keys)
    if not shot.seed_lock:
        shot.seed = random.SystemRandom().randrange(_MAX_SEED)
    return ShotSettings(
        start=start,
        end=end,
        mode=mode,
        exposure=int(shot.exposure),
        quality=Quality(shot.quality),
        engine=shot.engine,
        preset=_preset(shot),
        prompt=shot.prompt,
        steps=shot.steps,
        guidance=shot.guidance,
        seed=shot.seed,
        takes=shot.takes,
    )


def _preset(shot: ACETATE_PG_shot) -> str:
    """The chosen preset where an engine that knows it may run; the exact one is the usual look."""
    knows = shot.engine in ("auto", "layeranimate")
    return shot.preset if knows and shot.preset != "final" else "normal"


def animated_keys(shot: ACETATE_PG_shot, found: Sequence[SceneLayer]) -> list[int]:
    """All frames at which a layer set to animate has a key, ascending. Raises `no_layers`."""
    animated = {_ident(row) for row in shot.layers if row.role == "animate"}
    chosen = [layer for layer in found if _layer_ident(layer) in animated]
    if not chosen:
        raise AcetateError("no_layers")
    return sorted({key for layer in chosen for key in layer.keys})


def _mode(chosen: str, keys: Sequence[int], playhead: int) -> Mode:
    if chosen != "auto":
        return Mode(chosen)
    return Mode.INTERPOLATE if gap_at(keys, playhead) else Mode.ANIMATE


def gap_at(keys: Sequence[int], playhead: int) -> tuple[int, int] | None:
    """The keys around the playhead; on a key the gap that starts there, else that ends there."""
    position = bisect_right(keys, playhead)
    if 0 < position < len(keys):
        return keys[position - 1], keys[position]
    if position == len(keys) > 1 and keys[-1] == playhead:
        return keys[-2], keys[-1]
    return None


def next_gap(keys: Sequence[int], playhead: int) -> tuple[int, int] | None:
    """The gap whose start is next to the playhead, the first or last one beyond the ends."""
    if len(keys) < 2:
        return None
    position = min(bisect_left(keys, playhead), len(keys) - 2)
    return keys[position], keys[position + 1]


def _frames(scene: bpy.types.Scene, mode: Mode, keys: Sequence[int]) -> tuple[int, int]:
    shot = shot_of(scene)
    if shot.range == "custom":
        return shot.custom_start, shot.custom_end
    if shot.range == "preview" and scene.use_preview_range:
        return scene.frame_preview_start, scene.frame_preview_end
    if shot.range in ("scene", "preview"):
        return scene.frame_start, scene.frame_end
    gap = gap_at(keys, scene.frame_current)
    if gap is not None:
        return gap
    before = keys[: bisect_right(keys, scene.frame_current)]
    if mode is Mode.ANIMATE and before and before[-1] < scene.frame_end:
        return before[-1], scene.frame_end
    raise AcetateError("no_gap")
