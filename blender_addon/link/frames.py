"""Orders and reports as frames of a pipe: four bytes of length, then MessagePack; pure, no pipes.

Whatever arrives is checked for its size first and decoded into the closed set of records only.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from ..shared.errors import AcetateError
from .orders import Order, Report

MAX_FRAME_BYTES = 4 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_Message = TypeVar("_Message")


def _plain(value: object) -> bytes:
    if isinstance(value, Path):
        # As bytes: a path of this system need not be text.
        return os.fsencode(value)
    raise TypeError(f"{type(value).__name__} cannot travel")


def _rich(kind: type, value: object) -> Path:
    if kind is Path and isinstance(value, bytes):
        return Path(os.fsdecode(value))
    raise TypeError(f"{type(value).__name__} is no {kind.__name__}")


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)


def encode(message: Order | Report) -> bytes:
    """The frame of one message. Raises `bug` for one that is too large or cannot be written."""
    try:
        body = _ENCODER.encode(message)
    except (TypeError, ValueError, OverflowError) as error:
        raise _unfit(f"{type(message).__name__}: {error!r}") from error
    if len(body) > MAX_FRAME_BYTES:
        raise _unfit(f"{type(message).__name__} of {len(body)} bytes")
    return _LENGTH.pack(len(body)) + body


class Frames(Generic[_Message]):
    """Bytes in, in pieces of any size; whole messages out."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[_Message]) -> None:
        self._decoder = decoder
        self._waiting = bytearray()

    def feed(self, data: bytes) -> None:
        """Take in what was read."""
        self._waiting += data

    @property
    def is_torn(self) -> bool:
        """Whether a part of a frame waits for its rest."""
        return bool(self._waiting)

    def take(self) -> _Message | None:
        """The next whole message, None where its rest is still missing.

        Raises `bug` for a frame that is too large or holds something else; nothing after it can
        be trusted then.
        """
        if len(self._waiting) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._waiting)
        if length > MAX_FRAME_BYTES:
            raise _unfit(f"a frame of {length} bytes")
        end = _LENGTH.size + length
        if len(self._waiting) < end:
            return None
        body = bytes(self._waiting[_LENGTH.size : end])
        del self._waiting[:end]
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise _unfit(str(error)[:500]) from error


def order_frames() -> Frames[Order]:
    """What the link's process reads."""
    return Frames(msgspec.msgpack.Decoder(Order, dec_hook=_rich))


def report_frames() -> Frames[Report]:
    """What Blender's side reads."""
    return Frames(msgspec.msgpack.Decoder(Report, dec_hook=_rich))


def _unfit(what: str) -> AcetateError:
    return AcetateError("bug", detail=f"the link's pipe: {what}")
