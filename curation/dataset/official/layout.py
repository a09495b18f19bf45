"""Names and typed contents of LayerAnimate's layout; importer and exporter share them."""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from curation.dataset.official.plain_pickle import read_plain_pickle
from shared.errors import AcetateError

CLIPS, MASKS, SCORES, TRACKS = "clip", "masklet_f48", "masklet_f48_score", "masklet_f48_track_60"
TABLE_NAME = "clips.csv"
UNCOVERED = -1
"""Key of the score of all pixels that no element covers; it has no mask of its own."""

UNCOVERED_NAME = "uncovered"
MAX_ROWS = 5_000_000
_COLUMNS = ("id", "relpath", "text", "fps")
_ID = re.compile(r"[^/\\\0]{1,200}")
_OURS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


class RunLengths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One mask: `size` is height and width, `counts` COCO's compressed runs."""

    size: tuple[int, int]
    counts: bytes


_Kind = TypeVar("_Kind")
Masks = dict[int, dict[int, RunLengths]]
"""Masks by frame of the clip and by element."""


@dataclass(frozen=True)
class OfficialRow:
    """One line of the table. `video`: below `clip/`."""

    clip_id: str
    video: Path
    text: str
    fps: float


def read_table(folder: Path, table: Path) -> list[OfficialRow]:
    """Lines of the CSV file. Raises `not_found`, or `invalid_request` naming line and column."""
    try:
        with table.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))[: MAX_ROWS + 1]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AcetateError("not_found", what=f"table {table.name}", detail=str(error)) from error
    if len(lines) > MAX_ROWS:
        raise _wrong(table, MAX_ROWS, "too many lines")
    return [_row(folder, table, number, line) for number, line in enumerate(lines, 2)]


def _row(folder: Path, table: Path, number: int, line: dict[str, str | None]) -> OfficialRow:
    values = {name: line.get(name) for name in _COLUMNS}
    if any(value is None for value in values.values()):
        raise _wrong(table, number, f"needs {', '.join(_COLUMNS)}")
    clip_id, relpath = str(values["id"]), str(values["relpath"])
    root = (folder / CLIPS).resolve()
    video = (root / relpath).resolve()
    if root not in video.parents or not _ID.fullmatch(clip_id) or clip_id in (".", ".."):
        raise _wrong(table, number, "id or relpath lead out of the folder")
    try:
        fps = float(str(values["fps"]))
    except ValueError as error:
        raise _wrong(table, number, "fps is no number") from error
    return OfficialRow(clip_id, video, str(values["text"]), fps)


def _wrong(table: Path, number: int, why: str) -> AcetateError:
    return AcetateError("invalid_request", where=f"{table.name}, line {number}", detail=why)


def read_masks(folder: Path, clip_id: str) -> Masks:
    """Masks of a clip. Raises `unsafe_pickle`, `clip_damaged` or `not_found`."""
    path = folder / MASKS / f"{clip_id}.pkl"
    return _typed(path, clip_id, Masks)


def read_scores(folder: Path, clip_id: str) -> dict[int, float]:
    """Scores by element, -1 for what is uncovered. Raises as `read_masks`."""
    path = folder / SCORES / f"{clip_id}.pkl"
    return _typed(path, clip_id, dict[int, float])


def _typed(path: Path, clip_id: str, kind: type[_Kind]) -> _Kind:
    plain = read_plain_pickle(path)
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        raise AcetateError(
            "clip_damaged",
            clip=clip_id,
            member=path.name,
            shard=path.parent.name,
            detail=str(error),
        ) from error


def our_id(clip_id: str) -> str:
    """The id as our shards allow it; changed ones carry a hash, so that they stay distinct."""
    if _OURS.fullmatch(clip_id):
        return clip_id
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", clip_id)[:60].lstrip("_-")
    return f"{plain or 'clip'}-{hashlib.sha256(clip_id.encode()).hexdigest()[:12]}"
