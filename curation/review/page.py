"""The review as one page that opens from disk: no server, no other file but the pictures."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import msgspec

from curation.review.cards import MergeSettings, ReviewCard
from shared.blobs import write_atomically

PAGE_NAME = "review.html"
_HERE = Path(__file__).parent


class _PageData(msgspec.Struct, frozen=True):
    name: str
    merge: MergeSettings
    cards: Sequence[ReviewCard]


def write_page(folder: Path, name: str, cards: Sequence[ReviewCard], merge: MergeSettings) -> Path:
    """Write `review.html` into a folder and return its path. Raises `disk`.

    `name` is the set's: decisions are kept under it in the browser.
    """
    target = folder / PAGE_NAME
    write_atomically(target, page(name, cards, merge).encode())
    return target


def page(name: str, cards: Sequence[ReviewCard], merge: MergeSettings) -> str:
    """The whole page; script, style and data are inside it."""
    data = msgspec.json.encode(_PageData(name, merge, cards)).decode()
    inline = data.replace("<", "\\u003c")  # a caption must not end the script element
    states = {state: sum(card.state == state for card in cards) for state in _STATES}
    summary = ", ".join(f"{count} {state}" for state, count in states.items())
    return _PAGE.format(
        title=html.escape(name),
        summary=summary,
        style=(_HERE / "page.css").read_text("utf-8"),
        script=(_HERE / "page.js").read_text("utf-8"),
        data=inline,
        largest=max(10.0, merge.eta),
    )


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
</details><p>Dots are elements by motion score, coloured by layer: above as the run merged them,
below as the sliders would. The number is that of layers.</p>
<div class="clips" id="clips"></div><nav id="pages"></nav></main>
<script type="application/json" id="data">{data}</script>
<script>
{script}</script></body></html>
"""
