"""The suites' document as plain text for a terminal; pure text from data."""

from __future__ import annotations

from training.suites.figures import KINDS, FigureKind
from training.suites.summary import Gain, Mean, MethodSummary, SuitesDocument, SuiteSummary

_METHOD_WIDTH = 26


def marked_kinds(document: SuitesDocument) -> list[FigureKind]:
    """All kinds of figures under the names that they have in a document."""
    names = document.names
    return [
        FigureKind(
            names.get(k.name, k.name), names.get(k.name, k.title), k.unit, k.better, k.digits
        )
        for k in KINDS
    ]


def frechet_names(document: SuitesDocument) -> list[str]:
    """How FID and FVD are called in a document."""
    return [document.names["fid"], document.names["fvd"]]


def as_table(document: SuitesDocument) -> str:
    """Per suite the methods side by side, then the paired gains with their standard errors."""
    lines = [
        f"{document.source}: {document.clips} clips from seed {document.seed}, "
        f"{document.static_left_out} static left out; {document.width}x{document.height}, "
        f"{document.frames} frames; PSNR capped at {document.psnr_cap_db:g} dB"
    ]
    if document.random_features:
        marked = ", ".join(document.random_features)
        lines.append(f"of random features, comparable only within this table: {marked}")
    for name, suite in document.suites.items():
        lines += ["", *_suite_lines(name, suite, document)]
    return "\n".join(lines)


def _suite_lines(name: str, suite: SuiteSummary, document: SuitesDocument) -> list[str]:
    kinds = marked_kinds(document)
    strata = ", ".join(f"{key} {count}" for key, count in suite.clips_by_stratum.items())
    frechet = frechet_names(document)
    head = [kind.title for kind in kinds] + frechet + ["CPU s"]
    lines = [
        f"{name} ({suite.title}), {suite.clips} clips: {strata}",
        " " * _METHOD_WIDTH + " ".join(f"{_short(title):>9}" for title in head),
    ]
    for method, summary in suite.methods.items():
        lines.append(_method_line(method, summary, kinds, frechet))
    lines += [_gain_line(gain, kinds) for gain in suite.gains]
    lines += [f"  {note}" for note in suite.notes]
    return lines


def _method_line(
    name: str, summary: MethodSummary, kinds: list[FigureKind], frechet: list[str]
) -> str:
    cells = [_cell(summary.figures.get(kind.name), kind.digits) for kind in kinds]
    cells += [_number(summary.frechet.get(key), 4) for key in frechet]
    cells.append(_number(summary.cpu_s, 2))
    return f"  {name[: _METHOD_WIDTH - 3]:<{_METHOD_WIDTH - 2}}" + " ".join(cells)


def _gain_line(gain: Gain, kinds: list[FigureKind]) -> str:
    title = f"{gain.method} - {gain.over}"
    cells = [_difference(gain.figures.get(kind.name), kind.digits) for kind in kinds]
    return f"    {title[: _METHOD_WIDTH - 5]:<{_METHOD_WIDTH - 4}}" + " ".join(cells)


def _cell(mean: Mean | None, digits: int) -> str:
    return _number(None if mean is None else mean.mean, digits)


def _number(value: float | None, digits: int) -> str:
    return f"{'-':>9}" if value is None else f"{value:9.{digits}f}"


def _difference(mean: Mean | None, digits: int) -> str:
    return f"{'-':>9}" if mean is None else f"{mean.mean:+9.{digits}f}"


def _short(title: str) -> str:
    """At most nine letters: the last word is the telling one."""
    words = title.split()
    return title if len(title) <= 9 else f"{words[0][0]}. {words[-1]}"[:9]
