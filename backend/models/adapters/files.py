"""Reads and writes adapter files: safetensors under peft's names, never trusted; for the registry,
the painter and the trainer.

A file holds `base_model.model.<module>.lora_A.weight` and `.lora_B.weight` for every module, where
<module> starts with the network's folder name (`unet.`, `layer_controlnet.`, `image_projector.`).
Settings lie beside it as `adapter_config.json`, or inside it as metadata of that name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from backend.models.adapters.factors import ADAPTABLE_PARTS, Adapter, Factors
from backend.models.adapters.settings import (
    MAX_RANK,
    AdapterSettings,
    parse_settings,
    read_settings_file,
)
from backend.models.weight_files import Table, TensorEntry, find_weights, read_weights
from shared.errors import AcetateError

WEIGHTS_NAME = "adapter_model.safetensors"
SETTINGS_NAME = "adapter_config.json"
PREFIX = "base_model.model."
MAX_MODULES = 4096
_HALVES = ("lora_A", "lora_B")
_KEY = re.compile(rf"{re.escape(PREFIX)}([A-Za-z0-9_.]{{1,240}})\.(lora_A|lora_B)\.weight")
_FORMATS = ("F32", "F16", "BF16")

Shape = tuple[int, ...]


@dataclass(frozen=True)
class AdapterFile:
    """What an adapter's header and settings tell; `shapes` are those of the weights it changes."""

    file: Path
    settings: AdapterSettings
    ranks: Mapping[str, int]
    shapes: Mapping[str, Shape]
    format: str


def is_adapter(table: Table) -> bool:
    """Whether a network's names are those of an adapter."""
    return any(_KEY.fullmatch(key) for key in table)


def open_adapter(path: Path, name: str) -> AdapterFile:
    """Check an adapter's header and settings, reading no numbers; `path` is its file or folder.

    Raises `model_missing` or `model_corrupt` in the name of `name`.
    """
    weights = find_weights(path, name) if path.is_dir() else read_weights(path, name)
    if len(weights.files) != 1:
        raise _corrupt(name, "an adapter is one file")
    pairs = _pairs(weights.table, name)
    shapes = {module: _changed_shape(module, *pair, name) for module, pair in pairs.items()}
    formats = sorted({entry.dtype for pair in pairs.values() for entry in pair})
    return AdapterFile(
        file=weights.files[0],
        settings=_settings(weights.files[0], name),
        ranks={module: down.shape[0] for module, (down, _) in pairs.items()},
        shapes=shapes,
        format="/".join(formats),
    )


def read_adapter(path: Path, name: str, identity: str = "") -> Adapter:
    """The adapter of a file or folder, in float32 on the CPU.

    `identity` empty: a hash over the numbers. Raises what `open_adapter` raises, and
    `model_corrupt` for numbers that are not finite.
    """
    about = open_adapter(path, name)
    tensors = _tensors(about.file, name)
    factors = {
        module: Factors(
            down=tensors[f"{PREFIX}{module}.lora_A.weight"],
            up=tensors[f"{PREFIX}{module}.lora_B.weight"],
            strength=about.settings.strength(module, rank),
        )
        for module, rank in about.ranks.items()
    }
    for module, pair in factors.items():
        if not (bool(torch.isfinite(pair.down).all()) and bool(torch.isfinite(pair.up).all())):
            raise _corrupt(name, f"{module} holds numbers that are not finite")
    return Adapter(name, identity or _digest(factors), factors)


def write_adapter(
    folder: Path, matrices: Mapping[str, tuple[Tensor, Tensor]], settings: AdapterSettings
) -> Path:
    """Write (down, up) by module path as `open_adapter` reads it; returns the weights file.

    Raises `model_corrupt` for matrices that no reader would take, `disk`.
    """
    state: dict[str, Tensor] = {}
    for module, pair in matrices.items():
        for half, value in zip(_HALVES, pair, strict=True):
            plain = value.detach().to("cpu").clone(memory_format=torch.contiguous_format)
            state[f"{PREFIX}{module}.{half}.weight"] = plain
    document = json.dumps(settings.document(tuple(sorted(matrices))), indent=2)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(state, folder / WEIGHTS_NAME, metadata={"format": "pt", SETTINGS_NAME: document})
        (folder / SETTINGS_NAME).write_text(document + "\n", encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise AcetateError("disk", detail=str(error)) from error
    open_adapter(folder, folder.name)
    return folder / WEIGHTS_NAME


def _pairs(table: Table, name: str) -> dict[str, tuple[TensorEntry, TensorEntry]]:
    """Both matrices of every module. Raises `model_corrupt` for any other tensor."""
    halves: dict[str, dict[str, TensorEntry]] = {}
    for key, entry in table.items():
        found = _KEY.fullmatch(key)
        if found is None:
            raise _corrupt(name, f"{key[:80]} is no part of an adapter for LayerAnimate")
        module, half = found.groups()
        if module.partition(".")[0] not in ADAPTABLE_PARTS:
            raise _corrupt(name, f"{module[:80]} lies in none of {', '.join(ADAPTABLE_PARTS)}")
        halves.setdefault(module, {})[half] = entry
    if not 0 < len(halves) <= MAX_MODULES:
        raise _corrupt(name, f"{len(halves)} modules; 1 to {MAX_MODULES} are possible")
    for module, pair in halves.items():
        if len(pair) != len(_HALVES):
            raise _corrupt(name, f"{module} has only {', '.join(pair)}")
    return {module: (pair["lora_A"], pair["lora_B"]) for module, pair in halves.items()}


def _changed_shape(module: str, down: TensorEntry, up: TensorEntry, name: str) -> Shape:
    """The shape of the weight that two matrices change. Raises `model_corrupt`."""
    a, b = down.shape, up.shape
    fits = 2 <= len(a) == len(b) <= 5 and a[0] == b[1] and set(b[2:]) <= {1}
    if not fits or not 1 <= a[0] <= MAX_RANK or 0 in (*a, *b):
        raise _corrupt(name, f"{module}: {list(a)} and {list(b)} are no two factors of a weight")
    if down.dtype not in _FORMATS or up.dtype not in _FORMATS:
        raise _corrupt(name, f"{module} is stored as {down.dtype} and {up.dtype}")
    return (b[0], *a[1:])


def _settings(file: Path, name: str) -> AdapterSettings:
    beside = file.parent / SETTINGS_NAME
    if beside.is_file():
        return read_settings_file(beside, name)
    try:
        with safe_open(file, framework="pt") as opened:
            inside = (opened.metadata() or {}).get(SETTINGS_NAME)
    except (OSError, SafetensorError) as error:
        raise _corrupt(name, str(error)) from error
    if inside is None:
        detail = f"{SETTINGS_NAME} is missing: nothing tells the adapter's alpha"
        raise AcetateError("model_missing", model=name, detail=detail)
    return parse_settings(inside, name)


def _tensors(file: Path, name: str) -> dict[str, Tensor]:
    try:
        with safe_open(file, framework="pt") as opened:
            return {key: opened.get_tensor(key).float() for key in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise _corrupt(name, str(error)) from error


def _digest(factors: Mapping[str, Factors]) -> str:
    found = hashlib.sha256()
    for module, pair in sorted(factors.items()):
        found.update(f"{module} {pair.strength!r} {tuple(pair.down.shape)}\n".encode())
        for matrix in (pair.down, pair.up):
            found.update(matrix.contiguous().numpy().tobytes())
    return found.hexdigest()


def _corrupt(name: str, detail: str) -> AcetateError:
    return AcetateError("model_corrupt", model=name, detail=detail)
