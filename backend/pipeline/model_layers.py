"""Maps an artist's layers to the few layer slots of a model; pure data."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from backend.pipeline.plan import LayerPlan
from shared.shot import MotionScore, Role, Spacing


@dataclass(frozen=True)
class Slot:
    """Numbers of the plan's layers that share one slot of the model, lowest first.

    `is_static`: none of them moves.
    """

    members: tuple[int, ...]
    is_static: bool
    group: str = ""


def assign_slots(layers: tuple[LayerPlan, ...], limit: int) -> tuple[Slot, ...]:
    """At most `limit` slots, lowest first, every layer in at most one.

    Layers stay apart while there is room. Then layers of one user group join; then backgrounds
    that are still, from the lowest on, go without a slot, for the key frames show them and nothing
    has to be said about them; and after that neighbours in the stack join: still ones first, then
    those that are not steered by a path or a sketch.
    """
    slots = [
        Slot((number,), is_static=not plan.gaps, group=plan.layer.group)
        for number, plan in enumerate(layers)
    ]
    if len(slots) > limit:
        slots = _join_groups(slots, limit)
    for backdrop in [slot for slot in slots if _is_backdrop(layers, slot)]:
        if len(slots) > max(limit, 1):
            slots.remove(backdrop)
    while len(slots) > max(limit, 1):
        costs = [_cost(layers, low, high) for low, high in pairwise(slots)]
        index = costs.index(min(costs))
        slots[index : index + 2] = [_joined(slots[index], slots[index + 1])]
    return tuple(slots)


def _is_backdrop(layers: tuple[LayerPlan, ...], slot: Slot) -> bool:
    roles = {layers[number].layer.role for number in slot.members}
    return slot.is_static and roles == {Role.BACKGROUND}


def _join_groups(slots: list[Slot], limit: int) -> list[Slot]:
    """Join members of the same group, highest groups last, until the limit is met."""
    for name in dict.fromkeys(slot.group for slot in slots if slot.group):
        members = [slot for slot in slots if slot.group == name]
        if len(members) < 2 or len(slots) <= limit:
            continue
        joined = members[0]
        for member in members[1:]:
            joined = _joined(joined, member)
        index = slots.index(members[0])
        slots = [slot for slot in slots if slot.group != name]
        slots.insert(index, joined)
    return slots


def _joined(low: Slot, high: Slot) -> Slot:
    return Slot(
        tuple(sorted(low.members + high.members)),
        low.is_static and high.is_static,
        low.group if low.group == high.group else "",
    )


def _cost(layers: tuple[LayerPlan, ...], low: Slot, high: Slot) -> int:
    """How much is lost when two neighbours share a slot; smaller slots are preferred."""
    size = len(low.members) + len(high.members)
    if low.is_static and high.is_static:
        return size
    if low.is_static != high.is_static:
        return 3000 + size
    return 1000 + size + 500 * sum(_is_steered(layers, slot) for slot in (low, high))


def _is_steered(layers: tuple[LayerPlan, ...], slot: Slot) -> bool:
    return any(
        not isinstance(control, MotionScore | Spacing)
        for number in slot.members
        for control in layers[number].layer.controls
    )
