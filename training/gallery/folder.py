"""The gallery's folder: sheets, `scores.json`, `index.html` and `README.md`, shot by shot.

Called by the evaluation after every shot, so that a long run may be stopped and taken up again.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from shared.blobs import write_atomically
from shared.errors import AcetateError
from training.gallery.measure import Measured, ShotScores
from training.gallery.page import html_page, markdown_page, words
from training.gallery.sheet import as_jpeg, contact_sheet
from training.gallery.shots import all_shots
from training.gallery.verdict import misses

SCHEMA = "acetate.evaluation-gallery/1"
SHEET_BYTES = 250 * 1024


class Judged(msgspec.Struct, frozen=True):
    """One shot's scores, and in words what they miss."""

    scores: ShotScores
    misses: list[str]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The document of `acetate evaluate gallery --json` and of `scores.json`."""

    schema: str = SCHEMA
    set: str = "gallery"
    width: int
    height: int
    shots: list[Judged]


def document(scores: list[ShotScores], size: tuple[int, int]) -> Document:
    """Scores with their verdicts."""
    shots = [Judged(score, misses(score)) for score in scores]
    return Document(width=size[0], height=size[1], shots=shots)


def store_sheet(out: Path, measured: Measured) -> None:
    """Write one shot's contact sheet. Raises `disk`."""
    sheet = as_jpeg(contact_sheet(measured), SHEET_BYTES)
    write_atomically(out / f"{measured.scores.name}.jpg", sheet)


def store_scores(out: Path, score: ShotScores, size: tuple[int, int]) -> None:
    """Add a shot to the folder's figures and pages.

    Shots that were measured before at the same size stay. Raises `disk`, or `bad_package` where
    `scores.json` is no such document.
    """
    known = {one.scores.name: one.scores for one in _stored(out, size)}
    known[score.name] = score
    shots = [shot for shot in all_shots() if shot.name in known]
    ordered = document([known[shot.name] for shot in shots], size)
    data = msgspec.json.format(msgspec.json.encode(ordered), indent=1)
    write_atomically(out / "scores.json", data + b"\n")
    seen = words()
    write_atomically(out / "index.html", html_page(shots, known, size, seen).encode())
    write_atomically(out / "README.md", markdown_page(shots, known, size, seen).encode())


def _stored(out: Path, size: tuple[int, int]) -> list[Judged]:
    path = out / "scores.json"
    if not path.is_file():
        return []
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Document)
    except msgspec.DecodeError as error:
        raise AcetateError("bad_package", where=path.name, detail=str(error)) from error
    return found.shots if (found.width, found.height) == size else []
