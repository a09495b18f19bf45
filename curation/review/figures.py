"""A set in figures, from its review cards; for the page and `acetate curate statistics`.

After `spec/curation.md` 4.4.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from curation.review.cards import ReviewCard

SCHEMA = "acetate.set-figures/1"

SCORE_EDGES = (0.0, 0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Lower edges of the histograms' bins, pixels per frame; the last has no upper one."""

_MOST_SHOWN = 12


class SetFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What a set holds. Counts are of clips in the data set, but for `states` and `reasons`.

    `element_scores`, `layer_scores`: histograms over `score_edges`. `layers`: clips by how many
    layers they have. `reasons`: clips and footage by why they are not in, once for each reason.
    `sources`: by file name. `captions`: clips that say so, by phrase; a caption is several.
    """

    schema: str = SCHEMA
    states: dict[str, int]
    clips: int
    frames: int
    hours: float
    score_edges: Sequence[float] = SCORE_EDGES
    element_scores: list[int]
    layer_scores: list[int]
    layers: dict[str, int]
    reasons: dict[str, int]
    licences: dict[str, int]
    sources: dict[str, int]
    captions: dict[str, int]
    without_caption: int
    nc_tainted: int


def figures_of(cards: Sequence[ReviewCard]) -> SetFigures:
    """Count everything once."""
    chosen = [card for card in cards if card.state == "selected"]
    seconds = sum(card.frames / card.fps for card in chosen if card.fps)
    return SetFigures(
        states=_counted(card.state for card in cards),
        clips=len(chosen),
        frames=sum(card.frames for card in chosen),
        hours=round(seconds / 3600, 4),
        element_scores=_histogram(e.score for card in chosen for e in card.elements),
        layer_scores=_histogram(score for card in chosen for score in card.layers),
        layers=_counted(str(len(card.layers)) for card in chosen),
        reasons=_counted(reason for card in cards for reason in card.reasons),
        licences=_counted(card.licence for card in chosen),
        sources=_counted(card.source for card in chosen),
        captions=_counted(phrase for card in chosen for phrase in _phrases(card.caption)),
        without_caption=sum(not card.caption for card in chosen),
        nc_tainted=sum(card.nc_tainted for card in chosen),
    )


def as_rows(figures: SetFigures) -> list[tuple[str, str]]:
    """The figures as name and text, long lists cut short; for people."""
    edges = [f"{edge:g}" for edge in SCORE_EDGES]
    ranges = [*(f"{a}-{b}" for a, b in pairwise(edges)), f"{edges[-1]} and up"]
    return [
        ("looked at", _listed(figures.states)),
        ("clips", str(figures.clips)),
        ("frames", str(figures.frames)),
        ("hours", f"{figures.hours:g}"),
        ("layers per clip", _listed(figures.layers)),
        ("elements by px/frame", _listed(_named(ranges, figures.element_scores))),
        ("layers by px/frame", _listed(_named(ranges, figures.layer_scores))),
        ("not in, by reason", _listed(figures.reasons)),
        ("licences", _listed(figures.licences)),
        ("sources", _listed(figures.sources)),
        ("captions say", _listed(figures.captions)),
        ("without caption", str(figures.without_caption)),
        ("non-commercial", str(figures.nc_tainted)),
    ]


def _counted(values: Iterable[str]) -> dict[str, int]:
    """By count, then by name."""
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _histogram(scores: Iterable[float]) -> list[int]:
    counts = [0] * len(SCORE_EDGES)
    for score in scores:
        counts[max(0, bisect_right(SCORE_EDGES, score) - 1)] += 1
    return counts


def _phrases(caption: str) -> set[str]:
    return {phrase.strip(" .") for phrase in caption.split(",")} - {""}


def _named(names: list[str], counts: list[int]) -> dict[str, int]:
    return {name: count for name, count in zip(names, counts, strict=True) if count}


def _listed(counts: dict[str, int]) -> str:
    shown = [f"{name} ({count})" for name, count in list(counts.items())[:_MOST_SHOWN]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "") or "none"
