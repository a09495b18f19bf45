"""Promises of the review page, in a real headless Chromium opened from disk; skips without one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from curation.review.cards import MergeSettings, ReviewCard, ReviewElement
from curation.review.decisions import is_selected, read_decisions
from curation.review.page import Review, write_page
from shared.errors import AcetateError

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
HOSTILE = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>"


def _card(index: int, scores: list[float], **more: Any) -> ReviewCard:  # noqa: ANN401 - any field
    elements = [ReviewElement(f"element {i}", score, 0.1) for i, score in enumerate(scores)]
    about = {"title": f"Shot {index}", "source": "a.mp4", "licence": "CC0-1.0", "caption": HOSTILE}
    chosen = {"state": "selected", "reasons": [], "fps": 24.0, "frames": 48}
    return ReviewCard(clip_id=f"clip{index}", elements=elements, **{**about, **chosen, **more})


CARDS = [
    _card(0, [0.0, 3.0, 6.0, 9.0, 12.0, 30.0]),
    _card(1, [0.0, 0.1], state="refused", reasons=["static_clip"]),
    _card(2, [], state="failed", reasons=["corrupt"], frames=0, fps=0.0),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Any]:  # noqa: ANN401 - untyped driver
    opened = browser.new_context(accept_downloads=True).new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(write_page(tmp_path, Review("set <1>", MergeSettings(), CARDS)).as_uri())
    yield opened
    assert not faults
    opened.close()


def _by_scipy(scores: list[float], eta: float, capacity: int) -> list[int]:
    tree = linkage(np.array(scores)[:, None], "ward")
    wanted = int(np.clip(1 + (tree[:, 2] > eta).sum(), 2, capacity))
    return fcluster(tree, wanted, "maxclust").tolist()


def _partition(labels: list[int]) -> set[frozenset[int]]:
    return {frozenset(i for i, x in enumerate(labels) if x == label) for label in set(labels)}


def test_the_page_merges_as_the_run_does(page: Any) -> None:  # noqa: ANN401
    chance = np.random.default_rng(0)
    for _ in range(200):
        count = int(chance.integers(2, 30))
        scores = chance.gamma(1.0, 3.0, count).tolist()
        eta, capacity = float(chance.uniform(0, 8)), int(chance.integers(2, 9))
        call = "([s, e, c]) => acetateReview.mergedLayers(s, e, c)"
        found = page.evaluate(call, [scores, eta, capacity])
        assert _partition(found) == _partition(_by_scipy(scores, eta, capacity))


def test_sliders_merge_again_at_once(page: Any) -> None:  # noqa: ANN401
    def numbers() -> list[str]:
        return page.locator("#clip-clip0 svg.line text").all_text_contents()

    assert numbers() == ["4", "4"]
    page.locator("#capacity").fill("2")
    assert numbers() == ["4", "2"]


def test_keys_decide_and_the_export_is_what_a_run_reads(page: Any, tmp_path: Path) -> None:  # noqa: ANN401
    for key in "r" + "a" + "j" + "a" + "u":
        page.keyboard.press(key)
    with page.expect_download() as waiting:
        page.keyboard.press("e")
    waiting.value.save_as(tmp_path / "decisions.jsonl")
    decisions = read_decisions(tmp_path / "decisions.jsonl")
    assert {name: d.verdict for name, d in decisions.items()} == {
        "clip0": "reject",
        "clip1": "accept",
    }
    picked = [card.clip_id for card in CARDS if is_selected(card.clip_id, card.reasons, decisions)]
    assert picked == ["clip1"]


def test_a_filter_shows_one_reason(page: Any) -> None:  # noqa: ANN401
    page.locator("#filter").select_option("static_clip")
    assert page.locator("article").count() == 1
    assert "Shot 1" in page.locator("article").inner_text()


def test_the_page_shows_the_set_in_figures(page: Any) -> None:  # noqa: ANN401
    rows = dict(
        zip(
            page.locator("details th").all_inner_texts(),
            page.locator("details td").all_inner_texts(),
            strict=True,
        )
    )
    assert rows["looked at"] == "failed (1), refused (1), selected (1)"
    assert rows["not in, by reason"] == "corrupt (1), static_clip (1)"
    assert rows["elements by px/frame"] == "0-0.1 (1), 2-4 (1), 4-8 (1), 8-16 (2), 16-32 (1)"


def test_texts_of_clips_are_never_run(page: Any) -> None:  # noqa: ANN401
    assert page.evaluate("window.broken") is None
    assert HOSTILE in page.locator("#clip-clip0").inner_text()


def test_decisions_survive_only_whole(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    path.write_text('{"clip_id": "a", "verdict": "perhaps", "at": ""}\n')
    with pytest.raises(AcetateError) as caught:
        read_decisions(path)
    assert caught.value.name == "invalid_request"
    with pytest.raises(AcetateError):
        read_decisions(tmp_path / "none.jsonl")
