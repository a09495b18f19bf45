"""Floating-point operations of a training step of any size, counted on shapes alone (meta device).

Called by the task, for the share of the machine's peak that is used, and by the benchmark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from backend.measure.flops import counter
from backend.measure.full_size import META
from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.bundle import TEXT_TOKENS, assemble
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.models.layeranimate.layer_control import LayerControls
from training.layeranimate.encode import EncodedBatch, encode_all
from training.layeranimate.objective import LayerAnimateModule
from training.layeranimate.packing import PackedRows
from training.layeranimate.parameters import names_of
from training.layeranimate.settings import TrainableSet
from training.run.feed import made_in_order
from training.run.task import Sample, SampleSource

_DRAWN = 4
"""Samples that a mean cost is taken of."""


@dataclass(frozen=True)
class StepCost:
    """Operations of one training step, two per multiply-add, of all samples together.

    `forward` is the part of the networks that learn or pass gradients on, without the encoders;
    `total` is that, backward, and what is computed again with checkpoints.
    """

    forward: int
    total: int


def meta_module(config: LayerAnimateConfig | None = None) -> LayerAnimateModule:
    """The networks of the released size, or of another, without content, in bfloat16."""
    with META:
        return LayerAnimateModule(assemble(config or LayerAnimateConfig())).to(torch.bfloat16)


def step_cost(
    module: LayerAnimateModule,
    valid: Sequence[int],
    trainable: TrainableSet,
    size: tuple[int, int] = (320, 512),
    checkpointed: Sequence[nn.Module] = (),
) -> StepCost:
    """Cost of one step of a meta module; `valid` slots of each sample, `size` height and width.

    `checkpointed` modules are computed again in the backward pass.
    """
    names = set(names_of(module, trainable))
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name in names)
    module.train()
    encoded = _meta_batch(module, valid, size)
    noisy = torch.empty_like(encoded.clean)
    times = torch.empty(len(valid), dtype=torch.long, device=META)
    restored = [(unit, unit.forward) for unit in checkpointed]
    try:
        for unit, forward in restored:
            unit.forward = partial(checkpoint, forward, use_reentrant=False)
        with counter() as counted:
            loss = (module.predict(encoded, noisy, times) - noisy).square().mean()
            forward_only = int(counted.get_total_flops())
            loss.backward()
        module.zero_grad(set_to_none=True)
    finally:
        for unit, _ in restored:
            del unit.forward
    return StepCost(forward_only, int(counted.get_total_flops()))


def encoding_cost(
    module: LayerAnimateModule, pictures: int, size: tuple[int, int] = (320, 512)
) -> int:
    """Cost of encoding so many pictures with the autoencoder of a meta module."""
    batch = torch.empty(1, 1, 3, *size, device=META, dtype=torch.bfloat16)
    with torch.no_grad(), counter() as counted:
        encode_all(module.vae, batch)
    return pictures * int(counted.get_total_flops())


def _meta_batch(
    module: LayerAnimateModule, valid: Sequence[int], size: tuple[int, int]
) -> EncodedBatch:
    """An encoded batch without content; only which slots are valid has values, on the host."""
    config = module.model.config
    frames, channels = config.resampler.video_length, config.autoencoder.latent_channels
    h, w = (pixels // config.autoencoder.scale for pixels in size)
    slots = torch.arange(max(valid))[None] < torch.tensor(valid)[:, None]
    rows, count, samples = PackedRows.of(slots), int(slots.sum()), len(valid)
    if rows.valid is not None:
        rows = replace(rows, valid=rows.valid.to(META))
    resampler = config.resampler

    def empty(*shape: int) -> Tensor:
        return torch.empty(shape, dtype=torch.bfloat16, device=META)

    return EncodedBatch(
        clean=empty(samples, channels, frames, h, w),
        key_latents=empty(samples, channels, frames, h, w),
        controls=LayerControls(
            latents=empty(count, 1, frames, channels, h, w),
            mask=empty(count, 1, frames, 1, h, w),
            scores=empty(count, 1),
            sketch=empty(count, 1, frames, channels, h, w),
            trajectory=empty(count, 1, frames, 3, *size),
        ),
        rows=rows,
        context=Context(
            empty(samples, TEXT_TOKENS, config.unet.trunk.context_dim),
            empty(samples, frames, resampler.queries_per_frame, resampler.output_dim),
        ),
        fps=empty(samples),
    )


def mean_cost(
    config: LayerAnimateConfig,
    trainable: TrainableSet,
    size: tuple[int, int],
    source: SampleSource,
    *,
    encodes: bool = True,
) -> float:
    """Operations per sample, averaged over a few samples of a source; 0 where none can be made.

    `encodes`: each step runs the autoencoder, too.
    """
    _, drawn, _ = made_in_order(source, range(min(_DRAWN, len(source))), 0)
    if not drawn:
        return 0.0
    slots = [int(sample["layer_validity"].sum()) for sample in drawn]
    module = meta_module(config)
    networks = step_cost(module, slots, trainable, size).total
    pictures = sum(_pictures(sample) for sample in drawn) if encodes else 0.0
    return (networks + encoding_cost(module, 1, size) * pictures) / len(drawn)


def _pictures(sample: Sample) -> float:
    """Pictures of a sample that the autoencoder encodes."""
    keys = float(sample["layer_validity"].sum()) * (2 if bool(sample["two_keys"]) else 1)
    frames = len(sample["video"])
    return frames + keys + frames * float(sample["sketch_regions"].any(1).sum())
