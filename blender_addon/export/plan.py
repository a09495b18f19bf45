"""Decides which layers, keys and frames an export reads; pure, only `shot` calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..scene.layers import LayerKind, SceneLayer
from ..scene.settings import LayerId, LayerSettings, ShotSettings, TrajectoryKind
from ..shared.errors import AcetateError
from ..shared.shot import MAX_ANIMATED_LAYERS, MAX_LAYERS, Mode, Role, check_range


@dataclass(frozen=True)
class LayerPlan:
    """What is read for one layer.

    `picture_frames`: frames whose picture becomes a key. `empty_frames`: keys that are empty on
    purpose. `sketch_frames`: keys of its guide layer. `motion_frames`: frames at which its path
    is measured.
    """

    layer: SceneLayer
    settings: LayerSettings
    picture_frames: tuple[int, ...]
    empty_frames: tuple[int, ...] = ()
    sketch_frames: tuple[int, ...] = ()
    motion_frames: tuple[int, ...] = ()

    @property
    def first_frame(self) -> int:
        """Frame of the layer's first drawing in the shot."""
        return min(self.picture_frames)


def plan_layers(
    found: Sequence[SceneLayer],
    chosen: Sequence[LayerSettings],
    settings: ShotSettings,
    changing: frozenset[LayerId],
) -> tuple[LayerPlan, ...]:
    """Plans for all layers that are sent, lowest first.

    `changing` names layers whose picture may change between keys; held ones among them are read
    at every frame. Raises `no_layers`, `too_many_layers`, `no_gap`, `empty_key`, `not_found`,
    `invalid_request`.
    """
    check_range(settings.start, settings.end)
    by_id = {layer.id: layer for layer in found}
    sent = [one for one in chosen if one.role not in (Role.IGNORE, Role.GUIDE)]
    for one in sent:
        if one.id not in by_id:
            raise AcetateError("not_found", what=f'layer "{one.layer_name or one.object_name}"')
    _check_counts(sent)
    plans = [_plan_layer(by_id, one, settings, one.id in changing) for one in sent]
    shown = [plan for plan in plans if plan.picture_frames]
    _check_gap([plan for plan in shown if plan.settings.role is Role.ANIMATE], settings)
    return tuple(sorted(shown, key=lambda plan: plan.layer.order))


def _check_counts(sent: Sequence[LayerSettings]) -> None:
    animated = sum(one.role is Role.ANIMATE for one in sent)
    if not animated:
        raise AcetateError("no_layers")
    for count, limit in ((animated, MAX_ANIMATED_LAYERS), (len(sent), MAX_LAYERS)):
        if count > limit:
            raise AcetateError("too_many_layers", count=count, limit=limit)


def _plan_layer(
    by_id: Mapping[LayerId, SceneLayer],
    one: LayerSettings,
    settings: ShotSettings,
    changes: bool,
) -> LayerPlan:
    layer = by_id[one.id]
    keys = _keys_in_range(layer, settings)
    drawn = tuple(frame for frame, empty in keys.items() if not empty)
    if one.role is not Role.ANIMATE or (settings.every_frame and changes):
        # What is held comes back as it is, so whatever moves by itself is sent frame by frame.
        everywhere = changes and bool(drawn)
        frames = tuple(range(settings.start, settings.end + 1)) if everywhere else drawn
        return LayerPlan(layer, one, frames, _empty(keys) if not everywhere else ())
    if keys and not drawn:
        raise AcetateError("empty_key", layer=layer.name, frame=min(keys))
    path = one.trajectory.kind is not TrajectoryKind.NONE and bool(drawn)
    return LayerPlan(
        layer,
        one,
        drawn,
        _empty(keys),
        _sketch_frames(by_id, one, settings),
        tuple(range(settings.start, settings.end + 1)) if path else (),
    )


def _empty(keys: Mapping[int, bool]) -> tuple[int, ...]:
    return tuple(frame for frame, empty in keys.items() if empty)


def _keys_in_range(layer: SceneLayer, settings: ShotSettings) -> dict[int, bool]:
    """Key frame -> whether it is empty; the key in effect at the start counts as a key there."""
    keys = {
        frame: frame in layer.empty_keys
        for frame in layer.keys
        if settings.start <= frame <= settings.end
    }
    before = [frame for frame in layer.keys if frame < settings.start]
    if before and settings.start not in keys:
        keys[settings.start] = before[-1] in layer.empty_keys
    if not keys and layer.kind is LayerKind.IMAGE_PLANE:
        keys[settings.start] = False  # a picture is there before its first frame, too
    return dict(sorted(keys.items()))


def _sketch_frames(
    by_id: Mapping[LayerId, SceneLayer], one: LayerSettings, settings: ShotSettings
) -> tuple[int, ...]:
    if one.sketch is None:
        return ()
    guide = by_id.get(one.sketch)
    if guide is None or guide.kind is not LayerKind.GREASE_PENCIL:
        raise AcetateError("not_found", what=f'sketch layer "{one.sketch.layer_name}"')
    return tuple(
        frame
        for frame in guide.keys
        if settings.start <= frame <= settings.end and frame not in guide.empty_keys
    )


def _check_gap(animated: Sequence[LayerPlan], settings: ShotSettings) -> None:
    if not animated:
        raise AcetateError("no_gap", detail="no layer has a drawing in the frame range")
    if settings.mode is Mode.ANIMATE:
        return
    for plan in animated:
        drawings = len(plan.picture_frames) + len(plan.empty_frames)
        if drawings > 1 or plan.sketch_frames or plan.motion_frames:
            return
    raise AcetateError("no_gap", detail="no animated layer has a second key or a path")
