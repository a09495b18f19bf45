"""Fills a network with a backend's safetensors file, strictly; called by `load` of each backend.

Torch is imported where a file is read, so that a list of backends costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from curation.backends.weights import check_weights, unfit

if TYPE_CHECKING:
    from torch import Tensor, nn

PARALLEL_PREFIX = "module."
"""What a trainer on several devices puts before every key."""

Shapes = Mapping[str, tuple[int, ...]]


def find_weights(folder: Path, names: Sequence[str], backend: str) -> Path:
    """The first of these files that lies in the folder. Raises `weights_missing`."""
    check_weights(backend, folder, names)
    return next(folder / name for name in names if (folder / name).is_file())


def read_shapes(file: Path, backend: str) -> dict[str, tuple[int, ...]]:
    """Shapes by key, without the prefix of parallel training. Raises `weights_unfit`."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as opened:
            names = opened.keys()
            return {_plain(key): tuple(opened.get_slice(key).get_shape()) for key in names}
    except (OSError, SafetensorError) as error:
        raise unfit(file.parent, backend, f"{file.name} cannot be read: {error}") from error


def fill(network: nn.Module, file: Path, backend: str) -> None:
    """Give a network, made on any device, the tensors of a file, as float32 on the CPU.

    Keys and shapes must be exactly the network's. Raises `weights_unfit` with the first
    difference.
    """
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    if wrong := difference(wanted, read_shapes(file, backend)):
        raise unfit(file.parent, backend, f"{file.name}: {wrong}")
    network.load_state_dict(read_tensors(file), strict=True, assign=True)
    network.requires_grad_(requires_grad=False).eval()


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Tensors by key as float32 on the CPU, without the prefix of parallel training."""
    from safetensors.torch import load_file

    return {_plain(key): value.float() for key, value in load_file(file).items()}


def _plain(key: str) -> str:
    return key.removeprefix(PARALLEL_PREFIX)


def difference(wanted: Shapes, found: Shapes) -> str:
    """The first thing that is wrong with the shapes found, or an empty text."""
    if missing := sorted(set(wanted) - set(found)):
        return f"{len(missing)} of {len(wanted)} tensors are missing, such as {missing[0]}"
    if extra := sorted(set(found) - set(wanted)):
        return f"{len(extra)} tensors too many, such as {extra[0][:80]}"
    for key, shape in wanted.items():
        if found[key] != shape:
            return f"{key} is {list(found[key])} and must be {list(shape)}"
    return ""
