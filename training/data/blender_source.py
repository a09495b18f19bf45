"""Blender files as a source of training clips: exported by the extension, then read as shots.

Called by `acetate clips make` and by tests. Every drawing of a Grease Pencil layer is a key;
layers that the camera, a modifier or an animated object moves are exported frame by frame.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from backend.cli.export import export_scene

Quality = Literal["exact", "fast"]
SUFFIX = ".blend"


def export_blends(
    files: Sequence[Path],
    folder: Path,
    *,
    blender: Path | None = None,
    quality: Quality = "fast",
    told: Callable[[Path, list[str]], None] | None = None,
) -> dict[Path, Path]:
    """Export every .blend file of a list into `folder`; other files stay as they are.

    Gives the shot package of each file and the file it came from, in the order of the list. A
    package that is there already for the same bytes is not made again. `quality` "exact" has
    Blender draw every picture, "fast" only those whose strokes do not tell all. `told` hears of
    every export and its warnings. Raises what `acetate export` raises.
    """
    packages: dict[Path, Path] = {}
    for file in files:
        if file.suffix.lower() != SUFFIX:
            packages[file] = file
            continue
        package = folder / f"{file.stem}-{_hash(file)[:12]}-{quality}.zip"
        warnings: list[str] = []
        if not package.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            report = export_scene(
                file,
                package,
                whole_scene=True,
                every_frame=True,
                quality=quality,
                blender=blender,
            )
            warnings = [warning["text"] for warning in report["warnings"]]
        packages[package] = file
        if told is not None:
            told(file, warnings)
    return packages


def _hash(file: Path) -> str:
    """SHA-256 of a file; that of nothing where it is not there, which the export then tells."""
    return hashlib.sha256(file.read_bytes() if file.is_file() else b"").hexdigest()
