"""The registry of what can be trained, and the reader of recipes; `acetate train` uses both.

A new kind of task adds its settings to `TaskSettings` and its maker to `_MAKERS`; the settings'
module must stay free of torch.
"""

from __future__ import annotations

import difflib
import importlib
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from shared.errors import AcetateError
from training.layeranimate.adapted_settings import LoraSettings, StudentSettings
from training.layeranimate.settings import LayerAnimateSettings
from training.mini.settings import MiniSettings
from training.run.config import LoopConfig

if TYPE_CHECKING:
    import torch

    from training.run.task import Task

TaskSettings = MiniSettings | LayerAnimateSettings | LoraSettings | StudentSettings
"""Union of the settings of every kind of task, each a Struct with `tag_field="kind"`."""

_MAKERS = {
    "mini": "training.mini.task",
    "layeranimate": "training.layeranimate.task",
    "layeranimate-lora": "training.layeranimate.lora",
    "layeranimate-student": "training.layeranimate.student",
}
"""Kind of task to the module that has `prepare(settings, place)` and `make(settings, place)`."""

_FOLDER = Path(__file__).parent / "recipes"
_MAX_BYTES = 1 << 20


class Recipe(LoopConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole recipe: the loop's settings and those of the task."""

    task: TaskSettings


@dataclass(frozen=True)
class Place:
    """Where a task is made: its device and a folder of the run for data that it prepares.

    `dry`: only sizes are asked for. Nothing is fitted or encoded beforehand, and what that would
    have made is not looked for.
    """

    device: torch.device
    folder: Path
    dry: bool = False

    @property
    def prepared(self) -> Path | None:
        """The folder, if what was prepared lies there."""
        return None if self.dry else self.folder


def prepare_task(settings: TaskSettings, place: Place) -> None:
    """Make the data that the task needs and that is not there; one process of a run calls this."""
    _maker(settings).prepare(settings, place)


def make_task(settings: TaskSettings, place: Place) -> Task:
    """The task of a recipe, with the same weights in every process. Called after `prepare_task`.

    Raises what its maker raises, such as `model_missing` for weights to start from.
    """
    return _maker(settings).make(settings, place)


def _maker(settings: TaskSettings) -> Any:  # noqa: ANN401 - a module found by name
    return importlib.import_module(_MAKERS[_kind(type(settings))])


def committed_recipes() -> dict[str, Path]:
    """The recipes that come with Acetate, by name."""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.toml"))}


def load_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe by file or by committed name, with `a.b=c` overrides in their order.

    Raises `not_found` for neither and `bad_recipe` for anything that does not fit, naming the key.
    """
    path = _found(name)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise AcetateError("bad_recipe", where=path.name, detail="larger than a megabyte")
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AcetateError("not_found", what=f"recipe {path.name}", detail=str(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AcetateError("bad_recipe", where=path.name, detail=str(error)) from error
    for override in overrides:
        _set(document, override)
    return typed(document, path.name)


def typed(document: dict[str, Any], where: str) -> Recipe:
    """A recipe of a plain document. Raises `bad_recipe` with the key and, if close, its like."""
    try:
        return msgspec.convert(document, Recipe)
    except msgspec.ValidationError as error:
        raise AcetateError("bad_recipe", where=where, detail=_explained(str(error))) from error


def _found(name: str) -> Path:
    committed = committed_recipes()
    if name in committed:
        return committed[name]
    path = Path(name)
    if not path.is_file():
        near = _nearest(name, committed)
        raise AcetateError("not_found", what=f"recipe {name[:60]}", detail=near)
    return path


def _set(document: dict[str, Any], override: str) -> None:
    """Put one `a.b=c` into the document; `c` is TOML where it reads as such, else a string."""
    dotted, sign, text = override.partition("=")
    keys = dotted.strip().split(".")
    if not sign or not all(keys):
        raise AcetateError("usage", where=f"--set takes a.b=c, not {override[:60]}")
    table = document
    for key in keys[:-1]:
        inner = table.setdefault(key, {})
        if not isinstance(inner, dict):
            raise AcetateError("bad_recipe", where="--set", detail=f"{dotted}: {key} is no table")
        table = inner
    table[keys[-1]] = _value(text.strip())


def _value(text: str) -> Any:  # noqa: ANN401 - any TOML value
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explained(message: str) -> str:
    """The message of the check, with the names that were probably meant."""
    unknown = re.search(r"unknown field `([^`]*)`(?: - at `\$\.?([^`]*)`)?", message)
    if unknown:
        known = _keys_at((unknown[2] or "").split(".") if unknown[2] else [])
        return f"{message}; {_nearest(unknown[1], known)}"
    kind = re.search(r"Invalid value '([^']*)' - at `\$\.task\.kind`", message)
    if kind:
        return f"{message}; {_nearest(kind[1], _MAKERS)}"
    return message


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"


def _keys_at(path: list[str]) -> list[str]:
    """Keys of the table at a path; those of every kind of task where the path leads into one."""
    tables: list[Any] = [Recipe]
    for key in path:
        fields = [f for table in tables for f in msgspec.structs.fields(table) if f.name == key]
        tables = [table for field in fields for table in _structs(field.type)]
    return sorted({field.name for table in tables for field in msgspec.structs.fields(table)})


def _structs(annotation: Any) -> list[Any]:  # noqa: ANN401 - a type or a union of types
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return [annotation]
    return [struct for part in get_args(annotation) for struct in _structs(part)]


def _kind(struct: type[msgspec.Struct]) -> str:
    return str(struct.__struct_config__.tag)
