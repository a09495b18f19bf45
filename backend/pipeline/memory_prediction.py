"""Predicts the memory that a clip needs before anything is loaded, and picks a plan that fits.

Called where LayerAnimate is loaded. The real code runs on the meta device with one denoising step
while live storages are counted (`rehearsal`, `quick_peak`): a few seconds for the released sizes,
remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from backend.measure.full_size import meta_clip, meta_model
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.pipeline.condition import EncodedClip
from backend.pipeline.memory_plan import (
    DECODE_PARTS,
    ENCODE_PARTS,
    PLANS,
    STEP_PARTS,
    TOWERS,
    MemoryPlan,
)
from backend.pipeline.quick_peak import QuickPeak
from backend.pipeline.rehearsal import rehearse_decode, rehearse_encode, rehearse_steps
from shared.errors import AcetateError

OVERHEAD_BYTES = 600_000_000
"""CUDA context, libraries and their work space."""

FRAGMENTATION = 0.05
"""Share on top for what the caching allocator cannot use."""

TOWER_PARAMETERS = 986_000_000
"""Text and image encoder of OpenCLIP ViT-H-14 together (spec 1)."""

_ClipSize = tuple[int, int, tuple[int, int]]
"""Layer slots in use, key frames, height and width in pixels."""

_Stage = Callable[[LayerAnimateModel, EncodedClip, MemoryPlan, int], object]

_USED_BY_STAGE = {
    "tokens": TOWERS,
    "encode": ENCODE_PARTS,
    "sample": STEP_PARTS,
    "decode": DECODE_PARTS,
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
        return _with_margin(max(size for _, size in self.by_stage))


def _with_margin(size: int) -> int:
    return round(size * (1 + FRAGMENTATION)) + OVERHEAD_BYTES


def predict_peak(
    config: LayerAnimateConfig,
    plan: MemoryPlan,
    slots: int,
    keys: int,
    size: tuple[int, int],
    dtype: torch.dtype,
    tower_parameters: int = TOWER_PARAMETERS,
    seeds: int = 1,
) -> PeakPrediction:
    """The memory of one clip: `slots` layers in use, `keys` 1 or 2, `size` height and width in px.

    `dtype` is that of the weights; the two-key autoencoder is in float32, as the loader leaves it.
    `seeds`: how many takes run as one batch.
    """
    weights = _weights(config, dtype, tower_parameters)
    stages = _stages(config, plan, (slots, keys, size), dtype, tower_parameters, seeds)
    return PeakPrediction(tuple(stages), sum(weights.values()))


def choose_plan(
    config: LayerAnimateConfig,
    limit_bytes: int | None,
    slots: int,
    keys: int,
    size: tuple[int, int],
    dtype: torch.dtype,
    plans: Sequence[MemoryPlan] = PLANS,
    tower_parameters: int = TOWER_PARAMETERS,
) -> MemoryPlan:
    """The fastest plan that stays within the limit (None: there is no limit).

    Raises `AcetateError("vram_too_small")` where none does; nothing has been loaded by then.
    """
    if limit_bytes is None:
        return plans[0]
    clip = (slots, keys, size)
    for plan in plans:
        stages = _stages(config, plan, clip, dtype, tower_parameters)
        # lazily: the first stage that is too large spares the others
        if all(_with_margin(found) <= limit_bytes for _, found in stages):
            return plan
    least = predict_peak(config, plans[-1], slots, keys, size, dtype, tower_parameters)
    raise AcetateError(
        "vram_too_small",
        needs=f"{least.total_bytes / 1e9:.1f}",
        has=f"{limit_bytes / 1e9:.1f}",
        detail=f"{slots} layers, {keys} key frames, {size[1]}x{size[0]}, {dtype}",
    )


def takes_that_fit(
    config: LayerAnimateConfig,
    plan: MemoryPlan,
    takes: int,
    limit_bytes: int,
    slots: int,
    keys: int,
    size: tuple[int, int],
    dtype: torch.dtype,
    tower_parameters: int = TOWER_PARAMETERS,
) -> int:
    """How many of the takes run as one batch by a plan within the limit: all, a half, ... or 1.

    1 also where the control branch reads the noisy latents, which takes do not share.
    """
    if config.control.uses_noisy_latents:
        return 1
    clip = (slots, keys, size)
    while takes > 1:
        stages = _stages(config, plan, clip, dtype, tower_parameters, takes)
        if all(_with_margin(found) <= limit_bytes for _, found in stages):
            break
        takes = -(-takes // 2)
    return takes


def _stages(
    config: LayerAnimateConfig,
    plan: MemoryPlan,
    clip: _ClipSize,
    dtype: torch.dtype,
    tower_parameters: int,
    seeds: int = 1,
) -> Iterator[tuple[str, int]]:
    """Each stage and its bytes: the weights that the plan leaves on the device, and live tensors.

    Every stage runs with the part of the plan that it looks at, so that plans share what is known.
    """
    weights = _weights(config, dtype, tower_parameters)
    steps = MemoryPlan(
        "", sequential_guidance=plan.sequential_guidance, slot_by_slot=plan.slot_by_slot
    )
    runs: Mapping[str, tuple[_Stage, MemoryPlan]] = {
        "encode": (rehearse_encode, MemoryPlan("")),
        "sample": (rehearse_steps, steps),
        "decode": (rehearse_decode, MemoryPlan("", decode=plan.decode)),
    }
    resting = (*TOWERS, *plan.offloaded)
    for stage, used in _USED_BY_STAGE.items():
        held = sum(size for name, size in weights.items() if name in used or name not in resting)
        batch = seeds if stage == "sample" else 1
        live = _live_bytes(config, dtype, clip, *runs[stage], batch) if stage in runs else 0
        yield stage, held + live


@lru_cache(maxsize=8)
def _weights(
    config: LayerAnimateConfig, dtype: torch.dtype, tower_parameters: int
) -> dict[str, int]:
    """Bytes of the weights of every part."""
    parts = _weightless(config, dtype).parts()
    towers = {TOWERS[0]: tower_parameters * dtype.itemsize}
    return {name: _bytes_of(part) for name, part in parts.items()} | towers


@lru_cache(maxsize=2)
def _weightless(config: LayerAnimateConfig, dtype: torch.dtype) -> LayerAnimateModel:
    """The networks on the meta device, in the formats that the loader gives them."""
    model = meta_model(config, dtype)
    if model.dual is not None:
        model.dual.to(torch.float32)
    return model


def _bytes_of(part: torch.nn.Module) -> int:
    return sum(tensor.nbytes for tensor in part.state_dict().values())


@lru_cache(maxsize=64)
def _live_bytes(
    config: LayerAnimateConfig,
    dtype: torch.dtype,
    size: _ClipSize,
    stage: _Stage,
    plan: MemoryPlan,
    seeds: int,
) -> int:
    """The most bytes, weights apart, that live at once in one stage, an encoded clip included.

    `plan` holds only what the stage looks at.
    """
    model = _weightless(config, dtype)
    slots, keys, pixels = size
    clip = meta_clip(model, slots, slots, keys, pixels)
    with QuickPeak() as memory:
        stage(model, clip, plan, seeds)
    return _clip_bytes(clip) + memory.above_bytes


def _clip_bytes(clip: EncodedClip) -> int:
    """What the device holds of a clip from its encoding to its end."""
    tensors = [clip.key_latents, *vars(clip.controls).values(), *vars(clip.context).values()]
    return sum(tensor.nbytes for tensor in (*tensors, *(clip.references or ())))
