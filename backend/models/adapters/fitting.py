"""Whether an adapter fits a model: every module is there, in the shape it was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from backend.models.adapters.factors import ADAPTABLE_PARTS
from backend.models.layeranimate.bundle import LayerAnimateModel, assemble
from backend.models.layeranimate.configs import LayerAnimateConfig
from shared.errors import AcetateError

Shape = tuple[int, ...]
_NAMED = 4
"""How many offending modules an error names."""

_KINDS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def weights_of(parts: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """The weights that an adapter can change, by module path."""
    found: dict[str, Tensor] = {}
    for part in ADAPTABLE_PARTS:
        for path, module in parts[part].named_modules():
            if isinstance(module, _KINDS):
                found[f"{part}.{path}"] = module.weight
    return found


def check_fits(shapes: Mapping[str, Shape], name: str, model: LayerAnimateModel) -> None:
    """Raises `adapter_unfit` that names what the model does not have, or has in another shape."""
    there = {path: tuple(weight.shape) for path, weight in weights_of(model.parts()).items()}
    unknown = [module for module in shapes if module not in there]
    other = [
        f"{module} {list(shape)}, here {list(there[module])}"
        for module, shape in shapes.items()
        if module in there and there[module] != shape
    ]
    problems = {"unknown to the model": unknown, "of another shape": other}
    if unknown or other:
        detail = "; ".join(_listed(kind, rows) for kind, rows in problems.items() if rows)
        raise AcetateError("adapter_unfit", adapter=name, detail=detail)


def skeleton(config: LayerAnimateConfig) -> LayerAnimateModel:
    """A model of these sizes without any number in it, to check adapters against."""
    with torch.device("meta"):
        return assemble(config)


def _listed(kind: str, rows: Iterable[str]) -> str:
    rows = list(rows)
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return f"{len(rows)} {kind}: {', '.join(rows[:_NAMED])}{more}"
