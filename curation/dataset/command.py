"""`acetate dataset`: looks at, checks, measures and mends data sets; joins through an entry point.

Heavy imports wait until a command runs, so that `acetate --help` stays fast.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import AcetateError, ExitCode

if TYPE_CHECKING:
    from curation.dataset.index import Index

SCHEMA = "acetate.dataset-report/1"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `dataset` to the command line; the chosen parser sets `run(args) -> exit code`."""
    parser = subparsers.add_parser("dataset", help="look at and mend layered data sets")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _verb(verbs, "info", "what a data set holds", _info)
    check = _verb(verbs, "verify", "compare every checksum", _verify)
    check.add_argument("--deep", action="store_true", help="also decode every clip")
    drop = _verb(verbs, "forget", "remove all clips of a source, for good", _forget)
    drop.add_argument("--source", required=True, metavar="ID", help="the clips' source_id")
    _verb(verbs, "reindex", "make a lost index.parquet again from the shards", _reindex)
    take = _verb(verbs, "import-official", "LayerAnimate's layout into a data set", _import)
    take.add_argument("--csv", type=Path, help="table; else clips.csv in the folder")
    take.add_argument("--out", type=Path, required=True, help="data set, new or not")
    take.add_argument(
        "--frames", type=int, default=0, help="as the official reader picks: 16, 48; 0 all"
    )
    take.add_argument("--all-tracks", action="store_true", help="keep tracks that it leaves out")
    take.add_argument("--layers", type=int, default=4, help="most layers of a clip; 0 merges none")
    take.add_argument(
        "--threshold", type=float, default=1.0, help="merge up to this distance of scores, px"
    )
    give = _verb(verbs, "export-official", "a data set in LayerAnimate's layout", _export)
    give.add_argument("--out", type=Path, required=True, help="folder to write")
    bench = verbs.add_parser("bench", help="measure the reader on clips drawn for it")
    bench.add_argument("--json", action="store_true", help="one JSON document on stdout")
    bench.set_defaults(run=_bench)


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=text, description=text)
    parser.add_argument("folder", type=Path, help="the folder to read")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)
    return parser


def _info(args: argparse.Namespace) -> int:
    from curation.dataset.reader import DataSet

    data = DataSet.open(args.folder)
    report = {"fingerprint": data.fingerprint, "clips": len(data), **_counts(data.index)}
    lines = [f"{name}: {_short(value)}" for name, value in report.items()]
    _print(args, report, "\n".join(lines))
    return ExitCode.DONE


def _counts(index: Index) -> dict[str, object]:
    """What the index says over all clips."""
    frames, fps = index.column("frames"), index.column("fps")
    sizes = [f"{w}x{h}" for w, h in zip(index.column("width"), index.column("height"), strict=True)]
    counted = {
        "sizes": sizes,
        "licences": index.column("licence"),
        "sources": index.column("source_id"),
        "layers": [str(count) for count in index.column("layers")],
    }
    totals: dict[str, object] = {
        "shards": len(index.shards),
        "bytes": sum(shard.bytes for shard in index.shards),
        "frames": sum(frames),
        "seconds": round(sum(n / rate for n, rate in zip(frames, fps, strict=True)), 2),
        "with_sketch": sum(index.column("has_sketch")),
        "with_flow": sum(index.column("has_flow")),
        "without_consent": index.column("consent_for_training").count(False),
        "nc_tainted": sum(index.column("nc_tainted")),
    }
    return totals | {name: dict(Counter(values).most_common()) for name, values in counted.items()}


def _short(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    shown = [f"{name} ({count})" for name, count in list(value.items())[:8]]
    return ", ".join(shown) + (f" and {len(value) - 8} more" if len(value) > 8 else "")


def _verify(args: argparse.Namespace) -> int:
    from curation.dataset.verify import verify

    verdict = verify(args.folder, deep=args.deep, told=_told)
    lines = [f"{problem['code']} {problem['text']}" for problem in verdict.problems]
    lines += [f"left over: {name}" for name in verdict.leftovers]
    lines.append(f"{verdict.clips} clips, {len(verdict.problems)} problems")
    _print(args, {"sound": verdict.sound, **asdict(verdict)}, "\n".join(lines))
    return ExitCode.DONE if verdict.sound else ExitCode.INPUT_INVALID


def _forget(args: argparse.Namespace) -> int:
    from curation.dataset.forget import forget

    done = forget(args.folder, args.source, _told)
    text = f"{len(done.clips)} clips removed; {done.rewritten} shards written anew"
    _print(args, asdict(done), text)
    return ExitCode.DONE


def _reindex(args: argparse.Namespace) -> int:
    from curation.dataset.reindex import reindex

    index = reindex(args.folder, _told)
    _print(args, {"clips": len(index), "fingerprint": index.fingerprint}, f"{len(index)} clips")
    return ExitCode.DONE


def _import(args: argparse.Namespace) -> int:
    from curation.dataset.official.importer import ImportRules, import_official
    from curation.dataset.official.layout import TABLE_NAME
    from curation.stages.merging import MergeSettings

    if args.frames < 0 or args.layers < 0:
        raise AcetateError("usage", where="--frames and --layers are numbers not below 0")
    merging = MergeSettings(capacity=args.layers, threshold=args.threshold, near_px=0.0)
    rules = ImportRules(args.frames, not args.all_tracks, merging if args.layers else None)
    table = args.csv or args.folder / TABLE_NAME
    report = import_official(args.folder, table, args.out, rules, _told)
    lines = [f"{bad['clip']}: {bad['code']} {bad['text']}" for bad in report.refused]
    counts = f"{report.imported} imported, {report.present} there already"
    lines.append(f"{counts}, {len(report.refused)} refused")
    _print(args, asdict(report), "\n".join(lines))
    return ExitCode.BATCH_PARTLY_FAILED if report.refused else ExitCode.DONE


def _export(args: argparse.Namespace) -> int:
    from curation.dataset.official.exporter import export_official

    count = export_official(args.folder, args.out, _told)
    _print(args, {"clips": count}, f"{count} clips written to {args.out}")
    return ExitCode.DONE


def _bench(args: argparse.Namespace) -> int:
    from curation.dataset.bench import bench_reader

    with tempfile.TemporaryDirectory() as folder:
        figures = bench_reader(Path(folder))
    text = f"{figures.samples_per_s} samples/s, {figures.cpu_ms_per_sample} CPU ms each"
    _print(args, asdict(figures), text)
    return ExitCode.DONE


def _print(args: argparse.Namespace, report: dict[str, object], text: str) -> None:
    if args.json:
        text = json.dumps({"schema": SCHEMA, "verb": args.verb, **report})
    sys.stdout.write(text + "\n")


def _told(stage: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done + 1 == total else ""
        sys.stderr.write(f"\r{stage} {done + 1}/{total}{end}")
        sys.stderr.flush()
