"""The report as one HTML file that needs nothing beside it: tables, paired gains, strips."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.suites.chosen import Shown
from training.suites.figures import FigureKind
from training.suites.measure import TRUTH, ClipResult
from training.suites.methods import BASELINES
from training.suites.style import STYLE
from training.suites.summary import Mean, SuitesDocument, SuiteSummary
from training.suites.table import frechet_names, marked_kinds

_HEADLINE = ("psnr_db", "ssim")
_ARROWS = {1: "↑", -1: "↓", 0: ""}


@dataclass(frozen=True)
class Exhibit:
    """A clip that is shown: why, its figures and its WebP strip."""

    shown: Shown
    result: ClipResult
    strip: bytes


def html_page(document: SuitesDocument, exhibits: Mapping[str, Sequence[Exhibit]]) -> str:
    """The whole page. `exhibits`: suite -> clips to look at, failures first."""
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width,initial-scale=1'>",
        "<title>Acetate evaluation</title>",
        f"<style>{STYLE}</style></head><body>",
        "<header><h1>Acetate evaluation</h1>",
        _facts(document),
        _links(document, exhibits),
        "</header><main>",
        _overview(document),
    ]
    for name, suite in document.suites.items():
        parts.append(_section(name, suite, document, exhibits.get(name, ())))
    parts += [_legend(document), "</main></body></html>"]
    return "\n".join(parts) + "\n"


def _facts(document: SuitesDocument) -> str:
    scored = document.clips - document.static_left_out
    lines = [
        f"{html.escape(document.source)}: {scored} clips from seed {document.seed} "
        f"({document.static_left_out} static ones left out), {document.width}×{document.height}, "
        f"{document.frames} frames. Means over clips; differences are paired on the same clips; "
        f"± is the standard error; PSNR is capped at {document.psnr_cap_db:g} dB per frame."
    ]
    if document.random_features:
        names = ", ".join(f"<b>{html.escape(name)}</b>" for name in document.random_features)
        lines.append(
            f"<span class=mark>Random features:</span> {names} use fixed random networks, because "
            "no weights were given. They compare methods of this page with each other, and with "
            "no published figure."
        )
    models = "; ".join(
        f"{html.escape(name)} <code>{html.escape(what[:24])}</code>"
        for name, what in document.models.items()
        if what
    )
    if models:
        lines.append(f"Weights: {models}")
    return "".join(f"<p>{line}</p>" for line in lines)


def _links(document: SuitesDocument, exhibits: Mapping[str, Sequence[Exhibit]]) -> str:
    items = []
    for name, suite in document.suites.items():
        title = html.escape(suite.title)
        strips = f" <a class=small href='#{name}-strips'>strips</a>" if exhibits.get(name) else ""
        items.append(f"<li><a href='#{name}'>{title}</a>{strips}")
    return f"<nav><ul>{''.join(items)}<li><a href='#legend'>What the figures count</a></ul></nav>"


def _overview(document: SuitesDocument) -> str:
    """Suites by methods, the two headline figures in each cell."""
    present = {name: None for suite in document.suites.values() for name in suite.methods}
    methods = [name for name in (*BASELINES, *present) if name in present and name != TRUTH]
    methods = list(dict.fromkeys(methods))
    head = "".join(f"<th>{html.escape(name)}" for name in methods)
    rows = [f"<tr><th>PSNR dB / SSIM{head}"]
    for name, suite in document.suites.items():
        best = _best(suite, "psnr_db", 1)
        cells = [_overview_cell(suite, method, method == best) for method in methods]
        link = f"<a href='#{name}'>{html.escape(suite.title)}</a>"
        rows.append(f"<tr><th>{link}{''.join(cells)}")
    table = f"<div class='wide all'><table>{''.join(rows)}</table></div>"
    return f"<section><h2>All tasks</h2>{table}</section>"


def _overview_cell(suite: SuiteSummary, method: str, is_best: bool) -> str:
    if method not in suite.methods:
        return "<td class=none>–"
    psnr, likeness = (suite.methods[method].figures[figure].mean for figure in _HEADLINE)
    return f"<td{' class=best' if is_best else ''}>{psnr:.2f} <small>/ {likeness:.3f}</small>"


def _section(
    name: str, suite: SuiteSummary, document: SuitesDocument, exhibits: Sequence[Exhibit]
) -> str:
    strata = ", ".join(f"{key} {count}" for key, count in suite.clips_by_stratum.items())
    notes = "".join(f"<li>{html.escape(note)}" for note in suite.notes)
    return "".join(
        [
            f"<section id='{name}'><h2>{html.escape(suite.title)} <code>{name}</code></h2>",
            f"<p>{suite.clips} clips: {html.escape(strata)}.</p>",
            _methods_table(suite, document),
            f"<ul class=note>{notes}</ul>" if notes else "",
            "<h3>Paired differences</h3>",
            _gains_table(suite, document),
            "<h3>PSNR by kind of motion</h3>",
            _strata_table(suite),
            _strips(name, exhibits, document),
            "</section>",
        ]
    )


def _methods_table(suite: SuiteSummary, document: SuitesDocument) -> str:
    kinds, frechet = marked_kinds(document), frechet_names(document)
    head = "".join(
        f"<th title='{k.unit}'>{html.escape(k.title)} {_ARROWS[k.better]}" for k in kinds
    )
    head += "".join(f"<th>{name} ↓" for name in frechet) + "<th>CPU s"
    best = {kind.name: _best(suite, kind.name, kind.better) for kind in kinds}
    rows = [f"<tr><th>{head}"]
    for method, summary in suite.methods.items():
        cells = [
            _figure_cell(summary.figures.get(kind.name), kind, best[kind.name] == method)
            for kind in kinds
        ]
        cells += [_plain_cell(summary.frechet.get(key), 4) for key in frechet]
        cells.append(_plain_cell(None if method == TRUTH else summary.cpu_s, 2))
        rows.append(f"<tr class={_kind_of(method)}><th>{html.escape(method)}{''.join(cells)}")
    return f"<div class=wide><table>{''.join(rows)}</table></div>"


def _figure_cell(mean: Mean | None, kind: FigureKind, is_best: bool) -> str:
    if mean is None:
        return "<td class=none>–"
    title = f"± {mean.error:.{kind.digits}f} over {mean.clips} clips"
    return f"<td title='{title}'{' class=best' if is_best else ''}>{mean.mean:.{kind.digits}f}"


def _plain_cell(value: float | None, digits: int) -> str:
    return "<td class=none>–" if value is None else f"<td>{value:.{digits}f}"


def _gains_table(suite: SuiteSummary, document: SuitesDocument) -> str:
    if not suite.gains:
        return "<p class=note>Only baselines were measured.</p>"
    kinds = marked_kinds(document)
    head = "".join(f"<th>{html.escape(kind.title)}" for kind in kinds)
    rows = [f"<tr><th>{head}"]
    for gain in suite.gains:
        title = f"{html.escape(gain.method)} − {html.escape(gain.over)}"
        cells = [_gain_cell(gain.figures.get(kind.name), kind) for kind in kinds]
        rows.append(f"<tr><th>{title}{''.join(cells)}")
    return f"<div class=wide><table>{''.join(rows)}</table></div>"


def _gain_cell(mean: Mean | None, kind: FigureKind) -> str:
    """Coloured only where the difference is more than two standard errors."""
    if mean is None:
        return "<td class=none>–"
    told = abs(mean.mean) > 2 * mean.error and mean.clips > 1 and kind.better
    mark = ("good" if mean.mean * kind.better > 0 else "bad") if told else ""
    error = f"<small>±{mean.error:.{kind.digits}f}</small>"
    return f"<td class='{mark}'>{mean.mean:+.{kind.digits}f} {error}"


def _strata_table(suite: SuiteSummary) -> str:
    strata = sorted(suite.clips_by_stratum)
    head = "".join(f"<th>{html.escape(name)}" for name in strata)
    rows = [f"<tr><th>{head}"]
    for method, summary in suite.methods.items():
        if method != TRUTH:
            cells = [_plain_cell(summary.psnr_db_by_stratum.get(name), 2) for name in strata]
            rows.append(f"<tr class={_kind_of(method)}><th>{html.escape(method)}{''.join(cells)}")
    return f"<div class=wide><table>{''.join(rows)}</table></div>"


def _strips(name: str, exhibits: Sequence[Exhibit], document: SuitesDocument) -> str:
    if not exhibits:
        return ""
    method = exhibits[0].shown.method
    parts = [
        f"<h3 id='{name}-strips'>To look at</h3><p>Failures beside successes: the clips where "
        f"<b>{html.escape(method)}</b> gains least and most PSNR over the best baseline of the "
        "clip. The first row shows the controls over the faded truth.</p>"
    ]
    parts += [_figure(name, exhibit, document) for exhibit in exhibits]
    return "".join(parts)


def _figure(name: str, exhibit: Exhibit, document: SuitesDocument) -> str:
    shown, result = exhibit.shown, exhibit.result
    anchor = f"{name}-{html.escape(result.clip_id)}"
    mark = "bad" if shown.gain_db < 0 else "good"
    title = (
        f"<span class={mark}>{shown.verdict}: {shown.method} {shown.gain_db:+.2f} dB</span> · "
        f"<a href='#{anchor}'>{html.escape(result.clip_id)}</a> · {html.escape(result.stratum)}"
    )
    kinds = [kind for kind in marked_kinds(document) if kind.name in _shown_kinds(document)]
    head = "".join(f"<th>{html.escape(kind.title)}" for kind in kinds)
    unmarked = {marked: plain for plain, marked in document.names.items()}
    rows = [f"<tr><th>{head}"]
    for method, one in result.methods.items():
        cells = [
            _plain_cell(one.figures.get(unmarked.get(kind.name, kind.name)), kind.digits)
            for kind in kinds
        ]
        rows.append(f"<tr class={_kind_of(method)}><th>{html.escape(method)}{''.join(cells)}")
    picture = base64.b64encode(exhibit.strip).decode()
    alt = f"Rows: controls, {', '.join(result.methods)}; columns: frames"
    return (
        f"<figure id='{anchor}'><figcaption>{title}</figcaption>"
        f"<img loading=lazy alt='{html.escape(alt)}' src='data:image/webp;base64,{picture}'>"
        f"<details><summary>Figures of this clip</summary><div class=wide>"
        f"<table>{''.join(rows)}</table></div></details></figure>"
    )


def _shown_kinds(document: SuitesDocument) -> set[str]:
    plain = ("psnr_db", "ssim", "lpips", "epe_px", "line_f_1px", "static_drift_px", "leakage")
    return {document.names.get(name, name) for name in plain}


def _legend(document: SuitesDocument) -> str:
    names = document.names
    rows = [
        ("PSNR, SSIM", "of whole frames against the truth, 8-bit RGB"),
        (names["lpips"], "distance of deep activations (Zhang et al. 2018)"),
        ("edge energy", "rms gradient relative to the truth's: below 1 softer"),
        (
            "track error, followed",
            "distance between the asked tracks and the points followed through the made frames "
            "(Lucas-Kanade, forward-backward check), and the share that could be followed; the "
            "row of the truth is the floor of what can be measured",
        ),
        ("lines", "F-score of the lines of moving layers at a tolerance of 1 or 2 px"),
        ("static drift", "mean way of the corners of still layers"),
        ("leakage", "share of all change since the first frame outside the moving layers"),
        (
            "flicker",
            "change between frames that motion does not explain, beyond the truth's; 0 is best",
        ),
        (
            f"{names['fid']}, {names['fvd']}",
            "Frechet distance of frame and of clip features; only with more samples than "
            "dimensions",
        ),
    ]
    lines = "".join(f"<dt>{html.escape(name)}<dd>{html.escape(text)}" for name, text in rows)
    return f"<section id=legend><h2>What the figures count</h2><dl>{lines}</dl></section>"


def _best(suite: SuiteSummary, figure: str, better: int) -> str | None:
    """The method that does best, where at least two have the figure and more or less is better."""
    if not better:
        return None
    found = {
        name: summary.figures[figure].mean * better
        for name, summary in suite.methods.items()
        if name != TRUTH and figure in summary.figures
    }
    return max(found, key=lambda name: found[name]) if len(found) > 1 else None


def _kind_of(method: str) -> str:
    return "truth" if method == TRUTH else "method"
