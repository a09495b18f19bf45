"""Writes dicts, numbers, texts and bytes in the form that the official reader expects.

Only instructions that build plain values are written; only the exporter uses this.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

_HEAD, _STOP, _MARK = b"\x80\x03", b".", b"("


def plain_pickle(value: object) -> bytes:
    """Protocol 3. Dicts, lists, ints of 64 bits, floats, texts, bytes, True, False and None."""
    return _HEAD + _written(value) + _STOP


def _written(value: object) -> bytes:
    if value is None or isinstance(value, bool):
        return b"N" if value is None else b"\x88" if value else b"\x89"
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        return b"X" + struct.pack("<I", len(data)) + data
    if isinstance(value, bytes):
        return b"B" + struct.pack("<I", len(value)) + value
    if isinstance(value, Mapping):
        items = [_written(part) for pair in value.items() for part in pair]
        return b"}" + _MARK + b"".join(items) + b"u"
    if isinstance(value, list):
        return b"]" + _MARK + b"".join(map(_written, value)) + b"e"
    raise TypeError(f"{type(value).__name__} is not written")


def _integer(value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x08" + struct.pack("<q", value)
