"""Puts a run's results together: the document, and the folder with page and strips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from backend.measure.fidelity import PSNR_CAP_DB
from shared.errors import AcetateError
from training.suites.chosen import choose
from training.suites.figures import Judge
from training.suites.methods import Method
from training.suites.page import Exhibit, html_page
from training.suites.run import SuiteRun
from training.suites.store import ResultStore
from training.suites.summary import SuitesDocument, summarise

PAGE, DOCUMENT = "index.html", "evaluation.json"


@dataclass(frozen=True)
class SuitesReport:
    """The document, and the clips that the page shows for every suite."""

    document: SuitesDocument
    exhibits: dict[str, list[Exhibit]]


def report_of(
    done: SuiteRun,
    judge: Judge,
    methods: Sequence[Method],
    store: ResultStore | None,
    *,
    source: str,
    seed: int,
    size: tuple[int, int],
    frames: int,
) -> SuitesReport:
    """The report of a run that has results; strips come out of the store, none without one."""
    names = judge.names()
    document = SuitesDocument(
        source=source,
        clips=done.clips,
        seed=seed,
        static_left_out=done.static_left_out,
        width=size[0],
        height=size[1],
        frames=frames,
        psnr_cap_db=PSNR_CAP_DB,
        models={method.name: method.identity for method in methods},
        names=names,
        random_features=[name for name in names.values() if name.startswith("r")],
        suites=summarise(done.results, judge),
    )
    exhibits = {name: _exhibits(name, done, store) for name in document.suites} if store else {}
    return SuitesReport(document, exhibits)


def write_report(report: SuitesReport, folder: Path) -> Path:
    """Write page and document into a folder; returns the page. Raises `disk`."""
    page = folder / PAGE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        encoded = msgspec.json.format(msgspec.json.encode(report.document), indent=1)
        (folder / DOCUMENT).write_bytes(encoded)
        page.write_text(html_page(report.document, report.exhibits), "utf-8")
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    return page


def _exhibits(suite: str, done: SuiteRun, store: ResultStore) -> list[Exhibit]:
    own = [pair for pair in zip(done.results, done.keys, strict=True) if pair[0].suite == suite]
    shown = choose([result for result, _ in own])
    kept = [(one, store.get(own[one.index][1])) for one in shown]
    return [Exhibit(one, whole, whole.strip) for one, whole in kept if whole is not None]
