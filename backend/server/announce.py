"""How a server tells this computer's clients where it is, and keeps rivals off; used by `serve`.

Counterpart of `shared.local_server`, which says what the files hold.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from shared.blobs import write_atomically
from shared.errors import AcetateError
from shared.local_server import address_port, is_alive, read_announcement


@dataclass(frozen=True)
class Announcement:
    """A published address and secret, until `withdraw`."""

    place: Path
    secret: str

    def withdraw(self) -> None:
        """Remove the files, unless another server has replaced them since."""
        found = read_announcement(self.place)
        if found is not None and found.pid == os.getpid():
            (self.place / "server.json").unlink(missing_ok=True)
            (self.place / "secret").unlink(missing_ok=True)


def announce(address: str, version: str, folder: Path) -> Announcement:
    """Write a new secret and then `server.json`.

    Where another living server has announced itself in `folder`, the folder `port-PORT` in it is
    used. Raises `usage` for a folder that belongs to somebody else, or `disk`.
    """
    other = read_announcement(folder)
    taken = other is not None and other.address != address and is_alive(other.pid)
    place = folder / f"port-{address_port(address)}" if taken else folder
    secret = secrets.token_hex(32)
    try:
        _private_folder(folder)
        _private_folder(place)
        _write_private(place / "secret", secret)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    document = {"address": address, "pid": os.getpid(), "version": version}
    write_atomically(place / "server.json", msgspec.json.encode(document))
    return Announcement(place, secret)


def lock_data_dir(data_dir: Path) -> IO[bytes]:
    """Hold the data folder for this process as long as the returned file is open.

    Raises `data_busy` where another server has it, `disk` where it cannot be written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / "lock").open("ab")
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    try:
        _lock(file)
    except OSError as error:
        file.close()
        raise AcetateError("data_busy", detail=str(data_dir)) from error
    return file


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform == "win32":
        return
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
        raise AcetateError("usage", where=f"{folder} belongs to somebody else")
    folder.chmod(0o700)


def _write_private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as target:
        target.write(text + "\n")
