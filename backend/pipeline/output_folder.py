"""Writes a result as a folder of pictures, whole or not at all; called by the command line."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from backend.pipeline.contact_sheet import contact_sheet
from shared.blobs import Blobs
from shared.errors import AcetateError
from shared.pictures import encode_png
from shared.result import ResultManifest
from shared.shot import to_json

MANIFEST_NAME = "manifest.json"


def write_result(
    manifest: ResultManifest, blobs: Blobs, folder: Path, *, force: bool = False
) -> None:
    """Write `manifest.json`, `composite/`, `layers/<folder>/`, `painted/` and a contact sheet.

    Pictures are named by scene frame (`0001.png`). Everything is written beside `folder` first and
    renamed at the end. Raises `output_exists` where `folder` holds anything and `force` is not
    given, `disk` where there is no room; in both cases nothing was changed.
    """
    check_free(folder, force=force)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-part-"))
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    try:
        _write_all(manifest, blobs, staging)
        staging.chmod(0o755)
        _move_in_place(staging, folder)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def check_free(folder: Path, *, force: bool) -> None:
    """Raise `output_exists` where a result could overwrite something. Cheap: call it first."""
    if folder.is_dir() and (force or not any(folder.iterdir())):
        if force and any(folder.iterdir()) and not (folder / MANIFEST_NAME).is_file():
            raise AcetateError("output_exists", detail="it holds other files than a result")
        return
    if folder.exists():
        raise AcetateError("output_exists", detail=folder.name)


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
    (folder / "contact_sheet.png").write_bytes(encode_png(contact_sheet(manifest, blobs)))
    (folder / MANIFEST_NAME).write_bytes(to_json(manifest))


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
