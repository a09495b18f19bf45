"""Predicts the memory that a clip needs before anything is loaded, and picks a plan that fits.

Called where LayerAnimate is loaded. The real code runs on the meta device with one denoising step
while live storages are counted (`rehearsal`, `live_storage`); a few seconds for the released sizes,
remembered per set of arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from backend.models.layeranimate.bundle import LayerAnimateModel, assemble
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.pipeline.condition import EncodedClip
from backend.pipeline.live_storage import FusedAttention, PeakMemory
from backend.pipeline.memory_plan import PLANS, STEP_PARTS, TOWERS, MemoryPlan
from backend.pipeline.rehearsal import ClipSize, rehearse_decode, rehearse_encode, rehearse_steps
from shared.errors import AcetateError

OVERHEAD_BYTES = 600_000_000
"""CUDA context, libraries and their work space."""

FRAGMENTATION = 0.05
"""Share on top for what the caching allocator cannot use."""

TOWER_PARAMETERS = 986_000_000
"""Text and image encoder of OpenCLIP ViT-H-14 together (spec 1)."""

_USED_BY_STAGE = {
    "tokens": TOWERS,
    "encode": ("vae", "vae_dualref", "image_projector"),
    "sample": STEP_PARTS,
    "decode": ("vae", "vae_dualref"),
}


@dataclass(frozen=True)
class PeakPrediction:
    """Predicted device memory of one clip, in bytes.

    by_stage       weights on the device and live tensors, the most in each stage, without margin
    weights_bytes  all weights, wherever they rest
    total_bytes    the largest stage with the margin (`OVERHEAD_BYTES`, `FRAGMENTATION`)

    Attention is taken to run in a fused kernel, which holds no scores (all three of CUDA's; also
    for the 512 channels of the autoencoder's single head, where only the memory-efficient one
    works). Work space of cuDNN beyond the margin is not counted: it takes less where less is free.
    """

    by_stage: tuple[tuple[str, int], ...]
    weights_bytes: int

    @property
    def total_bytes(self) -> int:
        """What the device must have free before the process starts on it."""
        return round(max(size for _, size in self.by_stage) * (1 + FRAGMENTATION)) + OVERHEAD_BYTES

    def fits(self, limit_bytes: int | None) -> bool:
        """Whether it stays within the limit; None means that there is none."""
        return limit_bytes is None or self.total_bytes <= limit_bytes


@lru_cache(maxsize=64)
def predict_peak(
    config: LayerAnimateConfig,
    plan: MemoryPlan,
    slots: int,
    keys: int,
    size: tuple[int, int],
    dtype: torch.dtype,
    tower_parameters: int = TOWER_PARAMETERS,
) -> PeakPrediction:
    """The memory of one clip: `slots` layers in use, `keys` 1 or 2, `size` height and width in px.

    `dtype` is that of the weights; the two-key autoencoder is in float32, as the loader leaves it.
    """
    model = _weightless(config, dtype)
    weights = {name: _bytes_of(part) for name, part in model.parts().items()}
    weights["text_encoder"] = tower_parameters * dtype.itemsize
    held = {
        stage: sum(
            size for name, size in weights.items() if name in used or name not in plan.offloaded
        )
        for stage, used in _USED_BY_STAGE.items()
    }
    live = _live_bytes(config, dtype, plan, ClipSize(slots, keys, *size))
    by_stage = tuple((stage, held[stage] + live.get(stage, 0)) for stage in held)
    return PeakPrediction(by_stage, sum(weights.values()))


def choose_plan(
    config: LayerAnimateConfig,
    limit_bytes: int | None,
    slots: int,
    keys: int,
    size: tuple[int, int],
    dtype: torch.dtype,
    plans: Sequence[MemoryPlan] = PLANS,
) -> MemoryPlan:
    """The fastest plan that stays within the limit (None: there is no limit).

    Raises `AcetateError("vram_too_small")` where none does; nothing has been loaded by then.
    """
    if limit_bytes is None:
        return plans[0]
    least: PeakPrediction | None = None
    for plan in plans:
        found = predict_peak(config, plan, slots, keys, size, dtype)
        if found.fits(limit_bytes):
            return plan
        least = found if least is None or found.total_bytes < least.total_bytes else least
    needs = 0 if least is None else least.total_bytes
    raise AcetateError(
        "vram_too_small",
        needs=f"{needs / 1e9:.1f}",
        has=f"{limit_bytes / 1e9:.1f}",
        detail=f"{slots} layers, {keys} key frames, {size[1]}x{size[0]}, {dtype}",
    )


@lru_cache(maxsize=2)
def _weightless(config: LayerAnimateConfig, dtype: torch.dtype) -> LayerAnimateModel:
    """The networks on the meta device, in the formats that the loader gives them."""
    with torch.device("meta"):
        model = assemble(config)
    for name, part in model.parts().items():
        part.to(torch.float32 if name == "vae_dualref" else dtype)
    return model


def _bytes_of(part: torch.nn.Module) -> int:
    return sum(tensor.nbytes for tensor in part.state_dict().values())


_Tracked = Callable[[LayerAnimateModel, EncodedClip, MemoryPlan], object]


def _live_bytes(
    config: LayerAnimateConfig, dtype: torch.dtype, plan: MemoryPlan, size: ClipSize
) -> dict[str, int]:
    """The most bytes of tensors, weights apart, that live at once in each stage."""
    steps = MemoryPlan(
        "", sequential_guidance=plan.sequential_guidance, slot_by_slot=plan.slot_by_slot
    )
    return {
        "encode": _encoding(config, dtype, size),
        "sample": _stage(config, dtype, size, rehearse_steps, steps),
        "decode": _stage(config, dtype, size, rehearse_decode, MemoryPlan("", decode=plan.decode)),
    }


@lru_cache(maxsize=64)
def _encoding(config: LayerAnimateConfig, dtype: torch.dtype, size: ClipSize) -> int:
    model = _weightless(config, dtype)
    memory = _tracker(model)
    with torch.no_grad(), FusedAttention(), memory:
        rehearse_encode(model, size)
    return memory.peak_bytes


@lru_cache(maxsize=64)
def _stage(
    config: LayerAnimateConfig,
    dtype: torch.dtype,
    size: ClipSize,
    stage: _Tracked,
    plan: MemoryPlan,
) -> int:
    """The peak of a stage that starts with an encoded clip; `plan` holds only what it looks at."""
    model = _weightless(config, dtype)
    memory = _tracker(model)
    with torch.no_grad(), FusedAttention(), memory:
        clip = rehearse_encode(model, size)
        memory.mark()
        stage(model, clip, plan)
    return memory.peak_bytes


def _tracker(model: LayerAnimateModel) -> PeakMemory:
    """Sees everything but the weights; no inference mode beside it, which hides what composite
    operators allocate in between."""
    memory = PeakMemory(model.device)
    for part in model.parts().values():
        memory.leave_out(part.state_dict().values())
    return memory
