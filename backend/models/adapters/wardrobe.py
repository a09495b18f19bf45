"""Puts adapters into a loaded model's weights and takes them out again, exact to the bit.

Called by painters before every clip. Weights change in place, so that packed projections, memory
layouts, parts that rest on the host and compiled graphs all stay as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from backend.models.adapters.factors import Factors, Worn
from backend.models.adapters.fitting import check_fits, weights_of
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.identity import digest
from shared.errors import AcetateError


class Wardrobe:
    """Owns the weights of one model and what they wear now.

    The weights as they were loaded are kept in host memory, those of changed modules only. No
    other code may use the model while it wears anything, except by what `wearing` returns.
    """

    def __init__(self, model: LayerAnimateModel) -> None:
        self._bare = model
        self._kept: dict[str, Tensor] = {}
        self._marks: tuple[str, ...] = ()

    def wearing(self, worn: Sequence[Worn] = ()) -> LayerAnimateModel:
        """The model with exactly these adapters in its weights; none: as it was loaded.

        Its identity tells every set of adapters and scales from every other. Raises `adapter_unfit`
        where one does not fit or makes numbers that are not finite; the model then wears nothing.
        """
        for item in worn:
            shapes = {module: f.weight_shape for module, f in item.adapter.factors.items()}
            check_fits(shapes, item.adapter.name, self._bare)
        used = [item for item in worn if item.scale != 0]
        marks = tuple(item.mark for item in used)
        if marks != self._marks:
            self._undress()
            self._dress(used)
            self._marks = marks
        return self._named(marks)

    def _named(self, marks: tuple[str, ...]) -> LayerAnimateModel:
        if not marks:
            return self._bare
        return replace(self._bare, identity=digest("adapters", self._bare.identity, *marks))

    @torch.no_grad()
    def _dress(self, used: Sequence[Worn]) -> None:
        changes: dict[str, list[tuple[Worn, Factors]]] = defaultdict(list)
        for item in used:
            for module, factors in item.adapter.factors.items():
                changes[module].append((item, factors))
        weights = weights_of(self._bare.parts())
        try:
            for module, rows in changes.items():
                weight = weights[module]
                self._kept[module] = weight.detach().to("cpu", copy=True)
                weight.copy_(merged(weight, [(f, item.scale) for item, f in rows]))
                _check_finite(weight, module, rows)
        except BaseException:
            self._undress()
            raise

    @torch.no_grad()
    def _undress(self) -> None:
        weights = weights_of(self._bare.parts()) if self._kept else {}
        for module, bare in self._kept.items():
            weights[module].copy_(bare)
        self._kept, self._marks = {}, ()


def _check_finite(weight: Tensor, module: str, rows: Sequence[tuple[Worn, Factors]]) -> None:
    if not bool(torch.isfinite(weight).all()):
        names = ", ".join(item.adapter.name for item, _ in rows)
        detail = f"{module} is no longer finite"
        raise AcetateError("adapter_unfit", adapter=names, detail=detail)


def merged(weight: Tensor, changes: Sequence[tuple[Factors, float]]) -> Tensor:
    """A weight with factors at their scales added in float32, in its own number format."""
    total = weight.detach().float()
    for factors, scale in changes:
        total = total + factors.change(scale, total)
    return total.to(weight.dtype)
