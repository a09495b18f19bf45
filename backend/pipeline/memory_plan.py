"""Ways to run LayerAnimate in little memory, fast ones first; read by sampler and planner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.sliced_decode import DecodeSlices

TOWERS = ("text_encoder", "image_encoder")
"""The text and image encoders: they rest on the host under every plan, and visit the device."""

ENCODE_PARTS = ("vae", "vae_dualref", "image_projector")
"""Parts that turn pictures and tokens into what the steps read."""

DECODE_PARTS = ("vae", "vae_dualref")
"""Parts that turn latents into pictures."""

STEP_PARTS = ("unet", "layer_controlnet")
"""Parts that every denoising step uses."""


@dataclass(frozen=True)
class MemoryPlan:
    """What to give up for memory; every plan gives the same pictures within float noise.

    offloaded            parts that rest on the host while they are not used
    sequential_guidance  the neutral and the prompted half of a step run one after the other
    slot_by_slot         the control branch takes one layer slot at a time
    decode               slices of the two-key decoder; None decodes the clip at once
    """

    name: str
    offloaded: tuple[str, ...] = ()
    sequential_guidance: bool = False
    slot_by_slot: bool = False
    decode: DecodeSlices | None = None

    def place(self, model: LayerAnimateModel, device: torch.device | str) -> None:
        """Brings a loaded model to the device, except the parts that this plan offloads."""
        where = torch.device(device)
        model.placement.settle(model.parts(), where, self.resting_on(where))

    def resting_on(self, device: torch.device) -> tuple[str, ...]:
        """The parts to offload from a device: none from the CPU."""
        return () if device.type == "cpu" else self.offloaded

    @contextmanager
    def using(self, model: LayerAnimateModel, *parts: str) -> Iterator[None]:
        """Has these parts of a placed model on its device inside the block."""
        with model.placement.using(*parts):
            yield


_ALL_PARTS = (*ENCODE_PARTS, *STEP_PARTS)
_WIDE = DecodeSlices(frames=4, slice_bytes=256 << 20)

FAST = MemoryPlan("fast")

PLANS = (
    FAST,
    MemoryPlan("sliced-decode", decode=_WIDE),
    MemoryPlan("lean", offloaded=ENCODE_PARTS, decode=_WIDE),
    MemoryPlan("slots", offloaded=ENCODE_PARTS, slot_by_slot=True, decode=DecodeSlices()),
    MemoryPlan("swap", offloaded=_ALL_PARTS, slot_by_slot=True, decode=DecodeSlices()),
    MemoryPlan(
        "least",
        offloaded=_ALL_PARTS,
        sequential_guidance=True,
        slot_by_slot=True,
        decode=DecodeSlices(),
    ),
)
"""From fast to small."""
