"""Promises of a set's figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.review.cards import MergeSettings, ReviewCard, ReviewElement
from curation.review.figures import SCORE_EDGES, as_rows, figures_of
from curation.review.page import Review, read_review, write_page
from shared.errors import AcetateError


def _card(index: int, **more: object) -> ReviewCard:
    about = {
        "clip_id": f"clip{index}",
        "title": "A walk",
        "source": "a.mp4",
        "licence": "CC0-1.0",
        "state": "selected",
        "reasons": [],
        "fps": 24.0,
        "frames": 48,
        "caption": "an anime scene, the camera moves left.",
        "elements": [ReviewElement("one", 0.05, 0.5), ReviewElement("two", 40.0, 0.5)],
        "layers": [0.05, 40.0],
    }
    return ReviewCard(**{**about, **more})  # pyright: ignore[reportArgumentType]


CARDS = [
    _card(0),
    _card(1, source="b.mp4", licence="CC-BY-4.0", layers=[1.0], caption=""),
    _card(2, state="refused", reasons=["static", "duplicate"]),
    _card(3, state="failed", reasons=["static"], frames=0),
]


def test_only_what_is_in_the_set_is_counted_as_its_content() -> None:
    figures = figures_of(CARDS)
    assert (figures.clips, figures.frames) == (2, 96)
    assert figures.hours == pytest.approx(4 / 3600, abs=1e-4)
    assert figures.states == {"selected": 2, "failed": 1, "refused": 1}
    assert figures.reasons == {"static": 2, "duplicate": 1}
    assert figures.licences == {"CC-BY-4.0": 1, "CC0-1.0": 1}
    assert figures.sources == {"a.mp4": 1, "b.mp4": 1}
    assert figures.layers == {"1": 1, "2": 1}
    assert figures.captions == {"an anime scene": 1, "the camera moves left": 1}
    assert figures.without_caption == 1


def test_every_score_falls_into_one_bin() -> None:
    figures = figures_of(CARDS)
    assert len(figures.element_scores) == len(SCORE_EDGES)
    assert figures.element_scores == [2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert sum(figures.layer_scores) == 3
    assert dict(as_rows(figures))["layers by px/frame"] == "0-0.1 (1), 1-2 (1), 32 and up (1)"


def test_an_empty_set_has_figures_too() -> None:
    assert dict(as_rows(figures_of([])))["not in, by reason"] == "none"


def test_what_the_page_shows_can_be_read_again(tmp_path: Path) -> None:
    write_page(tmp_path, Review("show", MergeSettings(), CARDS))
    assert read_review(tmp_path).cards == CARDS
    (tmp_path / "review.json").write_text("{")
    with pytest.raises(AcetateError) as caught:
        read_review(tmp_path)
    assert caught.value.name == "invalid_request"
    with pytest.raises(AcetateError) as caught:
        read_review(tmp_path / "nowhere")
    assert caught.value.name == "not_found"
