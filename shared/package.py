"""The shot package: a request and its blobs as a folder or one zip file, with deterministic bytes.

Layout: `shot.json`, `pictures/<sha256>.png`, `arrays/<sha256>.npz`. The same request gives the
same bytes on every machine, so packages can be compared, cached and mailed.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

from .blobs import Blobs, MemoryBlobs, content_hash, is_content_hash, write_atomically
from .errors import AcetateError
from .pictures import check_size, png_size
from .shot import MAX_JSON_BYTES, ShotRequest, blob_hashes, shot_from_json, to_json
from .strokes import ZIP_METHODS

MAX_MEMBER_BYTES = 256 * 1024 * 1024
MAX_PACKAGE_BYTES = 2 * 1024 * 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_package(request: ShotRequest, blobs: Blobs, target: Path) -> None:
    """Write a package: a zip where `target` ends in .zip, else a folder.

    What an earlier package in that folder held and this one does not is removed, last of all.
    Raises `disk` (nothing half-written stays for a zip) or `not_found` for a missing blob.
    """
    if target.suffix.lower() == ".zip":
        write_atomically(target, pack(request, blobs))
        return
    members = _members(request, blobs)
    for name, data in members:
        write_atomically(target / name, data)
    _drop_others(target, {name for name, _ in members})


def _drop_others(folder: Path, wanted: set[str]) -> None:
    """Exported again and again, a folder would outgrow what is read."""
    for path in (*folder.glob("pictures/*.png"), *folder.glob("arrays/*.npz")):
        name = path.relative_to(folder).as_posix()
        if name in wanted or not is_content_hash(path.stem):
            continue
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise AcetateError("disk", detail=str(error)) from error


def pack(request: ShotRequest, blobs: Blobs) -> bytes:
    """The zip form as bytes; equal requests give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in _members(request, blobs):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3  # the same bytes on every operating system
            archive.writestr(info, data)
    return buffer.getvalue()


def _members(request: ShotRequest, blobs: Blobs) -> list[tuple[str, bytes]]:
    members = [(_member_name(data), data) for data in map(blobs.get, blob_hashes(request))]
    return [*sorted(members), ("shot.json", to_json(request))]


def _member_name(data: bytes) -> str:
    kind = "pictures/{}.png" if data[:8] == b"\x89PNG\r\n\x1a\n" else "arrays/{}.npz"
    return kind.format(content_hash(data))


def read_package(source: Path) -> tuple[ShotRequest, MemoryBlobs]:
    """Read a folder or zip, verify every hash and size, and validate the request.

    Raises `not_found`, `bad_package`, `invalid_request`, `picture_too_large` or `bad_picture`.
    """
    # A pipe or a device would be read for ever.
    if not (source.is_dir() or source.is_file()):
        raise AcetateError("not_found", what=f"shot package {source.name}")
    try:
        files = _read_folder(source) if source.is_dir() else _read_zip(source)
    except (OSError, zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, EOFError) as error:
        raise AcetateError("bad_package", where=source.name, detail=str(error)) from error
    if "shot.json" not in files:
        raise AcetateError("bad_package", where="it holds no shot.json")
    request = shot_from_json(files["shot.json"])
    blobs = MemoryBlobs()
    for name, data in files.items():
        if name != "shot.json":
            _take_member(blobs, name, data)
    for sha256 in blob_hashes(request):
        if not blobs.has(sha256):
            raise AcetateError("bad_package", where=f"picture or array {sha256[:12]} is missing")
    return request, blobs


def _take_member(blobs: MemoryBlobs, name: str, data: bytes) -> None:
    if name != _member_name(data):
        raise AcetateError("bad_package", where=f"{name[:40]} does not match its hash")
    if name.startswith("pictures/"):
        check_size(*png_size(data))
    blobs.put(data)


def _read_folder(source: Path) -> dict[str, bytes]:
    wanted = [source / "shot.json"]
    wanted += sorted((source / "pictures").glob("*.png"))
    wanted += sorted((source / "arrays").glob("*.npz"))
    found = [path for path in wanted if path.is_file() and not path.is_symlink()]
    _check_sizes({path.name: path.stat().st_size for path in found})
    return {path.relative_to(source).as_posix(): path.read_bytes() for path in found}


def _read_zip(source: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(source) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
        if any(info.compress_type not in ZIP_METHODS for info in members):
            raise AcetateError("bad_package", where="it is packed unusually")
        if len({info.filename for info in members}) < len(members):
            raise AcetateError("bad_package", where="it holds a file twice")
        _check_sizes({info.filename: info.file_size for info in members})
        return {info.filename: archive.read(info) for info in members}


def _check_sizes(sizes: dict[str, int]) -> None:
    """Before anything is read: bytes by the names of files."""
    if sum(sizes.values()) > MAX_PACKAGE_BYTES:
        raise AcetateError("bad_package", where="it holds more than 2 GiB")
    for name, size in sizes.items():
        if size > (MAX_JSON_BYTES if name == "shot.json" else MAX_MEMBER_BYTES):
            raise AcetateError("bad_package", where=f"{name[:40]} is too large")
