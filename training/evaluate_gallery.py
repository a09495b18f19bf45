"""`acetate evaluate gallery`: the drawn shots against their truth, with sheets and a page.

Joins `evaluate` as one of its sets; heavy imports wait until the command runs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import AcetateError

if TYPE_CHECKING:
    from training.gallery.measure import ShotScores
    from training.gallery.shot import GalleryShot


def add_gallery(
    sets: argparse._SubParsersAction[argparse.ArgumentParser],
    size: Callable[[str], tuple[int, int]],
) -> None:
    """Add the set `gallery` to `evaluate`; `size` reads WIDTHxHEIGHT."""
    parser = sets.add_parser("gallery", help="drawn shots whose truth was keyed frame by frame")
    parser.add_argument("--shots", default="", help="names, separated by commas; else all")
    parser.add_argument("--size", type=size, default=(1920, 1080), metavar="WxH")
    parser.add_argument("--out", type=Path, help="folder for contact sheets and index.html")
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=1)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, write sheets and pages, print the document or the table.

    Raises `usage`, `size`, `disk` and what generating raises.
    """
    from training.gallery.folder import document
    from training.gallery.page import text_table

    scores = _measure_all(_chosen(args.shots), args.size, args.out, args.jobs)
    if args.json:
        import msgspec

        encoded = msgspec.json.encode(document(scores, args.size))
        sys.stdout.write(encoded.decode() + "\n")
    else:
        sys.stdout.write(text_table(scores, args.size) + "\n")
    return 0


def _chosen(names: str) -> list[GalleryShot]:
    from training.gallery.shots import all_shots

    known = {shot.name: shot for shot in all_shots()}
    wanted = [name.strip() for name in names.split(",") if name.strip()] or list(known)
    for name in wanted:
        if name not in known:
            raise AcetateError("usage", where=f"no shot {name[:30]}", detail=", ".join(known))
    return [known[name] for name in wanted]


def _measure_all(
    shots: list[GalleryShot], size: tuple[int, int], out: Path | None, jobs: int
) -> list[ShotScores]:
    names, count = [shot.name for shot in shots], len(shots)
    if jobs == 1:
        return [_kept(measure_one(name, size, out), size, out) for name in names]
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the processes started below
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        work = pool.map(measure_one, names, [size] * count, [out] * count)
        return [_kept(score, size, out) for score in work]


def _kept(score: ShotScores, size: tuple[int, int], out: Path | None) -> ShotScores:
    """Write down each shot as it comes: a long run that is stopped loses only the last ones."""
    from training.gallery.folder import store_scores

    if out is not None:
        store_scores(out, score, size)
    if sys.stderr.isatty():
        sys.stderr.write(f"{score.name} measured\n")
    return score


def measure_one(name: str, size: tuple[int, int], out: Path | None) -> ShotScores:
    """Scores of one shot by name; its sheet goes into `out` where given."""
    from training.gallery.folder import store_sheet
    from training.gallery.measure import measure_shot

    measured = measure_shot(_chosen(name)[0], *size)
    if out is not None:
        store_sheet(out, measured)
    return measured.scores
