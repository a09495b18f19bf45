"""What a shot asks for, as pure data: which drawing every layer shows when, and the gaps to fill.

`execute` calls `make_plan` first; every later stage reads the plan and decides nothing again.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from shared.errors import AcetateError
from shared.exposure import exposed_frames, held_frame
from shared.shot import Key, Layer, Mode, Role, ShotRequest, Sketch, Spacing


@dataclass(frozen=True)
class Shown:
    """The drawing seen on a scene frame: the layer's own key, or a new drawing made for `frame`."""

    frame: int
    is_key: bool


@dataclass(frozen=True)
class Gap:
    """A stretch of one layer that wants new drawings, from its key `first` on.

    `last` is the key at the far end, None where the layer moves on from `first` alone. `stop` is
    the scene frame of time 1. `frames` are the scene frames of the wanted drawings, ascending,
    strictly behind `first`; those that carry a sketch but no exposed drawing are among them, so
    that the sketch steers the drawings around it.
    """

    first: Key
    last: Key | None
    stop: int
    frames: tuple[int, ...]

    @property
    def moments(self) -> tuple[int, ...]:
        """Scene frames of all moments of a `GapTask`: first key, drawings, last key if any."""
        ends = (self.last.frame,) if self.last else ()
        return (self.first.frame, *self.frames, *ends)

    def time_of(self, frame: float) -> float:
        """Position of a scene frame in the gap: 0 at `first`, 1 at `stop`."""
        return (frame - self.first.frame) / (self.stop - self.first.frame)


@dataclass(frozen=True)
class LayerPlan:
    """One layer of the stack: `shown[i]` belongs to scene frame `start + i`; None shows nothing."""

    layer: Layer
    shown: tuple[Shown | None, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True)
class ShotPlan:
    """The whole shot; `layers` lowest first."""

    request: ShotRequest
    layers: tuple[LayerPlan, ...]

    @property
    def frames(self) -> range:
        """All scene frames of the shot."""
        return range(self.request.start, self.request.end + 1)

    @property
    def drawings_count(self) -> int:
        """How many new drawings are wanted over all layers."""
        return sum(len(gap.frames) for plan in self.layers for gap in plan.gaps)


def make_plan(request: ShotRequest) -> ShotPlan:
    """Plan a shot. Raises `no_gap` or `empty_key` where no layer has anything to animate."""
    layers = tuple(_plan_layer(request, layer) for layer in request.stack)
    plan = ShotPlan(request, layers)
    if not plan.drawings_count and not any(_has_room(request, layer) for layer in request.stack):
        raise _nothing_to_do(request)
    return plan


def key_in_effect(layer: Layer, frame: int) -> Key | None:
    """The key whose drawing is seen at `frame` when nothing moves; None before the first one."""
    position = bisect_right([key.frame for key in layer.keys], frame)
    return layer.keys[position - 1] if position else None


def _plan_layer(request: ShotRequest, layer: Layer) -> LayerPlan:
    exposure = layer.exposure or request.exposure
    exposed = exposed_frames(
        request.start, request.end, exposure, (key.frame for key in layer.keys)
    )
    gaps = tuple(_gaps(request, layer, exposed)) if layer.role is Role.ANIMATE else ()
    drawn = {frame for gap in gaps for frame in gap.frames}
    shown: list[Shown | None] = []
    for frame in range(request.start, request.end + 1):
        held = held_frame(exposed, frame)
        key = key_in_effect(layer, frame)
        if held is not None and held in drawn:
            shown.append(Shown(held, is_key=False))
        elif key is None or key.is_empty:
            shown.append(None)
        else:
            shown.append(Shown(key.frame, is_key=True))
    return LayerPlan(layer, tuple(shown), gaps)


def _gaps(request: ShotRequest, layer: Layer, exposed: list[int]) -> list[Gap]:
    sketched = {
        sketch.frame
        for control in layer.controls
        if isinstance(control, Sketch)
        for sketch in control.frames
    }
    gaps = []
    for first, last, stop in _stretches(request, layer):
        until = stop if last is None else stop - 1
        low, high = max(first.frame + 1, request.start), min(until, request.end)
        wanted = {frame for frame in exposed if low <= frame <= high}
        if wanted:
            wanted |= {frame for frame in sketched if low <= frame <= high}
            gaps.append(Gap(first, last, stop, tuple(sorted(wanted))))
    return gaps


def _stretches(request: ShotRequest, layer: Layer) -> list[tuple[Key, Key | None, int]]:
    """First key, last key or None, and the frame of time 1 of each stretch that moves."""
    drawn_count = sum(not key.is_empty for key in layer.keys)
    stretches: list[tuple[Key, Key | None, int]] = []
    for index, first in enumerate(layer.keys):
        following = layer.keys[index + 1] if index + 1 < len(layer.keys) else None
        if first.is_empty or first.frame > request.end:
            continue
        # Time 1 of an open stretch is the end of the range, or the last frame before the next key.
        open_stop = following.frame - 1 if following else request.end
        if request.mode is Mode.INTERPOLATE and following and not following.is_empty:
            stretches.append((first, following, following.frame))
        elif request.mode is Mode.ANIMATE or (drawn_count == 1 and _is_moved(layer)):
            stretches.append((first, None, min(open_stop, request.end)))
    return [stretch for stretch in stretches if stretch[2] > stretch[0].frame]


def _is_moved(layer: Layer) -> bool:
    """Whether anything tells a layer with one drawing to move."""
    return any(not isinstance(control, Spacing) for control in layer.controls)


def _has_room(request: ShotRequest, layer: Layer) -> bool:
    """Whether some stretch of the layer has frames in the range, exposed or not."""
    if layer.role is not Role.ANIMATE:
        return False
    return any(
        max(first.frame + 1, request.start) <= min(stop if last is None else stop - 1, request.end)
        for first, last, stop in _stretches(request, layer)
    )


def _nothing_to_do(request: ShotRequest) -> AcetateError:
    animated = [layer for layer in request.stack if layer.role is Role.ANIMATE]
    for layer in animated:
        seen = [key_in_effect(layer, frame) for frame in range(request.start, request.end + 1)]
        if any(key is not None and not key.is_empty for key in seen):
            return AcetateError("no_gap")
    return AcetateError("empty_key", layer=animated[0].name, frame=request.start)
