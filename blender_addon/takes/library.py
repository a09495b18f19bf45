"""Takes on disk, such as `//takes/take_003/`: names, notes, results; for link and operators.

Layout of a take: `note.json` (whose job it is), `request.json`, `.outgoing/` while its shot may
have to be sent, `preview.png`, then the result:
`layers/<folder>/####.png`, `strokes/<folder>/####.npz` where strokes show a layer,
`composite/####.png` and, written last, `manifest.json`. A take without
a manifest is not finished and never looks finished. No Blender in here.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from ..shared.blobs import Blobs, write_atomically
from ..shared.errors import AcetateError
from ..shared.result import ResultLayer, ResultManifest, check_manifest, result_from_json
from ..shared.shot import to_json

PREFIX = "take_"
MANIFEST = "manifest.json"
REQUEST = "request.json"
NOTE = "note.json"
PREVIEW = "preview.png"
_MAX_NOTE_BYTES = 64 * 1024
_MAX_WARNINGS = 64
_MAX_TEXT = 1000
_LAST_NUMBER = 9999


# Notes are somebody's files: what they hold must fit the records that travel to the link and back.
LARGEST = 2**63 - 1
Whole = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]


@dataclass(frozen=True)
class TakeNote:
    """Whose take this is: enough to take its job up again after a crash of Blender.

    `file` and `scene` name the .blend (without folder) and the scene that asked for it.
    """

    key: str
    number: Whole
    seed: Whole = 0
    job: str = ""
    file: str = ""
    scene: str = ""


@dataclass(frozen=True)
class Take:
    """A finished take on disk: its folder, its note and its manifest."""

    folder: Path
    note: TakeNote
    manifest: ResultManifest

    @property
    def id(self) -> str:
        """Name of its folder."""
        return self.folder.name

    @property
    def title(self) -> str:
        """What the artist reads: `Take 003`."""
        return f"Take {self.note.number:03d}"

    def layer_files(self, folder: str) -> list[Path]:
        """The files of one layer in frame order, first scene frame first."""
        return frame_files(self.folder / "layers" / folder, self.manifest)

    def stroke_files(self, folder: str) -> list[Path]:
        """The stroke files of one layer in frame order; those of frames without strokes are not."""
        return _stroke_files(self.folder, folder, self.manifest)


@dataclass(frozen=True)
class TakeRow:
    """What a list shows of a finished take: small, whatever the manifest holds.

    `start` and `end` are scene frames, `layers` their count; texts are cut to a sane length.
    """

    folder: Path
    note: TakeNote
    seed: int
    engine: str
    start: int
    end: int
    layers: int
    warnings: tuple[str, ...]

    @property
    def id(self) -> str:
        """Name of its folder."""
        return self.folder.name


def row_of(take: Take) -> TakeRow:
    """The row of a take."""
    manifest = take.manifest
    return TakeRow(
        folder=take.folder,
        note=take.note,
        seed=min(max(manifest.seed, 0), LARGEST),
        engine=manifest.engine[:_MAX_TEXT],
        start=manifest.start,
        end=manifest.end,
        layers=len(manifest.layers),
        warnings=tuple(text[:_MAX_TEXT] for text in manifest.warnings[:_MAX_WARNINGS]),
    )


def takes_root(blend_file: str, temporary: Path | None) -> Path:
    """Where the takes of a file go: `takes` beside it, else in `temporary`.

    Raises `unsaved` for a file without a place where no temporary folder is allowed.
    """
    if blend_file:
        return Path(blend_file).parent / "takes"
    if temporary is None:
        raise AcetateError("unsaved")
    return temporary / "takes"


def reserve(root: Path) -> tuple[int, Path]:
    """Make the folder of the next take and return its number. Raises `disk`."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        number = 1 + max((_number(path) for path in root.iterdir()), default=0)
        while number <= _LAST_NUMBER:
            folder = root / f"{PREFIX}{number:03d}"
            # Another Blender may be making the same folder at this moment.
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                return number, folder
            number += 1
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    raise AcetateError("disk", detail=f"{root.name} holds {_LAST_NUMBER} takes")


def _number(path: Path) -> int:
    digits = path.name.removeprefix(PREFIX)
    return int(digits) if path.name.startswith(PREFIX) and digits.isdecimal() else 0


def is_take(name: str) -> bool:
    """Whether a folder's name is one that `reserve` gives; nothing else may be written into."""
    return _number(Path(name)) > 0 and Path(name).name == name


def write_note(folder: Path, note: TakeNote) -> None:
    """Keep the note. Raises `disk`."""
    write_atomically(folder / NOTE, json.dumps(asdict(note), sort_keys=True).encode())


def read_note(folder: Path) -> TakeNote | None:
    """The note of a take, or None where there is none that can be read."""
    try:
        if (folder / NOTE).stat().st_size > _MAX_NOTE_BYTES:
            return None
        return msgspec.json.decode((folder / NOTE).read_bytes(), type=TakeNote)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None


def is_finished(folder: Path) -> bool:
    """Whether the whole result is there."""
    return (folder / MANIFEST).is_file()


def read_take(folder: Path) -> Take:
    """Read a finished take. Raises `take_missing` or `import`."""
    note = read_note(folder)
    if note is None or not is_finished(folder):
        raise AcetateError("take_missing", take=folder.name, detail=str(folder))
    try:
        manifest = result_from_json((folder / MANIFEST).read_bytes())
    except (OSError, AcetateError) as error:
        raise AcetateError(
            "import", where=f"{folder.name}/{MANIFEST}", detail=str(error)
        ) from error
    return Take(folder=folder, note=note, manifest=manifest)


def survey(root: Path, file: str, scene: str) -> tuple[list[Take], list[TakeNote]]:
    """Finished takes of one scene, oldest first, and the notes of those that are not finished.

    Folders that cannot be read are left out: they are somebody's files, not ours to judge.
    """
    finished: list[Take] = []
    open_notes: list[TakeNote] = []
    folders = sorted(root.glob(f"{PREFIX}*"), key=_number) if root.is_dir() else []
    for folder in folders:
        note = read_note(folder)
        if note is None or (note.file, note.scene) != (file, scene):
            continue
        if not is_finished(folder):
            open_notes.append(note)
            continue
        with contextlib.suppress(AcetateError):  # a damaged manifest: see the docstring
            finished.append(read_take(folder))
    return finished, open_notes


def first_number(manifest: ResultManifest) -> int:
    """The number in the name of the first file: its scene frame, or 0 before frame zero."""
    return max(manifest.start, 0)


def frame_files(folder: Path, manifest: ResultManifest) -> list[Path]:
    """Names of the files of one sequence, in frame order."""
    first = first_number(manifest)
    count = manifest.end - manifest.start + 1
    return [folder / f"{number:04d}.png" for number in range(first, first + count)]


def write_result(folder: Path, manifest: ResultManifest, blobs: Blobs) -> None:
    """Lay out a result as image sequences, the manifest last.

    Raises `import` for a manifest that cannot be, `disk` or `not_found`; the sequences written so
    far are removed then, so that nothing half-written stays.
    """
    try:
        check_manifest(manifest)
    except AcetateError as error:
        where = str(error.values.get("where", ""))
        raise AcetateError("import", where=where, detail=str(error)) from error
    sequences = {"composite": manifest.composite}
    sequences |= {f"layers/{layer.folder}": layer.frames for layer in manifest.layers}
    try:
        for name, hashes in sequences.items():
            _write_sequence(folder / name, hashes, manifest, blobs)
        for layer in manifest.layers:
            _write_strokes(folder, layer, manifest, blobs)
        write_atomically(folder / MANIFEST, to_json(manifest))
    except (OSError, AcetateError) as error:
        for name in ("layers", "composite", "strokes"):
            shutil.rmtree(folder / name, ignore_errors=True)
        if isinstance(error, AcetateError):
            raise
        raise AcetateError("disk", detail=str(error)) from error


def _write_sequence(
    folder: Path, hashes: tuple[str, ...], manifest: ResultManifest, blobs: Blobs
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path, sha256 in zip(frame_files(folder, manifest), hashes, strict=True):
        path.write_bytes(blobs.get(sha256))


def _stroke_files(take: Path, folder: str, manifest: ResultManifest) -> list[Path]:
    files = frame_files(take / "strokes" / folder, manifest)
    return [file.with_suffix(".npz") for file in files]


def _write_strokes(take: Path, layer: ResultLayer, manifest: ResultManifest, blobs: Blobs) -> None:
    files = _stroke_files(take, layer.folder, manifest)
    for file, sha256 in zip(files, layer.strokes or [None] * len(files), strict=True):
        if sha256 is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(blobs.get(sha256))


def discard(folder: Path) -> None:
    """Delete a take. Raises `usage` for a folder that is no take of ours, `disk` on failure."""
    if not _number(folder) or read_note(folder) is None:
        raise AcetateError("usage", where=f"{folder.name} is not a take")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
