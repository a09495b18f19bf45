"""Recognises what lies in a folder or file that is to be imported; reads headers only.

Called by `importing`. Every fault is an `AcetateError` of the catalogue that says what was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from backend.models.adapters.files import SETTINGS_NAME, is_adapter
from backend.models.layeranimate.checkpoint import CONFIG_NAME, SCHEDULER_CONFIG
from backend.models.openclip.checkpoint import CONFIG_NAMES
from backend.models.openclip.tokens import PAIR_FILES, TOKENIZER_FILE, tokenizer_files
from backend.models.registry.licences import ADAPTER, LAYERANIMATE, OPENCLIP
from backend.models.registry.looks import COMPONENT_LOOKS, Look, look_of
from backend.models.weight_files import (
    PICKLE_SUFFIXES,
    Weights,
    find_weights,
    has_weights,
    read_weights,
)
from shared.errors import AcetateError

OPTIONAL = ("vae_dualref",)
NEEDED = tuple(name for name in COMPONENT_LOOKS if name not in OPTIONAL)
_SEARCH_DEPTH = 2
"""Levels below the named folder in which a model is looked for: a hub's cache has two."""

_MAX_ENTRIES = 500
_TEXTS = ("LICENSE", "LICENSE.txt", "LICENSE.md", "README.md")
_MAX_TEXT_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """A recognised model: its folder, and the files to take over by their path in it."""

    kind: str
    folder: Path
    weights: dict[str, Weights]
    files: tuple[Path, ...]


def recognise(path: Path) -> Source:
    """What can be imported from a folder, from the one folder below it that fits, or from a file.

    Raises `not_found`, `not_a_model`, `pickled_weights`, `model_missing` (a part is not there) or
    `model_corrupt`.
    """
    path = _existing(path)
    if path.is_file():
        return _of_file(path)
    found = list(_candidates(path))
    if not found:
        raise _nothing_in(path)
    if len(found) > 1:
        names = ", ".join(sorted(folder.name for folder in found)[:4])
        raise AcetateError("not_a_model", what="several models; name one folder", detail=names)
    return _of_folder(found[0])


def _existing(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except FileNotFoundError as error:
        raise AcetateError("not_found", what=f"file or folder {path.name}") from error
    except (OSError, RuntimeError) as error:  # a loop of links is one or the other
        raise AcetateError("not_a_model", what=f"{path.name} leads nowhere") from error


def _candidates(path: Path) -> Iterator[Path]:
    """The folders that hold a model, all of the first level where there is one."""
    level = [path]
    for _ in range(_SEARCH_DEPTH + 1):
        found = [folder for folder in level if _holds_model(folder)]
        if found:
            yield from found
            return
        level = [below for folder in level for below in _folders_in(folder)]


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in islice(folder.iterdir(), _MAX_ENTRIES) if p.is_dir())
    except OSError as error:
        detail = str(error)
        raise AcetateError(
            "not_a_model", what=f"{folder.name} is unreadable", detail=detail
        ) from error


def _holds_model(folder: Path) -> bool:
    parts = [name for name in COMPONENT_LOOKS if _has_any_weights(folder / name)]
    return bool(parts) or _has_any_weights(folder)


def _has_any_weights(folder: Path) -> bool:
    return has_weights(folder) or bool(_pickles(folder)) or bool(_tensor_files(folder))


def _tensor_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors")) if folder.is_dir() else []


def _pickles(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    with suppress(OSError):  # an unreadable folder is told when its files are wanted
        entries = islice(folder.iterdir(), _MAX_ENTRIES)
        return sorted(path for path in entries if path.suffix.lower() in PICKLE_SUFFIXES)
    return []


def _nothing_in(path: Path) -> AcetateError:
    if not any(_folders_in(path)) and not any(path.iterdir()):
        return AcetateError("not_a_model", what=f"{path.name} is empty")
    return AcetateError("not_a_model", what=f"no weights in {path.name}")


def _of_file(path: Path) -> Source:
    if path.suffix.lower() in PICKLE_SUFFIXES:
        raise AcetateError("pickled_weights", file=path.name[:40])
    if path.name.endswith(".index.json"):
        return _of_folder(path.parent)
    weights = read_weights(path, path.name)
    if is_adapter(weights.table):
        return _adapter(path.parent, weights)
    look = look_of(weights.table)
    if look is Look.OPENCLIP:
        return _openclip(path.parent, weights)
    raise _misplaced(path.name, look)


def _of_folder(folder: Path) -> Source:
    if any(_has_any_weights(folder / name) for name in COMPONENT_LOOKS):
        return _layeranimate(folder)
    return _of_bare_folder(folder)


def _of_bare_folder(folder: Path) -> Source:
    """A folder with weights right inside: OpenCLIP, or something to be named."""
    if not has_weights(folder):
        if files := _tensor_files(folder):
            names = ", ".join(file.name for file in files[:4])
            raise AcetateError("not_a_model", what="several weights; name one file", detail=names)
        raise AcetateError("pickled_weights", file=_pickles(folder)[0].name[:40])
    weights = find_weights(folder, folder.name)
    if is_adapter(weights.table):
        return _adapter(folder, weights)
    look = look_of(weights.table)
    if look is Look.OPENCLIP:
        return _openclip(folder, weights)
    raise _misplaced(folder.name, look)


def _misplaced(name: str, look: Look) -> AcetateError:
    if look in COMPONENT_LOOKS.values():
        what = f"this is only {look}; name the folder above"
        return AcetateError("not_a_model", what=what, detail=name)
    return AcetateError("not_a_model", what=f"{look}"[:62], detail=f"{name} looks like {look}")


def _layeranimate(folder: Path) -> Source:
    weights: dict[str, Weights] = {}
    for name, expected in COMPONENT_LOOKS.items():
        part = folder / name
        if not has_weights(part):
            if pickles := _pickles(part):
                raise AcetateError("pickled_weights", file=f"{name}/{pickles[0].name}"[:40])
            if name in OPTIONAL:
                continue
            raise _part_missing(folder, name, weights)
        weights[name] = find_weights(part, name)
        look = look_of(weights[name].table)
        if look is not expected:
            what = f"{name} holds {look}"
            raise AcetateError("not_a_model", what=what[:62], detail=what)
    return Source(LAYERANIMATE, folder, weights, tuple(_layeranimate_files(folder, weights)))


def _part_missing(folder: Path, name: str, found: dict[str, Weights]) -> AcetateError:
    """A part without weights: of LayerAnimate, unless the rest shows another model."""
    for other in COMPONENT_LOOKS:
        if other not in found and has_weights(folder / other):
            found[other] = find_weights(folder / other, other)
    strange = {look_of(weights.table) for weights in found.values()} - {*COMPONENT_LOOKS.values()}
    if strange:
        return _misplaced(folder.name, sorted(strange)[0])
    missing = [part for part in NEEDED if part not in found]
    detail = f"{folder.name} has no weights in: {', '.join(missing)}"
    return AcetateError("model_missing", model=f"layeranimate/{name}", detail=detail)


def _layeranimate_files(folder: Path, weights: dict[str, Weights]) -> Iterator[Path]:
    for name, found in weights.items():
        yield from _weight_files(found)
        yield from _if_there(folder / name / CONFIG_NAME)
    yield from _if_there(folder / SCHEDULER_CONFIG)
    yield from _texts(folder)


def _openclip(folder: Path, weights: Weights) -> Source:
    tokenizer = tokenizer_files(folder)
    if not tokenizer:
        detail = f"{TOKENIZER_FILE}, or {' and '.join(PAIR_FILES)}, must lie beside the weights"
        raise AcetateError("model_missing", model="OpenCLIP's tokeniser", detail=detail)
    files = [*_weight_files(weights), *tokenizer]
    for name in CONFIG_NAMES:
        files += _if_there(folder / name)
    return Source(OPENCLIP, folder, {"": weights}, (*files, *_texts(folder)))


def _adapter(folder: Path, weights: Weights) -> Source:
    settings = _if_there(folder / SETTINGS_NAME)
    return Source(ADAPTER, folder, {"": weights}, (*_weight_files(weights), *settings))


def _weight_files(weights: Weights) -> tuple[Path, ...]:
    return (*weights.files, *((weights.index,) if weights.index else ()))


def _if_there(path: Path) -> tuple[Path, ...]:
    return (path,) if path.is_file() else ()


def _texts(folder: Path) -> Iterator[Path]:
    """Licence and card, where they lie beside the weights."""
    for name in _TEXTS:
        path = folder / name
        if path.is_file() and path.stat().st_size <= _MAX_TEXT_BYTES:
            yield path
