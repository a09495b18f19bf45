"""Finished units on disk: `work/{stage}/{id[:2]}/{id}.npz` with `.done.json` beside it.

A unit counts only with its `.done.json`, which is written last and names key and content. After
`spec/curation.md` 4.1 and 4.5.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import msgspec
import numpy as np

from curation.run.stage import Facts, Product
from shared.blobs import content_hash, write_atomically
from shared.errors import AcetateError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LIMIT_BYTES = 4 << 30


class DoneNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in `.done.json`. `sha256`: of the arrays' file, empty without arrays.

    `refused`: reason code where the stage refused the clip, else empty.
    """

    key: str
    sha256: str
    facts: Facts
    refused: str = ""
    detail: str = ""


class WorkStore:
    """The work folder of a run; several processes and machines may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def note(self, stage: str, clip_id: str, key: str) -> DoneNote | None:
        """The note of a unit that is finished under this key; None where there is none.

        A note that cannot be read, or one whose arrays are missing, is as good as none: the unit is
        made again.
        """
        try:
            note = msgspec.json.decode(self._done(stage, clip_id).read_bytes(), type=DoneNote)
        except (OSError, msgspec.DecodeError):
            return None
        if note.key != key or (note.sha256 and not self._arrays(stage, clip_id).is_file()):
            return None
        return note

    def put(self, stage: str, clip_id: str, key: str, product: Product) -> DoneNote:
        """Keep a unit, arrays first. Raises `disk`."""
        sha256 = ""
        self._done(stage, clip_id).unlink(missing_ok=True)  # never new arrays under an old note
        if product.arrays:
            data = packed_arrays(product)
            sha256 = content_hash(data)
            write_atomically(self._arrays(stage, clip_id), data)
        note = DoneNote(key, sha256, product.facts)
        self._write_note(stage, clip_id, note)
        return note

    def refuse(self, stage: str, clip_id: str, key: str, reason: str, detail: str) -> DoneNote:
        """Keep a refusal: it too is a result that need not be found out again."""
        note = DoneNote(key, "", {}, refused=reason, detail=detail)
        self._write_note(stage, clip_id, note)
        return note

    def product(self, stage: str, clip_id: str, note: DoneNote) -> Product:
        """A finished unit's arrays and facts. Raises `damaged_unit` where its content changed."""
        if not note.sha256:
            return Product({}, note.facts)
        path = self._arrays(stage, clip_id)
        try:
            if path.stat().st_size > _LIMIT_BYTES:
                raise AcetateError("damaged_unit", stage=stage, clip=clip_id, detail="too large")
            data = path.read_bytes()
        except OSError as error:
            raise AcetateError(
                "damaged_unit", stage=stage, clip=clip_id, detail=str(error)
            ) from error
        if content_hash(data) != note.sha256:
            raise AcetateError("damaged_unit", stage=stage, clip=clip_id, detail="other content")
        return Product(unpacked_arrays(data), note.facts)

    def drop(self, stage: str, clip_id: str) -> None:
        """Forget a unit; nothing happens where there is none."""
        for path in (self._done(stage, clip_id), self._arrays(stage, clip_id)):
            path.unlink(missing_ok=True)

    def _arrays(self, stage: str, clip_id: str) -> Path:
        return self._unit(stage, clip_id).with_suffix(".npz")

    def _done(self, stage: str, clip_id: str) -> Path:
        return self._unit(stage, clip_id).with_suffix(".done.json")

    def _unit(self, stage: str, clip_id: str) -> Path:
        for name in (stage, clip_id):
            if not _NAME.fullmatch(name) or "." in name:
                raise AcetateError("usage", where=f"{name!r} is no name of a stage or clip")
        return self.folder / stage / clip_id[:2] / f"{clip_id}.unit"

    def _write_note(self, stage: str, clip_id: str, note: DoneNote) -> None:
        data = msgspec.json.format(msgspec.json.encode(note, order="sorted"), indent=1)
        write_atomically(self._done(stage, clip_id), data)


def packed_arrays(product: Product) -> bytes:
    """The arrays as the bytes of a compressed npz; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    arrays = {name: product.arrays[name] for name in sorted(product.arrays)}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpacked_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Arrays of an npz. Raises ValueError for anything else; objects are never loaded."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, EOFError, KeyError) as error:
        raise ValueError(f"no npz: {error}") from error
