"""Orders a plan's gaps, and puts those together whose layers are drawn on the same lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from backend.layer_motion.strokes.same_lines import Outline, traced
from backend.pipeline.artwork import Artwork
from backend.pipeline.plan import Gap, LayerPlan, ShotPlan
from shared.shot import Key

Bundle = tuple[tuple[LayerPlan, Gap], ...]
"""Layers between the same two frames, lowest first; all but few stand alone."""


def bundles(
    plan: ShotPlan, artwork: Artwork, check: Callable[[], None] = lambda: None
) -> list[Bundle]:
    """All gaps of a plan; those of a layer, and of layers that go together, follow each other.

    Layers go together where they have keys at the same two frames and most lines in common at both,
    as ink and paint have. `check` is called at every comparison and may raise to stop.
    """
    company = _Company(artwork, plan.request.height, check)
    found: list[Bundle] = []
    seen: set[str] = set()
    for layer_plan in plan.layers:
        if layer_plan.layer.name in seen:
            continue
        group = company.family(layer_plan, plan.layers)
        seen.update(member.layer.name for member in group)
        found += company.by_time(group)
    return found


class _Company:
    """Who goes with whom; every key is traced once."""

    def __init__(self, artwork: Artwork, height: int, check: Callable[[], None]) -> None:
        self._artwork, self._height, self._check = artwork, height, check
        self._traced: dict[str, Outline] = {}

    def family(self, one: LayerPlan, layers: Sequence[LayerPlan]) -> list[LayerPlan]:
        """All layers that go together with one in some gap, or with such a layer."""
        names = {one.layer.name}
        found, left = [one], [other for other in layers if other is not one]
        for member in found:
            near = [other for other in left if self._ever_together(member, other)]
            found += near
            names.update(other.layer.name for other in near)
            left = [other for other in left if other.layer.name not in names]
        return [layer_plan for layer_plan in layers if layer_plan.layer.name in names]

    def by_time(self, group: Sequence[LayerPlan]) -> list[Bundle]:
        """The group's gaps, parted where layers go their own ways."""
        gaps = [(layer_plan, gap) for layer_plan in group for gap in layer_plan.gaps]
        found: list[Bundle] = []
        for ends in sorted({_ends(gap) for _, gap in gaps}):
            found += self._parted([(layer, gap) for layer, gap in gaps if _ends(gap) == ends])
        return found

    def _parted(self, gaps: list[tuple[LayerPlan, Gap]]) -> list[Bundle]:
        """Gaps between the same frames as bundles of layers that go together."""
        order = {layer_plan.layer.name: place for place, (layer_plan, _) in enumerate(gaps)}
        found: list[Bundle] = []
        while gaps:
            some, left = [gaps[0]], gaps[1:]
            for _, gap in some:
                near = [one for one in left if self._together(gap, one[1])]
                some += near
                left = [one for one in left if one not in near]
            found.append(tuple(sorted(some, key=lambda one: order[one[0].layer.name])))
            gaps = left
        return found

    def _ever_together(self, one: LayerPlan, other: LayerPlan) -> bool:
        there = {_ends(gap): gap for gap in other.gaps}
        return any(
            _ends(gap) in there and self._together(gap, there[_ends(gap)]) for gap in one.gaps
        )

    def _together(self, one: Gap, other: Gap) -> bool:
        if one.last is None or other.last is None:
            return False
        return self._alike(one.first, other.first) and self._alike(one.last, other.last)

    def _alike(self, one: Key, other: Key) -> bool:
        self._check()
        outlines = self._outline(one), self._outline(other)
        return (
            outlines[0] is not None
            and outlines[1] is not None
            and outlines[0].lies_with(outlines[1])
        )

    def _outline(self, key: Key) -> Outline | None:
        if key.strokes is None:
            return None
        if key.strokes.blob not in self._traced:
            strokes = self._artwork.key_strokes(key)
            assert strokes is not None  # noqa: S101 - the key has some
            self._traced[key.strokes.blob] = traced(strokes, self._height)
        return self._traced[key.strokes.blob]


def with_frames_of_all(bundle: Bundle) -> list[Gap]:
    """Each gap with the frames that any of them wants: a sketch adds one to its own layer's."""
    frames = tuple(sorted({frame for _, gap in bundle for frame in gap.frames}))
    return [replace(gap, frames=frames) for _, gap in bundle]


def _ends(gap: Gap) -> tuple[int, int]:
    return gap.first.frame, gap.stop
