"""Where the sampler's layer features come from: a feature store, or the control branch.

The features of a layer depend on nothing but its own controls, the context and the time step
(spec 0.2): each (layer, guidance half, time step) is computed once and kept by itself, so that
another seed finds all of them and an edit of one layer all but its own. Where the branch has a
fixed time step, one computation serves all steps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.models.layeranimate.attention import Rows
from backend.models.layeranimate.blocks import select_rows
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.clip import Check, ignore_check
from backend.models.layeranimate.layer_control import ControlStem
from backend.models.layeranimate.unet import LayerFeatures
from backend.pipeline.condition import EncodedClip
from backend.pipeline.feature_keys import FeatureKeys
from backend.pipeline.feature_store.contract import NoStore, TensorStore

Maps = tuple[Tensor, ...]
"""Features of one layer in one row, finest first: each [frames, h, w, c]."""


@dataclass(frozen=True)
class _Held:
    """The features that were asked for last."""

    timestep: int
    rows: Rows
    layers: LayerFeatures

    def serves(self, timestep: int, rows: Rows) -> bool:
        return self.timestep == timestep and set(rows) <= set(self.rows)

    def of(self, rows: Rows) -> LayerFeatures:
        if rows == self.rows:
            return self.layers
        first = self.rows.index(rows[0])
        return LayerFeatures([m[first : first + len(rows)] for m in self.layers.maps])


class LayerFeatureSource:
    """The features of a clip's used layers at any time step.

    `keys` None computes everything and keeps nothing, as a branch that reads the noisy latents
    must. `slot_by_slot` runs the branch for one layer at a time: less memory, the same features.
    """

    def __init__(
        self,
        model: LayerAnimateModel,
        clip: EncodedClip,
        store: TensorStore | None = None,
        keys: FeatureKeys | None = None,
        slot_by_slot: bool = False,
    ) -> None:
        self._branch = model.control
        self._clip, self._device = clip, model.device
        self._slots: list[int] = torch.nonzero(clip.validity).flatten().tolist()
        self._reads_noise = model.config.control.uses_noisy_latents
        self._fixed = model.config.control.fixed_timestep
        keeps = keys is not None and not self._reads_noise
        self._store: TensorStore = store if store is not None and keeps else NoStore()
        self._keys = keys if keeps else None
        self._context = model.control.project_context(clip.context)
        self._slot_by_slot = slot_by_slot
        self._stems: dict[tuple[int, ...], ControlStem] = {}
        self._held: _Held | None = None

    def announce(self, wanted: Sequence[tuple[int, Rows]]) -> None:
        """Says which (time step, rows) will be asked for."""
        if self._keys is not None:
            each = dict.fromkeys((self._served(step), rows) for step, rows in wanted)
            self._store.announce(key for step, rows in each for key in self._all(step, rows))

    def prefetch(self, timestep: int, rows: Rows) -> None:
        """Says what will be asked for next."""
        timestep = self._served(timestep)
        held = self._held is not None and self._held.serves(timestep, rows)
        if self._keys is not None and not held:
            self._store.prefetch(self._all(timestep, rows), self._device)

    def at(
        self,
        timestep: int,
        rows: Rows,
        noisy: Tensor | None = None,
        check: Check = ignore_check,
    ) -> LayerFeatures | None:
        """Features for these context rows; None where no layer is used.

        `noisy` [1, 8, frames, h, w] is the UNet's input, for branches that read it.
        """
        if not self._slots:
            return None
        timestep = self._served(timestep)
        if self._held is None or not self._held.serves(timestep, rows) or self._reads_noise:
            self._held = None  # frees it before its successor is made
            layers = self._found_or_computed(timestep, rows, noisy, check)
            self._held = _Held(timestep, rows, layers)
        return self._held.of(rows)

    def _served(self, timestep: int) -> int:
        """The time step whose features serve this one."""
        return timestep if self._fixed is None else self._fixed

    def _found_or_computed(
        self, timestep: int, rows: Rows, noisy: Tensor | None, check: Check
    ) -> LayerFeatures:
        layers = range(len(self._slots))
        known = self._known(timestep, rows)
        missing = [layer for layer in layers if any((layer, row) not in known for row in rows)]
        if not known:
            check()
            maps = self._computed(list(layers), rows, timestep, noisy)
            self._keep(maps, list(layers), rows, timestep, known)
            return LayerFeatures(maps)
        for wanted, group in self._by_rows(missing, rows, known).items():
            check()
            maps = self._computed(group, wanted, timestep, noisy)
            self._keep(maps, group, wanted, timestep, known)
        return LayerFeatures(_joined([[known[layer, row] for layer in layers] for row in rows]))

    def _all(self, timestep: int, rows: Rows) -> list[str]:
        keys = self._keys
        if keys is None:
            return []
        return [keys.of(layer, row, timestep) for layer in range(len(self._slots)) for row in rows]

    def _known(self, timestep: int, rows: Rows) -> dict[tuple[int, int], Maps]:
        """What the store has, by layer and row."""
        found: dict[tuple[int, int], Maps] = {}
        if self._keys is None:
            return found
        for layer in range(len(self._slots)):
            for row in rows:
                maps = self._store.get(self._keys.of(layer, row, timestep), self._device)
                if maps is not None:
                    found[layer, row] = maps
        return found

    def _by_rows(
        self, missing: list[int], rows: Rows, known: dict[tuple[int, int], Maps]
    ) -> dict[Rows, list[int]]:
        """Layers grouped by the rows that they lack."""
        groups: dict[Rows, list[int]] = defaultdict(list)
        for layer in missing:
            groups[tuple(row for row in rows if (layer, row) not in known)].append(layer)
        return groups

    def _computed(
        self, layers: list[int], rows: Rows, timestep: int, noisy: Tensor | None
    ) -> list[Tensor]:
        """[rows, layers, frames, c, h, w] for each map, finest first."""
        if self._slot_by_slot and len(layers) > 1:
            return _side_by_side([self._computed([n], rows, timestep, noisy) for n in layers])
        time = torch.full((1,), timestep, dtype=torch.long, device=self._device)
        context = select_rows(self._context, rows)
        stem = self._stem_of(layers, noisy)
        return self._branch.features(stem, time, context, self._clip.fps)

    def _stem_of(self, layers: list[int], noisy: Tensor | None) -> ControlStem:
        """The part that no time step changes; made again only for other layers."""
        known = self._stems.get(tuple(layers))
        if known is not None and not self._reads_noise:
            return known
        if not self._slot_by_slot:
            self._stems.clear()
        slots = torch.tensor([self._slots[layer] for layer in layers], device=self._device)
        stem = self._branch.stem(self._clip.controls.select(slots), noisy)
        self._stems[tuple(layers)] = stem
        return stem

    def _keep(
        self,
        maps: list[Tensor],
        layers: list[int],
        rows: Rows,
        timestep: int,
        known: dict[tuple[int, int], Maps],
    ) -> None:
        """Puts fresh features into the store and beside the `known` ones."""
        if self._keys is None:
            return
        for place, layer in enumerate(layers):
            for index, row in enumerate(rows):
                own = tuple(m[index, place].permute(0, 2, 3, 1) for m in maps)
                known[layer, row] = own
                self._store.put(self._keys.of(layer, row, timestep), own)


def _side_by_side(single: list[list[Tensor]]) -> list[Tensor]:
    """Maps of single layers as maps of all; lets go of each level once it is joined."""
    joined: list[Tensor] = []
    while single[0]:
        joined.append(torch.cat([maps.pop(0) for maps in single], dim=1))
    return joined


def _joined(rows: list[list[Maps]]) -> list[Tensor]:
    """Features by row and layer to one tensor [rows, n, frames, c, h, w] a level."""
    levels = range(len(rows[0][0]))
    return [
        torch.stack([torch.stack([maps[level] for maps in row]) for row in rows]).movedim(-1, 3)
        for level in levels
    ]
