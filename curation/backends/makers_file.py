"""Networks of transformers filled with a file as the makers of SAM and SAM 2 publish it.

`sam` and `sam2` call it. The file is safetensors made by `acetate models convert`: tensors under
the makers' names, no settings beside them, so that sizes are told from shapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.backends.transformers_folder import quiet_transformers
from curation.backends.weight_file import (
    Shapes,
    difference,
    find_weights,
    read_shapes,
    read_tensors,
)
from curation.backends.weights import unfit
from shared.errors import AcetateError

if TYPE_CHECKING:
    from torch import Tensor

Rules = Sequence[tuple[str, str]]
"""Patterns and what takes their place, one after the other on the same name."""


@dataclass(frozen=True)
class MakersFile:
    """A file of weights and the shapes of its tensors by the makers' names."""

    path: Path
    backend: str
    shapes: Shapes

    def size(self, key: str, axis: int) -> int:
        """One side of a tensor, at least 1. Raises `weights_unfit` where there is none."""
        shape = self.shapes.get(key, ())
        if axis >= len(shape) or min(shape) < 1:
            told = f"is {list(shape)}" if key in self.shapes else "is missing"
            raise self.unfit(f"{key} {told}; no size can be told from it")
        return shape[axis]

    def numbers(self, pattern: str) -> list[int]:
        """Which numbers the group of a pattern has at the names' beginnings, each once, sorted."""
        found = (re.match(pattern, key) for key in self.shapes)
        return sorted({int(match[1]) for match in found if match})

    def unfit(self, detail: str) -> AcetateError:
        """The error for this file."""
        return unfit(self.path.parent, self.backend, f"{self.path.name}: {detail}")


@dataclass(frozen=True)
class Layout:
    """How a network of transformers lies in its makers' file.

    `files`: their names. `whole`: class of transformers with every tensor of the file. `names`: a
    tensor of transformers to the makers' tensors that make it up, stacked along the first axis.
    `settings`: the configuration of `whole`, told from the shapes.
    """

    backend: str
    files: tuple[str, ...]
    whole: str
    names: Callable[[str], tuple[str, ...]]
    settings: Callable[[MakersFile], Any]

    def load(self, folder: Path, model_class: str, device: str) -> Any:  # noqa: ANN401 - its class is named by a text
        """A model in evaluation mode, float32; of `whole` or of a class with fewer tensors.

        Keys and shapes of the file must be exactly those of `whole`. Raises `weights_missing`,
        `weights_unfit` with the first difference, by the makers' names.
        """
        import torch
        import transformers

        quiet_transformers()
        path = find_weights(folder, self.files, self.backend)
        config = self.checked(MakersFile(path, self.backend, read_shapes(path, self.backend)))
        chosen = getattr(transformers, model_class)
        own = chosen.config_class.from_dict(config.to_dict())
        with torch.device("meta"):
            keys = list(chosen(own).state_dict())
        tensors = read_tensors(path)
        model = chosen.from_pretrained(
            None,
            config=own,
            state_dict={key: _stacked(tensors, self.names(key)) for key in keys},
            local_files_only=True,
            dtype=torch.float32,
        )
        return model.to(device).eval().requires_grad_(requires_grad=False)

    def checked(self, file: MakersFile) -> Any:  # noqa: ANN401 - of a class named by a text
        """The configuration of `whole` for a file that fits it. Raises `weights_unfit`."""
        import torch
        import transformers

        try:
            config = self.settings(file)
            with torch.device("meta"):
                state = getattr(transformers, self.whole)(config).state_dict()
        except (ValueError, TypeError, RuntimeError, ArithmeticError) as error:
            raise file.unfit(f"sizes do not go together: {str(error)[:200]}") from error
        wanted: dict[str, tuple[int, ...]] = {}
        for key, value in state.items():
            names = self.names(key)
            first, *rest = value.shape
            wanted |= dict.fromkeys(names, (first // len(names), *rest))
        if wrong := difference(wanted, file.shapes):
            raise file.unfit(wrong)
        return config


def renamed(name: str, rules: Rules) -> str:
    """A name after all rules."""
    for pattern, new in rules:
        name = re.sub(pattern, new, name)
    return name


def _stacked(tensors: dict[str, Tensor], names: tuple[str, ...]) -> Tensor:
    import torch

    return tensors[names[0]] if len(names) == 1 else torch.cat([tensors[name] for name in names])
