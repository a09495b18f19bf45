"""Opens a directory of golden vectors and measures errors against it; used by the golden checks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from shared.errors import AcetateError

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class GoldenSet:
    """One directory: its configuration and, by file stem, its arrays."""

    folder: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """`config.json`; raises `AcetateError` where it is missing or of another kind."""
        path = self.folder / "config.json"
        if not path.is_file():
            raise AcetateError("not_found", what=f"config.json in {self.folder}")
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise AcetateError("invalid_request", where=f"{path} is no JSON") from error
        if not isinstance(config, dict) or "unet" not in config.get("configs", {}):
            where = f"{self.folder} holds no vectors of the UNet variant"
            raise AcetateError("invalid_request", where=where)
        return config

    @property
    def salt(self) -> str:
        """Distinguishes the weights of one set from those of another."""
        return str(self.config["salt"])

    def component(self, name: str) -> dict[str, Any]:
        """The constructor arguments of a component."""
        return self.config["configs"][name]

    def stems(self) -> list[str]:
        """The array files that are there, by name."""
        return sorted(path.stem for path in self.folder.glob("*.npz"))

    def arrays(self, stem: str) -> Arrays:
        """All arrays of one file."""
        path = self.folder / f"{stem}.npz"
        if not path.is_file():
            raise AcetateError("not_found", what=f"{stem}.npz in {self.folder}")
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}

    def tensors(self, stem: str) -> dict[str, Tensor]:
        """All arrays of one file as tensors."""
        return {name: torch.from_numpy(array) for name, array in self.arrays(stem).items()}


def relative_error(actual: Tensor | np.ndarray, expected: Tensor | np.ndarray) -> float:
    """Largest difference over the largest absolute expected value; infinite for other shapes."""
    found = np.asarray(actual, dtype=np.float64)
    wanted = np.asarray(expected, dtype=np.float64)
    if found.shape != wanted.shape:
        return float("inf")
    difference = float(np.abs(found - wanted).max(initial=0.0))
    size = float(np.abs(wanted).max(initial=0.0))
    return difference / size if size > 0 else difference
