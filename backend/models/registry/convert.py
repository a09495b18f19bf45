"""Pickled weights to safetensors, reading tensors and nothing else; for `acetate models convert`.

This is the only place where such a file is opened, always with `weights_only`: anything in it but
tensors and plain containers is refused, and no code of it runs.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from backend.models.weight_files import INDEX_SUFFIX, PICKLE_SUFFIXES
from shared.errors import AcetateError

_WRAPPERS = ("state_dict", "module", "model")
_INDEX_SUFFIX = ".bin.index.json"
_KEPT_SUFFIXES = (".json", ".txt", ".md")
_MAX_TEXT_BYTES = 16 * 1024 * 1024
_STEMS = {"pytorch_model": "model", "open_clip_pytorch_model": "open_clip_model"}
_DEPTH = 2
_REFUSED = re.compile(r"Unsupported (?:global: GLOBAL|class) \S+")


def convert(path: Path, out: Path) -> tuple[Path, ...]:
    """Write the tensors of a file, or of all such files of a folder, as safetensors below `out`.

    For a file `out` is a new file or an existing folder, for a folder a new folder; texts and
    settings beside the weights go along. Raises `not_found`, `output_exists`, `not_a_model`,
    `disk`.
    """
    if path.is_dir():
        return _convert_folder(path, out)
    if not path.is_file():
        raise AcetateError("not_found", what=f"file {path.name}")
    if path.suffix.lower() not in PICKLE_SUFFIXES:
        what = f"{path.name[:30]} is no .bin, .pt, .pth or .ckpt"
        raise AcetateError("not_a_model", what=what)
    target = out / _new_name(path) if out.is_dir() else out
    _check_free(target)
    write_tensors(read_pickled(path), target)
    return (target,)


def read_pickled(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that `torch.save` wrote, by name. Raises `not_a_model`."""
    try:
        loaded = _load(path)
    except Exception as error:
        # Whatever is wrong inside a stranger's file. Torch's own words are left out but for the
        # name of what was refused: they advise to open the file without protection.
        refused = _REFUSED.search(str(error))
        detail = refused[0][:200] if refused else type(error).__name__
        what = f"{path.name[:30]} is damaged or holds more than tensors"
        raise AcetateError("not_a_model", what=what, detail=detail) from error
    tensors = _unwrapped(loaded)
    if not tensors:
        raise AcetateError("not_a_model", what=f"{path.name[:40]} holds no tensors by name")
    if odd := [key for key, value in tensors.items() if not _is_plain(value)]:
        what = f"{path.name[:30]} holds sparse or quantised tensors"
        raise AcetateError("not_a_model", what=what, detail=odd[0][:80])
    return tensors


def write_tensors(tensors: Mapping[str, Tensor], target: Path) -> None:
    """Write a safetensors file, whole or not at all; tensors that share memory become copies."""
    seen: set[int] = set()
    plain: dict[str, Tensor] = {}
    for key, value in tensors.items():
        place = value.untyped_storage().data_ptr()
        # a part of a larger storage would be refused, and a second use of one as well
        whole = value.is_contiguous() and value.untyped_storage().nbytes() == value.nbytes
        plain[key] = value if whole and place not in seen else value.contiguous().clone()
        seen.add(place)
    temporary = target.parent / f".part-{uuid.uuid4().hex}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        save_file(plain, temporary)
        temporary.replace(target)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _is_plain(value: Tensor) -> bool:
    """Whether safetensors can hold it: dense, with numbers of its own."""
    return value.layout is torch.strided and not value.is_quantized and not value.is_meta


def _load(path: Path) -> object:
    with path.open("rb") as stream:
        is_zip = stream.read(4) == b"PK\x03\x04"
    # files of old versions of torch cannot be mapped into memory
    return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)


def _unwrapped(loaded: object) -> dict[str, Tensor]:
    """The tensors of a state dict, also where a trainer wrapped it."""
    for name in _WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(inner := loaded.get(name), Mapping):
            return _unwrapped(inner)
    if not isinstance(loaded, Mapping):
        return {}
    return {
        key: value.detach()
        for key, value in loaded.items()
        if isinstance(key, str) and isinstance(value, Tensor)
    }


def _convert_folder(folder: Path, out: Path) -> tuple[Path, ...]:
    pickles = [path for path in _files(folder) if path.suffix.lower() in PICKLE_SUFFIXES]
    if not pickles:
        raise AcetateError("not_a_model", what=f"no .bin, .pt or .ckpt in {folder.name[:30]}")
    _check_free(out)
    work = out.parent / f".part-{uuid.uuid4().hex}"
    try:
        work.mkdir(parents=True)
        names = []
        for path in pickles:
            target = work / path.relative_to(folder).parent / _new_name(path)
            write_tensors(read_pickled(path), target)
            names.append(target.relative_to(work))
        _take_texts_along(folder, work)
        work.rename(out)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return tuple(out / name for name in names)


def _take_texts_along(folder: Path, work: Path) -> None:
    for path in _files(folder):
        small = path.stat().st_size <= _MAX_TEXT_BYTES
        if path.suffix.lower() not in _KEPT_SUFFIXES or not small:
            continue
        target = work / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.name.endswith(_INDEX_SUFFIX):
            stem = path.name.removesuffix(_INDEX_SUFFIX)
            name = f"{_new_stem(stem)}{INDEX_SUFFIX}"
            (target.parent / name).write_text(_new_index(path), encoding="utf-8")
        else:
            shutil.copyfile(path, target)


def _new_index(path: Path) -> str:
    """An index of shards with the new names of their files. Raises `not_a_model`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        places = {key: _new_name(Path(name)) for key, name in document["weight_map"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AcetateError("not_a_model", what=f"{path.name[:40]} is no index") from error
    return json.dumps({**document, "weight_map": places}, indent=2) + "\n"


def _new_name(path: Path) -> str:
    return f"{_new_stem(path.stem)}.safetensors"


def _new_stem(stem: str) -> str:
    for theirs, usual in _STEMS.items():
        if stem == theirs or stem.startswith(f"{theirs}-"):
            return usual + stem.removeprefix(theirs)
    return stem


def _files(folder: Path) -> Iterator[Path]:
    for depth in range(_DEPTH):
        yield from sorted(p for p in folder.glob("*/" * depth + "*") if p.is_file())


def _check_free(target: Path) -> None:
    if target.exists():
        raise AcetateError("output_exists", detail=str(target))
