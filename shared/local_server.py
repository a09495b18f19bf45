"""Where this computer's own server announces itself, and the form of addresses; for both sides.

A run directory holds `server.json` (address, pid, version) and `secret` (readable by its owner
only, new at each start). A second server on the same machine uses the folder `port-PORT` in it.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
import sys
import tempfile
from pathlib import Path

import msgspec

from .errors import AcetateError

DEFAULT_PORT = 5577
DEFAULT_ADDRESS = f"tcp://127.0.0.1:{DEFAULT_PORT}"
_ADDRESS = re.compile(r"(?:tcp://)?(?:(?P<host>\[[0-9a-fA-F:]+\]|[^:/\[\]]+):)?(?P<port>\d{1,5})")


class LocalServer(msgspec.Struct, frozen=True, kw_only=True):
    """The announcement of a running server."""

    address: str
    pid: int
    version: str = ""
    secret_file: Path = Path()


class _Announcement(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    pid: int
    version: str = ""


def normal_address(text: str) -> str:
    """`5577`, `localhost:5577` or `tcp://127.0.0.1:5577` as `tcp://HOST:PORT`.

    Raises `not_loopback` for a host outside this computer, `usage` for no address at all.
    """
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or int(match["port"]) > 65_535:
        raise AcetateError("usage", where=f"not an address: {text[:60]}")
    host = (match["host"] or "127.0.0.1").strip("[]")
    host = "127.0.0.1" if host == "localhost" else host
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise AcetateError("not_loopback", detail=f"{host} is not this computer")
    return f"tcp://[{host}]:{match['port']}" if ":" in host else f"tcp://{host}:{match['port']}"


def address_port(address: str) -> int:
    """The port of a normal address."""
    return int(address.rsplit(":", 1)[1])


def run_dir() -> Path:
    """The run directory: `ACETATE_RUN_DIR`, else the user's runtime folder, else a temporary one.

    It may not exist yet.
    """
    if chosen := os.environ.get("ACETATE_RUN_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", tempfile.gettempdir())) / "acetate" / "run"
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / "acetate"
    return Path(tempfile.gettempdir()) / f"acetate-{os.getuid()}"


def find_local_server(address: str | None = None, folder: Path | None = None) -> LocalServer | None:
    """The server that runs on this computer (at `address`, where given), or None.

    `folder` replaces the default run directory. Announcements of dead processes, and those in a
    folder of another user, are ignored.
    """
    base = folder or run_dir()
    if not _is_ours(base):
        return None
    places = [base]
    if address is not None:
        places.append(base / f"port-{address_port(address)}")
    for place in places:
        found = read_announcement(place)
        if found and is_alive(found.pid) and address in (None, found.address):
            return found
    return None


def read_announcement(place: Path) -> LocalServer | None:
    """What `server.json` in `place` says, or None where it is absent, unreadable or not ours."""
    if not _is_ours(place):
        return None
    try:
        data = msgspec.json.decode((place / "server.json").read_bytes(), type=_Announcement)
        address = normal_address(data.address)
    except (OSError, msgspec.DecodeError, AcetateError):
        return None
    return LocalServer(
        address=address, pid=data.pid, version=data.version, secret_file=place / "secret"
    )


def _is_ours(place: Path) -> bool:
    """Whether `place` is a folder of this user's own, and no link.

    The fallback run directory has a name that anybody could have taken first: whoever answers
    there would be given shots, and its secret believed.
    """
    if sys.platform == "win32":
        return True
    try:
        about = place.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid()


def is_alive(pid: int) -> bool:
    """Whether a process with that id exists; on Windows, where asking is unsafe, always True."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return bool(fields) and fields[0] == "Z"


def read_secret(secret_file: Path) -> str:
    """The secret in a file. Raises `auth` where it cannot be read."""
    try:
        return secret_file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AcetateError("auth", detail=f"{secret_file}: {error}") from error
