"""Loads sequences of a take as images (sRGB, straight alpha, exact frames) for its placing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from ..shared.errors import AcetateError
from .library import Take, first_number


@dataclass(frozen=True)
class Timing:
    """Where a sequence lies: scene frames and the number in its first file's name."""

    start: int
    frames: int
    first_number: int

    @property
    def end(self) -> int:
        """Last scene frame."""
        return self.start + self.frames - 1

    @property
    def offset(self) -> int:
        """Blender's frame offset: file number = 1 + offset at the first frame."""
        return self.first_number - 1


def timing_of(take: Take) -> Timing:
    """Timing of every sequence of a take."""
    manifest = take.manifest
    return Timing(manifest.start, manifest.end - manifest.start + 1, first_number(manifest))


def display_path(file: Path, home: Path | None = None) -> str:
    """Relative to the .blend where it has a place, so that the project folder can move.

    `home` is a folder to be relative to instead.
    """
    if home is None and not bpy.data.filepath:
        return str(file)
    try:
        return bpy.path.relpath(str(file), start=None if home is None else str(home))
    except ValueError:  # Windows: the file lies on another drive
        return str(file)


def load_sequence(take: Take, folder: str, name: str) -> bpy.types.Image:
    """A new image data-block for one layer's sequence. Raises `import` where a file is missing."""
    files = take.layer_files(folder)
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise AcetateError("import", where=f"{folder}/{missing[0]} is missing")
    image = bpy.data.images.load(display_path(files[0]), check_existing=False)
    image.name = name
    if len(files) > 1:
        image.source = "SEQUENCE"
        # Naming the file again makes the viewport look for it anew, as a sequence.
        image.filepath = display_path(files[0])
    image.colorspace_settings.name = "sRGB"
    image.alpha_mode = "STRAIGHT"
    return image


def set_timing(user: bpy.types.ImageUser | bpy.types.Node, timing: Timing) -> None:
    """Set an image user (or an image node, which has the same properties) to a take's frames."""
    user.frame_start = timing.start
    user.frame_duration = timing.frames
    user.frame_offset = timing.offset
    user.use_cyclic = False
    user.use_auto_refresh = True
