"""An adapter in memory: two thin matrices for each module it changes; read by every adapter file.

After "LoRA: Low-Rank Adaptation of Large Language Models" (arXiv 2106.09685), section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

ADAPTABLE_PARTS = ("unet", "layer_controlnet", "image_projector")
"""Networks that an adapter may change, by the folder names of the released layout."""


@dataclass(frozen=True, eq=False)
class Factors:
    """The change of one module's weight: `strength * up @ down`.

    down     float32 [rank, in, *kernel]: linear layers have no kernel axes
    up       float32 [out, rank, *ones]
    strength alpha / rank, or alpha / sqrt(rank) where the adapter was trained rank-stabilised
    """

    down: Tensor
    up: Tensor
    strength: float

    @property
    def rank(self) -> int:
        """Width of the bottleneck."""
        return int(self.down.shape[0])

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape of the weight that it changes."""
        return (int(self.up.shape[0]), *(int(n) for n in self.down.shape[1:]))

    def change(self, scale: float, like: Tensor) -> Tensor:
        """What is added to the weight at this scale: float32, on the device of `like`."""
        up, down = (x.to(like.device) for x in (self.up, self.down))
        return ((up.flatten(1) @ down.flatten(1)) * (self.strength * scale)).view(like.shape)


@dataclass(frozen=True, eq=False)
class Adapter:
    """All factors by module path, such as `unet.middle_block.1.proj_in`.

    `identity` names its content: equal for equal numbers, whatever the name.
    """

    name: str
    identity: str
    factors: Mapping[str, Factors]


@dataclass(frozen=True, eq=False)
class Worn:
    """An adapter and how strongly it counts: 1 as it was trained, 0 not at all."""

    adapter: Adapter
    scale: float = 1.0

    @property
    def mark(self) -> str:
        """Tells it from any other adapter at any other scale."""
        return f"{self.adapter.identity} {float(self.scale)!r}"
