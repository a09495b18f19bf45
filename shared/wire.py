"""The envelope of the wire and its limits: messages to frames and back; pure, no sockets.

Frames: `ACE1`, a msgpack header of at most 64 KiB, then the raw frames that the header declares.
Nothing is decoded before its size was checked, and never into anything but the closed set of
record types, so that hostile bytes cost neither memory nor time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from .errors import AcetateError
from .messages import (
    MAX_PART_BYTES,
    MAX_PARTS,
    OUR_PROTO,
    PROTO_MAJOR,
    AnyAnswer,
    AnyRequest,
    Number,
    Proto,
)

MAGIC = b"ACE1"
MAX_HEADER_BYTES = 64 * 1024
MAX_FRAME_BYTES = MAX_PART_BYTES + MAX_HEADER_BYTES

Frame = bytes | memoryview
_Message = TypeVar("_Message")


class _Numbered(msgspec.Struct):
    id: Number = 0


_ENCODER = msgspec.msgpack.Encoder()
_REQUESTS: msgspec.msgpack.Decoder[AnyRequest] = msgspec.msgpack.Decoder(AnyRequest)
_ANSWERS: msgspec.msgpack.Decoder[AnyAnswer] = msgspec.msgpack.Decoder(AnyAnswer)
_NUMBERS: msgspec.msgpack.Decoder[_Numbered] = msgspec.msgpack.Decoder(_Numbered)


def encode(message: msgspec.Struct, *parts: Frame) -> list[Frame]:
    """Frames of a message with its raw parts; their lengths are declared in the header.

    Raises `invalid_request` where a limit of this file is broken.
    """
    if parts:
        lengths = tuple(memoryview(part).nbytes for part in parts)
        if len(lengths) > MAX_PARTS or max(lengths) > MAX_PART_BYTES:
            raise AcetateError("invalid_request", where="a message has too many or too large parts")
        message = msgspec.structs.replace(message, blobs=lengths)
    header = _ENCODER.encode(message)
    if len(header) > MAX_HEADER_BYTES:
        raise AcetateError("invalid_request", where="a message header is too large")
    return [MAGIC, header, *parts]


def decode_request(frames: Sequence[Frame]) -> tuple[AnyRequest, tuple[memoryview, ...]]:
    """What a client sent. Raises `version` for another magic, else `invalid_request`."""
    return decode(frames, _REQUESTS)


def decode_answer(frames: Sequence[Frame]) -> tuple[AnyAnswer, tuple[memoryview, ...]]:
    """What a server sent. Raises `version` for another magic, else `invalid_request`."""
    return decode(frames, _ANSWERS)


def decode(
    frames: Sequence[Frame], decoder: msgspec.msgpack.Decoder[_Message]
) -> tuple[_Message, tuple[memoryview, ...]]:
    """Check the envelope, then decode the header with `decoder`, a closed union of records."""
    _check_magic(frames)
    if not 2 <= len(frames) <= 2 + MAX_PARTS:
        raise AcetateError("invalid_request", where=f"{len(frames)} frames in one message")
    header = memoryview(frames[1])
    if header.nbytes > MAX_HEADER_BYTES:
        raise AcetateError("invalid_request", where="a message header is too large")
    try:
        message = decoder.decode(header)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        where = str(error)[:60]
        raise AcetateError("invalid_request", where=where, detail=str(error)[:500]) from error
    parts = tuple(memoryview(frame) for frame in frames[2:])
    if tuple(part.nbytes for part in parts) != getattr(message, "blobs", ()):
        raise AcetateError("invalid_request", where="frames do not match their declared lengths")
    return message, parts


def request_number(frames: Sequence[Frame]) -> int:
    """The number of a request that could not be read, so that it can be answered; else 0."""
    if len(frames) < 2 or memoryview(frames[1]).nbytes > MAX_HEADER_BYTES:
        return 0
    try:
        return _NUMBERS.decode(frames[1]).id
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return 0


def _check_magic(frames: Sequence[Frame]) -> None:
    magic = bytes(frames[0][:8]) if frames else b""
    if magic == MAGIC:
        return
    if magic.startswith(b"ACE"):
        raise AcetateError("version", ours=MAGIC.decode(), theirs=magic.decode("ascii", "replace"))
    raise AcetateError("invalid_request", where="this is no Acetate message")


def check_proto(theirs: Proto) -> None:
    """Raise `version`, naming both sides, unless the other side speaks our major and a minor."""
    major, low, high = theirs
    if major != PROTO_MAJOR or low > OUR_PROTO[2] or high < OUR_PROTO[1]:
        raise version_error(theirs)


def version_error(theirs: Proto) -> AcetateError:
    """The error that both sides show where their protocols do not overlap."""
    return AcetateError("version", ours=proto_text(OUR_PROTO), theirs=proto_text(theirs))


def proto_text(proto: Proto) -> str:
    """A protocol range for people, such as `protocol 1.0`."""
    major, low, high = proto
    return f"protocol {major}.{high}" if low == high else f"protocol {major}.{low}-{major}.{high}"
