"""Orders a plan's gaps, and puts those together whose layers are drawn on the same lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backend.layer_motion.strokes.same_lines import on_same_lines
from backend.pipeline.artwork import Artwork
from backend.pipeline.plan import Gap, LayerPlan, ShotPlan

Bundle = tuple[tuple[LayerPlan, Gap], ...]
"""Layers between the same two frames, lowest first; all but few stand alone."""


def bundles(plan: ShotPlan, artwork: Artwork) -> list[Bundle]:
    """All gaps of a plan; those of a layer, and of layers that go together, follow each other.

    Layers go together where they have both keys in common and most lines at either, as ink and
    paint have.
    """
    found: list[Bundle] = []
    seen: set[str] = set()
    for layer_plan in plan.layers:
        if layer_plan.layer.name in seen:
            continue
        group = _family(layer_plan, plan.layers, artwork)
        seen.update(member.layer.name for member in group)
        found += _by_time(group, artwork)
    return found


def _family(one: LayerPlan, layers: Sequence[LayerPlan], artwork: Artwork) -> list[LayerPlan]:
    """All layers that go together with one in some gap, or with such a layer."""
    names = {one.layer.name}
    found, left = [one], [other for other in layers if other is not one]
    for member in found:
        near = [other for other in left if _have_gap_in_common(member, other, artwork)]
        found += near
        names.update(other.layer.name for other in near)
        left = [other for other in left if other.layer.name not in names]
    return [layer_plan for layer_plan in layers if layer_plan.layer.name in names]


def _have_gap_in_common(one: LayerPlan, other: LayerPlan, artwork: Artwork) -> bool:
    there = {_ends(gap): gap for gap in other.gaps}
    return any(
        _ends(gap) in there and _go_together(gap, there[_ends(gap)], artwork) for gap in one.gaps
    )


def _go_together(one: Gap, other: Gap, artwork: Artwork) -> bool:
    if one.last is None or other.last is None:
        return False
    height = artwork.height
    for key, others in ((one.first, other.first), (one.last, other.last)):
        strokes, there = artwork.key_strokes(key), artwork.key_strokes(others)
        if strokes is None or there is None or not on_same_lines(strokes, there, height):
            return False
    return True


def _by_time(group: Sequence[LayerPlan], artwork: Artwork) -> list[Bundle]:
    gaps = [(layer_plan, gap) for layer_plan in group for gap in layer_plan.gaps]
    found: list[Bundle] = []
    for ends in sorted({_ends(gap) for _, gap in gaps}):
        found += _parted([(layer, gap) for layer, gap in gaps if _ends(gap) == ends], artwork)
    return found


def _parted(gaps: list[tuple[LayerPlan, Gap]], artwork: Artwork) -> list[Bundle]:
    """Gaps between the same frames as bundles of layers that go together."""
    found: list[Bundle] = []
    while gaps:
        some, left = [gaps[0]], gaps[1:]
        for _, gap in some:
            near = [one for one in left if _go_together(gap, one[1], artwork)]
            some += near
            left = [one for one in left if one not in near]
        found.append(tuple(sorted(some, key=gaps.index)))
        gaps = left
    return found


def with_frames_of_all(bundle: Bundle) -> list[Gap]:
    """Each gap with the frames that any of them wants: a sketch adds one to its own layer's."""
    frames = tuple(sorted({frame for _, gap in bundle for frame in gap.frames}))
    return [replace(gap, frames=frames) for _, gap in bundle]


def _ends(gap: Gap) -> tuple[int, int]:
    return gap.first.frame, gap.stop
