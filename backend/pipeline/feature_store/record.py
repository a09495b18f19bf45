"""The file of one entry: safetensors that vouch for their own key, layout and bytes.

The header is written in one way only and compared whole when it is read, so that a file of another
version, another program or another key is told apart before its bytes count. Only `disk` uses it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec
import torch

from backend.pipeline.feature_store.entry import (
    MAX_AXES,
    MAX_TENSORS,
    Entry,
    Form,
    as_bytes,
    carve,
    places,
)

FORMAT = "acetate.features/1"
MAX_HEADER_BYTES = 64 * 1024
_LENGTH_BYTES = 8  # of the header's length, little-endian, at the start of every safetensors file
_METADATA = "__metadata__"
_NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
_DTYPES = {name: dtype for dtype, name in _NAMES.items()}


class DamagedFileError(Exception):
    """A file that is not exactly what `write_record` wrote under this key."""


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


class _Metadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    key: str
    order: str
    digest: str


def record_bytes(key: str, entry: Entry) -> int:
    """Size of the file that `write_record` makes."""
    return len(_start(key, entry.forms, "0" * 64)) + entry.nbytes


def write_record(file: BinaryIO, key: str, entry: Entry) -> None:
    """Write an entry that lies on the CPU. Raises `OSError`."""
    forms = entry.forms
    pieces = [as_bytes(entry.tensors[index]) for index in _sequence(forms)]
    file.write(_start(key, forms, _digest(key, forms, pieces)))
    for piece in pieces:
        file.write(piece)


def read_record(path: Path, key: str, limit_bytes: int) -> Entry:
    """The entry of a file of at most `limit_bytes`. Raises `OSError` or `DamagedFileError`."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(_LENGTH_BYTES)
        length = int.from_bytes(head, "little")
        if len(head) < _LENGTH_BYTES or length > MAX_HEADER_BYTES or size > limit_bytes:
            raise DamagedFileError("no header of a feature file")
        header = file.read(length)
        forms, digest = _parsed(header)
        total = sum(form.nbytes for form in forms)
        start = _start(key, forms, digest)
        if start != head + header or size != len(start) + total:
            raise DamagedFileError("the header is not this key's")
        with torch.inference_mode(False):
            row = torch.empty(total, dtype=torch.uint8)
        piece = row.numpy().data
        if file.readinto(piece) != total or _digest(key, forms, [piece]) != digest:
            raise DamagedFileError("the bytes have another digest")
    return Entry(carve(row, forms))


def _start(key: str, forms: tuple[Form, ...], digest: str) -> bytes:
    """The length and the header, padded so that the tensors start at a multiple of eight bytes."""
    metadata = _Metadata(
        format=FORMAT,
        key=key,
        order=";".join(",".join(map(str, form.order)) for form in forms),
        digest=digest,
    )
    rows = {
        f"t{index:02d}": _Row(_NAMES[form.dtype], form.lengths, place)
        for index, (form, place) in enumerate(zip(forms, places(forms), strict=True))
    }
    header = msgspec.json.encode({_METADATA: metadata, **rows})
    header += b" " * (-len(header) % _LENGTH_BYTES)
    return len(header).to_bytes(_LENGTH_BYTES, "little") + header


def _parsed(header: bytes) -> tuple[tuple[Form, ...], str]:
    """Forms and digest that a header claims; the caller compares it whole afterwards."""
    try:
        fields = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        metadata = msgspec.json.decode(fields.pop(_METADATA), type=_Metadata)
        rows = [msgspec.json.decode(field, type=_Row) for field in fields.values()]
        orders = [_order(text) for text in metadata.order.split(";")]
        forms = tuple(
            Form(_DTYPES[row.dtype], row.shape, order)
            for row, order in zip(rows, orders, strict=True)
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, ValueError) as error:
        raise DamagedFileError("the header cannot be read") from error
    if not forms or len(forms) > MAX_TENSORS or not all(map(_is_sound, forms)):
        raise DamagedFileError("the header describes no features")
    return forms, metadata.digest


def _order(text: str) -> tuple[int, ...]:
    return tuple(int(axis) for axis in text.split(",") if axis)


def _is_sound(form: Form) -> bool:
    axes = len(form.lengths)
    is_whole = sorted(form.order) == list(range(axes))
    return axes <= MAX_AXES and is_whole and all(0 <= n < 2**40 for n in form.lengths)


def _sequence(forms: tuple[Form, ...]) -> list[int]:
    """The tensors' numbers in the order of their bytes in the file; empty ones may lie anywhere."""
    starts = places(forms)
    return sorted(range(len(forms)), key=starts.__getitem__)


def _digest(key: str, forms: tuple[Form, ...], pieces: Iterable[memoryview]) -> str:
    """BLAKE2b over the header without a digest (key, types, shapes, layout) and all bytes."""
    hasher = hashlib.blake2b(_start(key, forms, ""), digest_size=32)
    for piece in pieces:
        hasher.update(piece)
    return hasher.hexdigest()
