"""A client made of plain zmq and msgpack only: for hostile messages and other languages' view."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import msgpack
import zmq


class RawPeer:
    """Sends whatever it is told, and reads what comes back."""

    def __init__(self, address: str) -> None:
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(address)

    def __enter__(self) -> RawPeer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._context.destroy(linger=0)

    def send(self, message: dict[str, Any], *parts: bytes, magic: bytes = b"ACE1") -> None:
        """One message; lengths of parts are declared."""
        header = {**message, "blobs": [len(part) for part in parts]} if parts else message
        self.socket.send_multipart([magic, msgpack.packb(header), *parts])  # pyright: ignore[reportArgumentType]

    def answer(self, timeout_s: float = 10.0) -> tuple[dict[str, Any], list[bytes]] | None:
        """The next answer and its parts, or None."""
        if not self.socket.poll(int(timeout_s * 1000)):
            return None
        magic, header, *parts = self.socket.recv_multipart()
        assert magic == b"ACE1"
        return msgpack.unpackb(header), parts

    def ask(self, message: dict[str, Any], *parts: bytes) -> dict[str, Any]:
        """Send and read one answer."""
        self.send(message, *parts)
        found = self.answer()
        assert found is not None
        return found[0]

    def greet(self, secret: str) -> dict[str, Any]:
        """Say hello as protocol 1.0."""
        return self.ask({"t": "hello", "id": 1, "proto": [1, 0, 0], "secret": secret})
