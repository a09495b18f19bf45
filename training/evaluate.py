"""`acetate evaluate SET`: every method side by side, on held-out procedural clips or the gallery.

Joins the command line through the entry-point group `acetate.commands`; heavy imports wait until
the command runs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import AcetateError
from training.evaluate_gallery import add_gallery
from training.evaluate_suite import add_suite

if TYPE_CHECKING:
    from training.measure import ClipScores, Settings
    from training.report import Evaluation

MAX_JOBS = 2
_MAX_CLIPS = 100_000


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `evaluate` to the command line; the chosen parser sets `run(args) -> exit code`."""
    parser = subparsers.add_parser("evaluate", help="measure motion on held-out clips")
    sets = parser.add_subparsers(dest="set", required=True, metavar="SET")
    procedural = sets.add_parser("procedural", help="vector clips whose truth is known exactly")
    procedural.add_argument("--clips", type=_count, default=40, help="how many clips to make")
    procedural.add_argument("--seed", type=_seed, default=0, help="seed of the first clip")
    procedural.add_argument(
        "--model",
        default="mini",
        help="layer-motion, mini (the bundled weights), or a folder with weights of its kind",
    )
    procedural.add_argument("--size", type=_size, default=(160, 96), metavar="WxH")
    procedural.add_argument("--mode", action="append", help="only this mode; may be repeated")
    procedural.add_argument("--jobs", type=int, choices=range(1, MAX_JOBS + 1), default=1)
    procedural.add_argument("--json", action="store_true", help="one JSON document on stdout")
    procedural.set_defaults(run=run)
    add_gallery(sets, _size)
    add_suite(sets, _size, _count, _seed)


def run(args: argparse.Namespace) -> int:
    """Measure, print the document or the table. Raises `usage`, `model_missing` and the like."""
    evaluation = evaluate(args.clips, args.seed, _settings(args), jobs=args.jobs)
    if args.json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(evaluation).decode() + "\n")
    else:
        from training.report import as_table

        sys.stdout.write(as_table(evaluation) + "\n")
    return 0


def evaluate(clips: int, seed: int, settings: Settings, *, jobs: int = 1) -> Evaluation:
    """Score clips `seed` .. `seed + clips - 1` in up to two processes of one thread each.

    Raises `usage` where every clip turned out static, `model_missing` or `model_corrupt`.
    """
    from training.report import Evaluation, count_strata, summarise

    model = _model_card(settings)
    scored = [item for item in _measure_all(range(seed, seed + clips), settings, jobs) if item]
    if not scored:
        raise AcetateError("usage", where="every clip of this seed is static; ask for more clips")
    return Evaluation(
        clips=clips,
        seed=seed,
        static_left_out=clips - len(scored),
        width=settings.width,
        height=settings.height,
        frames=list(settings.frames),
        model=model,
        clips_by_stratum=count_strata(scored),
        modes=summarise(scored),
    )


def _model_card(settings: Settings) -> dict[str, str]:
    if not settings.mini:
        return {"name": "layer-motion"}
    from backend.mini.expert import load_expert

    return {"name": "acetate-mini", "sha256": load_expert(settings.weights).sha256}


def _measure_all(seeds: range, settings: Settings, jobs: int) -> list[ClipScores | None]:
    from training.measure import measure_clip

    if jobs == 1:
        return [
            _told(index, len(seeds), measure_clip(seed, settings))
            for index, seed in enumerate(seeds)
        ]
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the processes started below
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        results = pool.map(measure_clip, seeds, [settings] * len(seeds))
        return [_told(index, len(seeds), result) for index, result in enumerate(results)]


def _told(index: int, total: int, result: ClipScores | None) -> ClipScores | None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{index + 1}/{total} clips" + ("\n" if index + 1 == total else ""))
        sys.stderr.flush()
    return result


def _settings(args: argparse.Namespace) -> Settings:
    from training.measure import Settings
    from training.modes import MODES

    names = tuple(mode.name for mode in MODES)
    unknown = [name for name in args.mode or () if name not in names]
    if unknown:
        raise AcetateError("usage", where=f"unknown mode {unknown[0]}", detail=", ".join(names))
    width, height = args.size
    return Settings(
        width=width,
        height=height,
        modes=tuple(args.mode) if args.mode else names,
        mini=args.model != "layer-motion",
        weights=None if args.model in ("mini", "layer-motion") else Path(args.model),
    )


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= _MAX_CLIPS:
        raise argparse.ArgumentTypeError(f"from 1 to {_MAX_CLIPS}")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("not below 0")
    return value


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)
    if match is None or not all(32 <= int(side) <= 4096 for side in match.groups()):
        raise argparse.ArgumentTypeError("WIDTHxHEIGHT, each from 32 to 4096")
    return int(match[1]), int(match[2])


def main() -> int:
    """Run as `python -m training.evaluate evaluate procedural ...` where no `acetate` is set up."""
    parser = argparse.ArgumentParser(prog="acetate")
    register(parser.add_subparsers(required=True))
    args = parser.parse_args()
    try:
        return args.run(args)
    except AcetateError as error:
        sys.stderr.write(f"{error}\n{error.hint}\n")
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
