"""The review as one page that opens from disk: no server, no other file but the pictures."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import msgspec

from curation.review.cards import MergeSettings, ReviewCard
from curation.review.figures import as_rows, figures_of
from shared.blobs import write_atomically
from shared.errors import AcetateError

PAGE_NAME, DATA_NAME = "review.html", "review.json"
_HERE = Path(__file__).parent


class Review(msgspec.Struct, frozen=True):
    """Everything on the page, as `review.json` keeps it. `name` is the set's."""

    name: str
    merge: MergeSettings
    cards: Sequence[ReviewCard]


def write_page(folder: Path, review: Review) -> Path:
    """Write `review.json` and `review.html` into a folder; the page's path. Raises `disk`.

    Decisions are kept under the set's name in the browser.
    """
    target = folder / PAGE_NAME
    write_atomically(folder / DATA_NAME, msgspec.json.encode(review))
    write_atomically(target, page(review).encode())
    return target


def read_review(folder: Path) -> Review:
    """What the page of a set shows. Raises `not_found`, `invalid_request`."""
    try:
        return msgspec.json.decode((folder / DATA_NAME).read_bytes(), type=Review)
    except OSError as error:
        what = f"a curated set in {folder.name}"
        raise AcetateError("not_found", what=what, detail=str(error)) from error
    except msgspec.DecodeError as error:
        raise AcetateError("invalid_request", where=DATA_NAME, detail=str(error)) from error


def page(review: Review) -> str:
    """The whole page; script, style and data are inside it."""
    name, cards = review.name, review.cards
    data = msgspec.json.encode(review).decode()
    inline = data.replace("<", "\\u003c")  # a caption must not end the script element
    states = {state: sum(card.state == state for card in cards) for state in _STATES}
    summary = ", ".join(f"{count} {state}" for state, count in states.items())
    return _PAGE.format(
        title=html.escape(name),
        summary=summary,
        style=(_HERE / "page.css").read_text("utf-8"),
        script=(_HERE / "page.js").read_text("utf-8"),
        data=inline,
        largest=max(10.0, review.merge.eta),
        figures=_table(cards),
    )


def _table(cards: Sequence[ReviewCard]) -> str:
    rows = as_rows(figures_of(cards))
    cells = (f"<tr><th>{html.escape(a)}</th><td>{html.escape(b)}</td></tr>" for a, b in rows)
    return f"<table>{''.join(cells)}</table>"


_STATES = ("selected", "refused", "failed")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}: review</title>
<meta name="viewport" content="width=device-width"><style>
{style}</style></head><body>
<header><h1>{title}</h1><span>{summary}</span>
<label>show <select id="filter"><option value="">all</option></select></label>
<label>merge below <input id="eta" type="range" min="0" max="{largest}" step="0.05">
<output id="eta-now"></output> px/frame</label>
<label>at most <input id="capacity" type="range" min="2" max="8" step="1">
<output id="capacity-now"></output> layers</label>
<output id="count"></output><button id="export">Export decisions</button><span id="kept"></span>
<span><kbd>j</kbd> <kbd>k</kbd> next, previous · <kbd>a</kbd> accept · <kbd>r</kbd> reject ·
<kbd>u</kbd> undecide · <kbd>e</kbd> export</span></header>
<main><details open><summary>The set in figures</summary><div class="charts" id="charts"></div>
{figures}
</details><p>Dots are elements by motion score, coloured by layer: above as the run merged them,
below as the sliders would. The number is that of layers.</p>
<div class="clips" id="clips"></div><nav id="pages"></nav></main>
<script type="application/json" id="data">{data}</script>
<script>
{script}</script></body></html>
"""
