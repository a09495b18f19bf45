"""What the open file itself keeps of jobs and takes, read and written for the session alone."""

from __future__ import annotations

import json
from pathlib import Path

import bpy

from . import preferences
from .link import jobs
from .link.jobs import JobView
from .properties import shot_of
from .shared.errors import AcetateError
from .takes import library
from .takes.images import display_path


def scene_of(session_uid: int) -> bpy.types.Scene | None:
    """The scene with this `session_uid`, under whatever name; None once it was removed."""
    return next((one for one in bpy.data.scenes if one.session_uid == session_uid), None)


def add_take(scene: bpy.types.Scene, take: library.TakeRow) -> None:
    """Mirror a finished take into the scene's list, newest first."""
    rows = shot_of(scene).take_list
    notes = "\n".join(take.warnings)
    if take.id in rows:
        if rows[take.id].notes != notes:
            rows[take.id].notes = notes
        return
    row = rows.add()
    row.name = take.id
    row.number = take.note.number
    row.seed = take.seed
    row.engine = take.engine
    row.start, row.end = take.start, take.end
    row.layers = take.layers
    row.folder = display_path(take.folder)
    row.notes = notes
    numbers = [other.number for other in rows[:-1]]
    rows.move(len(rows) - 1, sum(number > take.note.number for number in numbers))
    shot_of(scene).take_index = 0


def drop_takes(scene: bpy.types.Scene, discarded: set[Path]) -> None:
    """Take rows off the list whose folders were discarded and are not there."""
    rows = shot_of(scene).take_list
    for index in reversed(range(len(rows))):
        folder = Path(bpy.path.abspath(rows[index].folder))
        if folder in discarded and not library.is_finished(folder):
            rows.remove(index)


def see_takes_from(blend_file: str, before: str) -> None:
    """Name the listed folders as seen from one .blend instead of another; both are paths.

    Blender does so for its own data where a file is saved in another folder, and not for
    properties of extensions: the takes would be looked for beside the new file.
    """
    here, there = Path(before).parent, Path(blend_file).parent
    if not blend_file or not before or here == there:
        return
    for scene in bpy.data.scenes:
        rows = shot_of(scene).take_list if scene.library is None else ()
        for row in rows:
            if row.folder.startswith("//"):
                folder = Path(bpy.path.abspath(row.folder, start=str(here)))
                row.folder = display_path(folder, there)


def read_records(text: str) -> list[JobView]:
    """The jobs that a scene remembers; damaged text counts as none."""
    try:
        records = json.loads(text) if text else []
    except ValueError:
        return []
    found = [jobs.from_record(record) for record in records] if isinstance(records, list) else []
    return [view for view in found if view is not None]


def existing_root() -> Path | None:
    """The takes folder of the open file, or None where it has no place."""
    try:
        return library.takes_root(bpy.data.filepath, preferences.read().temporary_folder())
    except AcetateError:
        return None


def file_name() -> str:
    """Name of the open .blend without its folder, empty for an unsaved one."""
    # A name of this system need not be text; in notes and orders it is.
    name = Path(bpy.data.filepath).name if bpy.data.filepath else ""
    return name.encode(errors="backslashreplace").decode()
