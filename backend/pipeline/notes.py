"""Gathers what went otherwise than asked, as lines for the artist; motion and `execute` fill it."""

from __future__ import annotations

from backend.pipeline.plan import Gap, LayerPlan, ShotPlan

_RANGES_SHOWN = 3
_PLAIN_BLENDS = ("regular", "")


class Notes:
    """Lines in the order in which they were first said, each said once.

    What several gaps of a layer have in common is one line that names their frames, or none where
    it is true of the whole layer.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], list[Gap]] = {}
        self._gap_counts: dict[str, int] = {}

    def say(self, text: str) -> None:
        """Note a line about the whole shot."""
        self._said.setdefault(("", text), [])

    def about(self, layer_plan: LayerPlan, gap: Gap, text: str) -> None:
        """Note the end of a line about one gap of a layer."""
        name = layer_plan.layer.name
        self._gap_counts[name] = len(layer_plan.gaps)
        self._said.setdefault((name, text), []).append(gap)

    def lines(self) -> tuple[str, ...]:
        """Everything that was said."""
        return tuple(
            f"{self._subject(name, gaps)}: {text}" if name else text
            for (name, text), gaps in self._said.items()
        )

    def _subject(self, name: str, gaps: list[Gap]) -> str:
        if len(gaps) == self._gap_counts[name]:
            return f'"{name}"'
        ranges = [f"{gap.first.frame}-{gap.stop}" for gap in gaps[:_RANGES_SHOWN]]
        more = len(gaps) - len(ranges)
        end = f" and {more} more" if more else ""
        return f'"{name}", frames {", ".join(ranges)}{end}'


def blend_notes(plan: ShotPlan) -> tuple[str, ...]:
    """One line per layer whose blend mode the composite does not show."""
    return tuple(
        f'"{layer_plan.layer.name}": its blend mode ({layer_plan.layer.blend}) is not in the '
        "composite, which lays one layer over the other. Set it where you place the layer."
        for layer_plan in plan.layers
        if layer_plan.layer.blend.lower() not in _PLAIN_BLENDS
    )
