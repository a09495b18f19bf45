"""Writes a result as a folder of pictures, whole or not at all; called by the command line."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from backend.pipeline.contact_sheet import contact_sheet
from shared.blobs import Blobs
from shared.errors import AcetateError
from shared.pictures import encode_png
from shared.result import ResultLayer, ResultManifest, check_manifest, result_from_json
from shared.shot import to_json

MANIFEST_NAME = "manifest.json"
_SHEET_NAME = "contact_sheet.png"
_OURS = {MANIFEST_NAME, _SHEET_NAME, "composite", "layers", "painted", "strokes"}


def write_result(
    manifest: ResultManifest, blobs: Blobs, folder: Path, *, force: bool = False
) -> None:
    """Write `manifest.json`, `composite/`, `layers/<folder>/`, `painted/` and a contact sheet.

    Pictures are named by scene frame (`0001.png`), and strokes beside them in `strokes/<folder>/`
    (`0001.npz`). Everything is written beside `folder` first and
    renamed at the end. Raises `output_exists` as `check_free` does, `invalid_request` for a
    manifest that cannot be laid out, `disk` where there is no room; nothing was changed then.
    """
    check_manifest(manifest)
    check_free(folder, force=force)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-part-"))
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    try:
        _write_all(manifest, blobs, staging)
        staging.chmod(0o755)
        # Another run may have finished in the same place meanwhile.
        check_free(folder, force=force)
        _move_in_place(staging, folder)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def check_free(folder: Path, *, force: bool) -> None:
    """Raise `output_exists` where a result could overwrite something, `disk` where none can be.

    Cheap: call it first, the work before the writing may take hours. With `force` an earlier result
    may go, and nothing else: a folder whose manifest cannot be read, or with any other entry beside
    a result's own, stays.
    """
    try:
        names = {path.name for path in folder.iterdir()} if folder.is_dir() else None
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    _check_place(folder)
    if names is None and not folder.exists():
        return
    if names is None or (names and not force):
        raise AcetateError("output_exists", detail=folder.name)
    if names:
        _check_result(folder, names)


def _check_place(folder: Path) -> None:
    """A result is written beside its folder first: what has to let us in is what holds it."""
    place = next((path for path in folder.absolute().parents if path.exists()), folder)
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise AcetateError("disk", detail=f"{place} is no folder that can be written to")


def _check_result(folder: Path, names: set[str]) -> None:
    if others := names - _OURS:
        raise AcetateError(
            "output_exists", detail=f"other files: {', '.join(sorted(others))[:200]}"
        )
    try:
        result_from_json((folder / MANIFEST_NAME).read_bytes())
    except (OSError, AcetateError) as error:
        raise AcetateError("output_exists", detail=f"no result: {error}") from error


def frame_name(frame: int) -> str:
    """File name of a scene frame: four digits at least, a sign for frames below zero."""
    return f"{frame:04d}.png" if frame >= 0 else f"-{-frame:04d}.png"


def _write_all(manifest: ResultManifest, blobs: Blobs, folder: Path) -> None:
    sequences = {"composite": manifest.composite, "painted": manifest.painted}
    sequences |= {f"layers/{layer.folder}": layer.frames for layer in manifest.layers}
    for name, hashes in sequences.items():
        if hashes:
            (folder / name).mkdir(parents=True)
        for frame, sha256 in enumerate(hashes, manifest.start):
            (folder / name / frame_name(frame)).write_bytes(blobs.get(sha256))
    for layer in manifest.layers:
        _write_strokes(manifest, layer, blobs, folder / "strokes" / layer.folder)
    (folder / _SHEET_NAME).write_bytes(encode_png(contact_sheet(manifest, blobs)))
    (folder / MANIFEST_NAME).write_bytes(to_json(manifest))


def _write_strokes(
    manifest: ResultManifest, layer: ResultLayer, blobs: Blobs, folder: Path
) -> None:
    if layer.strokes:
        folder.mkdir(parents=True)
    for frame, sha256 in enumerate(layer.strokes, manifest.start):
        if sha256 is not None:
            (folder / frame_name(frame)).with_suffix(".npz").write_bytes(blobs.get(sha256))


def _move_in_place(staging: Path, folder: Path) -> None:
    """Swap the finished folder in; an older result stays until the new one is there."""
    if not folder.exists():
        staging.rename(folder)
        return
    older = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-old-"))
    folder.rename(older / folder.name)
    try:
        staging.rename(folder)
    except OSError:
        (older / folder.name).rename(folder)
        raise
    finally:
        shutil.rmtree(older, ignore_errors=True)
