"""Finds a network's safetensors files and reads their headers, never trusting them.

Called by the checkpoint loaders and the registry; tensors themselves are read elsewhere.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.errors import AcetateError

MAX_HEADER_BYTES = 16 * 1024 * 1024
"""The largest released header (1570 tensors) has 0.2 MB; the format itself allows 100 MB."""

MAX_INDEX_BYTES = 16 * 1024 * 1024
MAX_SHARDS = 1000
USUAL_NAMES = (
    "diffusion_pytorch_model.safetensors",
    "open_clip_model.safetensors",
    "model.safetensors",
    "open_clip_pytorch_model.safetensors",
)
INDEX_SUFFIX = ".safetensors.index.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt")
_ITEM_BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}


@dataclass(frozen=True)
class TensorEntry:
    """One tensor as a header declares it."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


Table = Mapping[str, TensorEntry]
"""A network's tensors by state-dict key."""


@dataclass(frozen=True)
class Weights:
    """The files of one network: an index where they are several, and all their tensors."""

    files: tuple[Path, ...]
    index: Path | None
    table: Table

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes by key."""
        return {key: entry.shape for key, entry in self.table.items()}


def has_weights(folder: Path) -> bool:
    """Whether a folder holds safetensors files of one network."""
    return _index_of(folder) is not None or bool(_single(folder))


def find_weights(folder: Path, model: str) -> Weights:
    """The network in a folder: one file under a usual name, or shards under an index.

    Raises `model_missing` without files, `model_corrupt` where they do not fit their headers or
    the index, both in the name of `model`.
    """
    single, index = _single(folder), _index_of(folder)
    if single is None and index is None:
        raise AcetateError("model_missing", model=model, detail=f"no weights in {folder}")
    if single is not None:
        return read_weights(single, model)
    assert index is not None  # noqa: S101 - for the type checker; the case is handled above
    return _read_shards(folder, index, model)


def read_weights(file: Path, model: str) -> Weights:
    """The network in one file."""
    return Weights((file,), None, read_header(file, model))


def read_header(file: Path, model: str) -> Table:
    """The tensors that a file declares, after a check that exactly these fill it.

    Raises `model_corrupt` for anything but a whole safetensors file.
    """
    try:
        with file.open("rb") as stream:
            start = stream.read(8)
            size = int.from_bytes(start, "little")
            if len(start) < 8 or size > MAX_HEADER_BYTES:
                raise _other_format(start, file, model)
            text = stream.read(size)
            end = stream.seek(0, 2)
    except OSError as error:
        raise _corrupt(model, f"{file.name} cannot be read: {error.strerror}") from error
    if len(text) < size:
        raise _corrupt(model, f"{file.name} is cut off inside its header")
    return _parsed(text, end - 8 - size, file, model)


def _other_format(start: bytes, file: Path, model: str) -> AcetateError:
    """What a file seems to be whose first eight bytes are no length of a header."""
    if start.startswith((b"PK\x03\x04", b"\x80\x02")):
        return AcetateError("pickled_weights", file=file.name[:40])
    if start.startswith(b"version "):
        detail = f"{file.name} is a Git LFS pointer: the weights themselves were not downloaded"
    elif len(start) < 8:
        detail = f"{file.name} is empty"
    else:
        detail = (
            f"{file.name} is no safetensors file, or has a header over {MAX_HEADER_BYTES} bytes"
        )
    return _corrupt(model, detail)


def _parsed(text: bytes, data_bytes: int, file: Path, model: str) -> Table:
    try:
        document = json.loads(text)
        entries = dict(_entries(document))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _corrupt(model, f"{file.name} is no safetensors file ({error})") from error
    filled = 0
    for (begin, end), entry in sorted(entries.values(), key=lambda pair: pair[0]):
        if begin != filled or end - begin != entry.count * _ITEM_BYTES[entry.dtype]:
            raise _corrupt(model, f"{file.name}: its tensors overlap or leave holes")
        filled = end
    if filled != data_bytes:
        kind = "is cut off" if filled > data_bytes else "has bytes behind its end"
        raise _corrupt(model, f"{file.name} {kind}: {data_bytes} of {filled} bytes of tensors")
    return {key: entry for key, (_, entry) in entries.items()}


def _entries(document: object) -> Iterator[tuple[str, tuple[tuple[int, int], TensorEntry]]]:
    if not isinstance(document, dict):
        raise TypeError("its header is no object")
    for key, value in document.items():
        if key == "__metadata__":
            continue
        shape, (begin, end), dtype = value["shape"], value["data_offsets"], value["dtype"]
        numbers = [*shape, begin, end]
        if not all(isinstance(n, int) and n >= 0 for n in numbers) or dtype not in _ITEM_BYTES:
            raise ValueError(f"tensor {key[:60]} is declared wrongly")
        yield key, ((begin, end), TensorEntry(tuple(shape), dtype))


def _single(folder: Path) -> Path | None:
    """The one file of a network under a usual name, else the only safetensors file there."""
    for name in USUAL_NAMES:
        if (folder / name).is_file():
            return folder / name
    if _index_of(folder) is not None or not folder.is_dir():
        return None
    found = sorted(path for path in folder.glob("*.safetensors") if path.is_file())
    return found[0] if len(found) == 1 else None


def _index_of(folder: Path) -> Path | None:
    if not folder.is_dir():
        return None
    found = sorted(path for path in folder.glob(f"*{INDEX_SUFFIX}") if path.is_file())
    return found[0] if found else None


def _read_shards(folder: Path, index: Path, model: str) -> Weights:
    places = _read_index(index, model)
    files = tuple(folder / name for name in sorted(set(places.values())))
    table: dict[str, TensorEntry] = {}
    for file in files:
        if not file.is_file():
            raise _corrupt(model, f"{index.name} names {file.name}, which is missing")
        for key, entry in read_header(file, model).items():
            if places.get(key) != file.name:
                raise _corrupt(model, f"{file.name} holds {key[:80]}, unlike {index.name} says")
            table[key] = entry
    if missing := sorted(set(places) - set(table)):
        raise _corrupt(model, f"{len(missing)} tensors of {index.name} are missing: {missing[0]}")
    return Weights(files, index, table)


def _read_index(index: Path, model: str) -> dict[str, str]:
    """State-dict key -> file name, both checked; a name must be a plain one."""
    try:
        if index.stat().st_size > MAX_INDEX_BYTES:
            raise _corrupt(model, f"{index.name} is too large")
        places = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        names = set(places.values())
        plain = all(name == Path(name).name and name.endswith(".safetensors") for name in names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _corrupt(model, f"{index.name} is no index of weights ({error})") from error
    if not plain or not 0 < len(names) <= MAX_SHARDS:
        raise _corrupt(model, f"{index.name} names files that it must not name")
    return places


def _corrupt(model: str, detail: str) -> AcetateError:
    return AcetateError("model_corrupt", model=model, detail=detail)
