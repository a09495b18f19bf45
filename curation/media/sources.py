"""Finds footage: videos, animated pictures and numbered picture folders, each named by content."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shared.errors import AcetateError

VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif")
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_NUMBERED = re.compile(r"\d+$")
_READ_BYTES = 1 << 20

Kind = Literal["video", "pictures"]


@dataclass(frozen=True)
class Source:
    """One piece of footage. `source_id`: SHA-256 of the file, or of a folder's names and files."""

    path: Path
    kind: Kind
    source_id: str


def find_sources(paths: Iterable[Path], but: Path | None = None) -> list[Source]:
    """All footage at and below these paths, by name; what is there twice comes once.

    Nothing below `but` is footage: a set may lie among its sources.

    A folder with at least two numbered pictures and no video is one piece of footage. Raises
    `not_found` for a path that does not exist, or where nothing at all is footage.
    """
    found: dict[str, Source] = {}
    for path in paths:
        if not path.exists():
            raise AcetateError("not_found", what=f"footage {path.name}")
        for source in _below(path, but):
            found.setdefault(source.source_id, source)
    if not found:
        raise AcetateError("not_found", what="footage", detail=f"known: {' '.join(VIDEOS)}")
    return sorted(found.values(), key=lambda source: (source.path.name, source.source_id))


def _below(path: Path, but: Path | None) -> Iterable[Source]:
    if path == but:
        return
    if path.is_file():
        if path.suffix.lower() in VIDEOS:
            yield Source(path, "video", _file_hash(path))
        return
    children = sorted(path.iterdir())
    videos = [child for child in children if child.suffix.lower() in VIDEOS]
    if not videos and numbered_pictures(path):
        yield Source(path, "pictures", _folder_hash(path))
    for child in children:
        if child.is_dir() or child in videos:
            yield from _below(child, but)


def numbered_pictures(folder: Path) -> list[Path]:
    """Pictures of a folder whose names end in a number, in that number's order; one is none."""
    numbered = [
        (int(match.group()), path)
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURES and (match := _NUMBERED.search(path.stem))
    ]
    return [path for _, path in sorted(numbered)] if len(numbered) > 1 else []


def _file_hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _folder_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in numbered_pictures(folder):
        digest.update(f"{path.name} {_file_hash(path)}\n".encode())
    return digest.hexdigest()
