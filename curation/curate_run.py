"""`acetate curate run`: footage to a data set and its review page, resumable, on many cores."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from curation.curate_backends import add_weights
from shared.errors import AcetateError

if TYPE_CHECKING:
    from curation.make_set import SetReport, SetSettings
    from curation.run.clip_chain import ClipOutcome
    from curation.run.over_clips import Told

_ENGINES = ("serial", "process", "ray")
_NAMED = 5  # names that a warning lists


def add_run(stages: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `curate run`."""
    parser = stages.add_parser(
        "run",
        help="all stages over footage: a data set and a page to review it",
        description="Every piece of footage needs a licence record: FILE.licence.toml beside it, "
        "or licence.toml in a folder above. Run again to go on; what is done is not done again.",
    )
    parser.add_argument("footage", type=Path, nargs="+", help="videos, or folders of them")
    parser.add_argument("--out", type=Path, required=True, help="the set's folder")
    parser.add_argument("--settings", type=Path, help="TOML with other settings of stages")
    add_weights(parser)
    parser.add_argument("--layers", type=int, choices=range(1, 65), help="most layers of a clip")
    parser.add_argument("--merge-below", type=float, metavar="PX", help="pixels per frame")
    parser.add_argument("--decisions", type=Path, help="what a reviewer exported from the page")
    parser.add_argument(
        "--include", metavar="ID", action="append", default=[], help="a source that was forgotten"
    )
    parser.add_argument("--engine", choices=_ENGINES, default="serial")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="of the engine")
    parser.add_argument(
        "--shared", action="store_true", help="other machines work on this folder too: take leases"
    )
    parser.add_argument("--failure-budget", type=float, default=0.02, metavar="SHARE")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the set. Raises `not_found`, `invalid_request`, `disk`, `failure_budget`."""
    from curation.backends.choose import choose
    from curation.backends.weights import weights_folder
    from curation.forgotten import let_in_again
    from curation.make_set import make_set
    from curation.review.decisions import read_decisions
    from curation.run.engines import make_engine
    from curation.run.leases import Leases
    from curation.run.over_clips import within_budget

    if args.jobs < 1:
        raise AcetateError("usage", where="--jobs is at least 1")
    settings = _settings(args)
    choice = choose(settings.backends, weights_folder(args.weights), args.device)
    for source_id in args.include:
        let_in_again(args.out.resolve(), source_id)
    report = make_set(
        [path.resolve() for path in args.footage],
        args.out.resolve(),
        settings,
        make_engine(args.engine, args.jobs),
        decisions=read_decisions(args.decisions) if args.decisions else None,
        leases=Leases(args.out.resolve() / "leases") if args.shared else None,
        told=_teller(),
        choice=choice,
    )
    _say(args, report)
    for part in (report.footage, report.clips):
        within_budget(part, args.failure_budget)
    return 0


def _settings(args: argparse.Namespace) -> SetSettings:
    from dataclasses import replace

    import msgspec

    from curation.make_set import SetSettings

    settings = SetSettings()
    if args.settings:
        try:
            settings = msgspec.toml.decode(args.settings.read_bytes(), type=SetSettings)
        except OSError as error:
            raise AcetateError("not_found", what=args.settings.name, detail=str(error)) from error
        except msgspec.DecodeError as error:
            where = args.settings.name
            raise AcetateError("invalid_request", where=where, detail=str(error)) from error
    chain = settings.chain
    if args.layers is not None:
        chain = replace(
            chain,
            gather=replace(chain.gather, capacity=args.layers),
            merge=replace(chain.merge, capacity=args.layers),
        )
    if args.merge_below is not None:
        chain = replace(
            chain,
            gather=replace(chain.gather, near_px=args.merge_below),
            merge=replace(chain.merge, threshold=args.merge_below),
        )
    return msgspec.structs.replace(settings, chain=chain)


def _teller() -> Told:
    """One line per clip, with the time that is left by the pace so far."""
    started_s = time.monotonic()

    def told(outcome: ClipOutcome, through: int, count: int) -> None:
        left_s = (time.monotonic() - started_s) / through * (count - through)
        reason = f" {outcome.reason} ({outcome.stage})" if outcome.reason else ""
        again = "" if outcome.ran else ", as before"
        sys.stderr.write(
            f"{through}/{count} {outcome.clip_id} {outcome.state}{again}{reason}, "
            f"{left_s:.0f} s left\n"
        )
        sys.stderr.flush()

    return told


def _say(args: argparse.Namespace, report: SetReport) -> None:
    document = {
        "schema": "acetate.set/1",
        "out": str(args.out),
        "footage": len(report.footage.outcomes),
        "clips": len(report.clips.outcomes),
        "chosen": len(report.chosen),
        "failed": report.footage.count("failed") + report.clips.count("failed"),
        "stages_run": report.footage.stages_run + report.clips.stages_run,
        "forgotten": report.forgotten,
        "unknown_decisions": report.unknown_decisions,
        "reasons": {name: reasons for name, reasons in report.reasons.items() if reasons},
        "fingerprint": report.fingerprint,
    }
    _warn("decisions on clips that are not in this run", report.unknown_decisions)
    _warn("pieces of footage left out as forgotten (--include ID)", report.forgotten)
    if args.json:
        sys.stdout.write(json.dumps(document) + "\n")
        return
    sys.stdout.write(
        f"{document['chosen']} of {document['clips']} clips -> {args.out / 'dataset'}\n"
        f"review: {args.out / 'review.html'}\n"
    )


def _warn(what: str, names: list[str]) -> None:
    if names:
        more = ", ..." if len(names) > _NAMED else ""
        sys.stderr.write(f"warning: {len(names)} {what}: {', '.join(names[:_NAMED])}{more}\n")
