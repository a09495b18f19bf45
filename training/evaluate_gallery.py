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

SCHEMA = "acetate.evaluation-gallery/1"
SHEET_BYTES = 250 * 1024


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
    """Measure, write sheets and page, print the document or the table. Raises `usage`, `size`."""
    import msgspec

    from training.gallery.page import html_page, text_table, words

    shots, (width, height) = _chosen(args.shots), args.size
    scores = _measure_all(shots, width, height, args.out, args.jobs)
    if args.out is not None:
        by_name = {score.name: score for score in scores}
        page = html_page(shots, by_name, (width, height), words())
        (args.out / "index.html").write_text(page, "utf-8")
    if args.json:
        from training.gallery.verdict import misses

        rows = [{**msgspec.to_builtins(score), "misses": misses(score)} for score in scores]
        document = {
            "schema": SCHEMA,
            "set": "gallery",
            "width": width,
            "height": height,
            "shots": rows,
        }
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        sys.stdout.write(text_table(scores, (width, height)) + "\n")
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
    shots: list[GalleryShot], width: int, height: int, out: Path | None, jobs: int
) -> list[ShotScores]:
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    names, count = [shot.name for shot in shots], len(shots)
    if jobs == 1:
        return [measure_one(name, width, height, out) for name in names]
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the processes started below
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        work = pool.map(measure_one, names, [width] * count, [height] * count, [out] * count)
        return list(work)


def measure_one(name: str, width: int, height: int, out: Path | None) -> ShotScores:
    """Scores of one shot by name; its sheet goes into `out` where given."""
    from training.gallery.measure import measure_shot
    from training.gallery.sheet import as_jpeg, contact_sheet

    measured = measure_shot(_chosen(name)[0], width, height)
    if out is not None:
        (out / f"{name}.jpg").write_bytes(as_jpeg(contact_sheet(measured), SHEET_BYTES))
    return measured.scores
