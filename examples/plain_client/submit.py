"""A client without Acetate's code, on pyzmq and msgpack alone: a pattern for other languages.

Usage: python submit.py SHOT_FOLDER OUT_FOLDER. Sends a shot package (a folder with `shot.json`,
`pictures/` and `arrays/`), waits for it, and writes the result's blobs and manifest.
The messages are described in `shared/messages.py`, the envelope in `shared/wire.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

import msgpack
import zmq

CHUNK_BYTES = 1024 * 1024
TIMEOUT_MS = 30_000


class Server:
    """One request at a time; an error answer ends the program with its text."""

    def __init__(self, address: str) -> None:
        self._number = 0
        self._socket = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._socket.connect(address)

    def ask(self, kind: str, *parts: bytes, **fields: object) -> tuple[dict[str, Any], list[bytes]]:
        """Send a request of type `kind`; returns the answer's map and its raw frames."""
        self._number += 1
        header = {"t": kind, "id": self._number, "blobs": [len(part) for part in parts], **fields}
        self._socket.send_multipart([b"ACE1", packed(header), *parts])
        if not self._socket.poll(TIMEOUT_MS):
            sys.exit("no answer")
        _, answer, *raw = self._socket.recv_multipart()
        message = msgpack.unpackb(answer)
        if message["t"] == "error":
            error = message["error"]
            sys.exit(f"{error['code']} {error['text']} - {error['hint']}")
        return message, raw


def packed(value: object) -> bytes:
    """The msgpack form of plain values."""
    return msgpack.packb(value) or b""


def find_server() -> tuple[str, str]:
    """Address and secret of this computer's server, from its run folder."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    usual = f"{runtime}/acetate" if runtime else f"{tempfile.gettempdir()}/acetate-{os.getuid()}"
    folder = Path(os.environ.get("ACETATE_RUN_DIR", usual))
    address = json.loads((folder / "server.json").read_text())["address"]
    return address, (folder / "secret").read_text().strip()


def upload(server: Server, package: Path) -> None:
    """Send the pictures and arrays that the server lacks, each from where it left off."""
    files = [*package.glob("pictures/*.png"), *package.glob("arrays/*.npz")]
    data = {hashlib.sha256(d).hexdigest(): d for d in (file.read_bytes() for file in files)}
    need, _ = server.ask("have", hashes=list(data))
    for sha256, start in zip(need["hashes"], need["offsets"], strict=True):
        whole = data[sha256]
        for offset in range(start, max(len(whole), start + 1), CHUNK_BYTES):
            piece = whole[offset : offset + CHUNK_BYTES]
            server.ask("put", piece, sha256=sha256, size=len(whole), offset=offset)


def follow(server: Server, job: str) -> None:
    """Print every change of a job until it has ended."""
    seq, revision, state = 0, 0, ""
    while state not in ("succeeded", "failed", "cancelled"):
        answer, _ = server.ask(
            "watch", job=job, after_seq=seq, revision=revision, wait_ms=TIMEOUT_MS // 2
        )
        status = answer["job"]
        seq, revision, state = status["seq"], status["revision"], status["state"]
        print(state, status.get("stage", ""), f"{status.get('step', 0)}/{status.get('steps', 0)}")


def download(server: Server, sha256: str, folder: Path) -> bytes:
    """One blob, piece by piece, checked and written under its hash."""
    data = b""
    while True:
        answer, raw = server.ask("fetch", sha256=sha256, offset=len(data))
        data += raw[0]
        if len(data) >= answer["size"]:
            break
    if hashlib.sha256(data).hexdigest() != sha256:
        sys.exit("a blob does not match its hash")
    (folder / sha256).write_bytes(data)
    return data


def main(package: Path, out: Path) -> None:
    """The whole way of one shot."""
    address, secret = find_server()
    server = Server(address)
    welcome, _ = server.ask("hello", proto=[1, 0, 0], software="plain-client", secret=secret)
    print("server", welcome["software"])
    upload(server, package)
    answer, _ = server.ask("submit", (package / "shot.json").read_bytes(), key=uuid.uuid4().hex)
    job = answer["job"]["id"]
    follow(server, job)
    result, _ = server.ask("result", job=job)
    out.mkdir(parents=True, exist_ok=True)
    manifest = json.loads(download(server, result["manifest"], out))
    for sha256 in {frame for layer in manifest["layers"] for frame in layer["frames"]}:
        download(server, sha256, out)
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2))
    print("layers", [layer["name"] for layer in manifest["layers"]])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
