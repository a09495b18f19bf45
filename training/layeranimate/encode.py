"""A batch through the frozen encoders, or from moments kept of them; called by the objective.

Pictures and latents are treated as the pipeline treats them (`backend/pipeline/condition.py`), for
many clips at once and for valid slots only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from backend.models.layeranimate.allocate import allocate
from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.autoencoder import Autoencoder, Posterior
from backend.models.layeranimate.layer_control import LayerControls
from training.layeranimate.batch import LayerBatch, Moments, Pictures, Steering
from training.layeranimate.packing import PackedRows
from training.layeranimate.track_maps import track_maps

ENCODE_PICTURES = 16
"""Pictures that the autoencoder takes at once."""


@dataclass(frozen=True)
class EncodedBatch:
    """What the networks that learn read.

    clean        [B, c, T, h, w] scaled latents of the clip
    key_latents  [B, c, T, h, w], those of the key frames at their places
    controls     one slot a row: [rows, 1, T, ...], of the valid slots only
    context, fps one per sample
    """

    clean: Tensor
    key_latents: Tensor
    controls: LayerControls
    rows: PackedRows
    context: Context
    fps: Tensor


@dataclass(frozen=True)
class RowLatents:
    """Scaled latents of each row: `regions` [rows, 2, c, h, w], `sketch` [rows, T, c, h, w]."""

    regions: Tensor
    masks: Tensor
    sketch: Tensor


class Encoders(Protocol):
    """The parts that encode; a training module has them."""

    vae: Autoencoder
    latent_scale: float

    def image_context(self, image: Tensor) -> Tensor:
        """[B, tokens, e] -> [B, T, tokens, c]."""
        ...


def encode_batch(encoders: Encoders, batch: LayerBatch) -> EncodedBatch:
    """Runs the encoders; gradients reach the image projector only."""
    steering = batch.steering
    rows = PackedRows.of(steering.layer_validity)
    with torch.no_grad():
        clean, found, size = _latents(encoders, batch, rows)
        controls = _controls(steering, rows, found, size, clean.shape[1])
    two_keys = steering.two_keys
    # with one key its latents stand beside every frame, with two each beside its own
    ends = torch.stack([clean[:, 0], clean[:, -1]], dim=1)
    key_latents = allocate(ends, ~two_keys, clean.shape[1], two_keys)
    return EncodedBatch(
        clean=clean.transpose(1, 2),
        key_latents=key_latents.transpose(1, 2),
        controls=controls,
        rows=rows,
        context=Context(steering.text, encoders.image_context(steering.image)),
        fps=steering.fps,
    )


def _latents(
    encoders: Encoders, batch: LayerBatch, rows: PackedRows
) -> tuple[Tensor, RowLatents, tuple[int, int]]:
    """The clip [B, T, c, h, w], the rows, and the size of the pictures in pixels."""
    noise = batch.posterior_noise
    scale = encoders.latent_scale

    def drawn(posterior: Posterior, by: Tensor | None) -> Tensor:
        if by is None:
            return posterior.mode() * scale
        return (posterior.mean + torch.exp(0.5 * posterior.logvar) * by) * scale

    if batch.pictures is not None:
        height, width = batch.pictures.labels.shape[-2:]
        clip, regions, masks, sketch = _encode_pictures(
            encoders.vae, batch.pictures, batch.steering, rows
        )
    else:
        assert batch.moments is not None  # noqa: S101 - one of the two forms is always there
        clip, regions, masks, sketch = _kept_moments(batch.moments, rows)
        factor = encoders.vae.config.scale
        height, width = (factor * n for n in clip.mean.shape[-2:])
    found = RowLatents(
        regions=drawn(regions, None if noise is None else rows.taken(noise.region_noise)),
        masks=masks,
        sketch=drawn(sketch, None if noise is None else rows.taken(noise.sketch_noise)),
    )
    return drawn(clip, None if noise is None else noise.video_noise), found, (height, width)


@torch.no_grad()
def as_moments(encoders: Encoders, batch: LayerBatch) -> LayerBatch:
    """The same batch in the other form, for caches; what is not valid is zero.

    The region of a second key frame is encoded where the batch uses it, else it repeats the first.
    """
    if batch.pictures is None:
        return batch
    steering = batch.steering
    rows = PackedRows.of(steering.layer_validity)
    clip, regions, masks, sketch = _encode_pictures(encoders.vae, batch.pictures, steering, rows)
    slots = steering.layer_validity.shape[1]
    return replace(
        batch,
        pictures=None,
        moments=Moments(
            video_mean=clip.mean,
            video_logvar=clip.logvar,
            region_mean=rows.spread(regions.mean, slots),
            region_logvar=rows.spread(regions.logvar, slots),
            region_mask=rows.spread(masks, slots),
            sketch_mean=rows.spread(sketch.mean, slots),
            sketch_logvar=rows.spread(sketch.logvar, slots),
        ),
    )


def _kept_moments(
    moments: Moments, rows: PackedRows
) -> tuple[Posterior, Posterior, Tensor, Posterior]:
    return (
        Posterior(moments.video_mean, moments.video_logvar),
        Posterior(rows.taken(moments.region_mean), rows.taken(moments.region_logvar)),
        rows.taken(moments.region_mask),
        Posterior(rows.taken(moments.sketch_mean), rows.taken(moments.sketch_logvar)),
    )


def _encode_pictures(
    vae: Autoencoder, pictures: Pictures, steering: Steering, rows: PackedRows
) -> tuple[Posterior, Posterior, Tensor, Posterior]:
    video = as_model_range(pictures.video)  # [B, T, 3, H, W]
    clip = encode_all(vae, video)
    ends = [0, video.shape[1] - 1]
    masks = rows.repeated(pictures.labels[:, ends]) == (rows.slot + 1)[:, None, None, None]
    masks = masks.unsqueeze(2).to(video.dtype)  # [rows, 2, 1, H, W]
    regions = masks * rows.repeated(video[:, ends])  # [rows, 2, 3, H, W]
    small = F.interpolate(
        masks.flatten(0, 1), size=clip.mean.shape[-2:], mode="bilinear", align_corners=False
    ).unflatten(0, masks.shape[:2])
    return (
        clip,
        _encode_regions(vae, regions, steering, rows),
        small,
        _sketches(vae, pictures, rows),
    )


def _encode_regions(
    vae: Autoencoder, regions: Tensor, steering: Steering, rows: PackedRows
) -> Posterior:
    """Both key frames where two are used; the second place is a copy of the first elsewhere."""
    first = encode_all(vae, regions[:, :1])
    with_last = torch.nonzero(rows.repeated(steering.two_keys)).flatten()
    if not len(with_last):
        both = (-1, 2, -1, -1, -1)
        return Posterior(first.mean.expand(both), first.logvar.expand(both))
    last = encode_all(vae, regions[with_last, 1:])
    mean, logvar = (
        torch.cat([one, one.index_copy(0, with_last, other)], dim=1)
        for one, other in ((first.mean, last.mean), (first.logvar, last.logvar))
    )
    return Posterior(mean, logvar)


def _sketches(vae: Autoencoder, pictures: Pictures, rows: PackedRows) -> Posterior:
    """Moments [rows, T, c, h, w]; blank paper is encoded once."""
    shown = rows.taken(pictures.sketch_regions)  # [rows, n + 1]
    drawn = torch.nonzero(shown.any(dim=1)).flatten()
    paper = pictures.sketch.new_full((1, 1, 3, *pictures.sketch.shape[-2:]), 255)
    blank = encode_all(vae, as_model_range(paper))
    shape = (len(rows), pictures.sketch.shape[1], *blank.mean.shape[2:])
    mean, logvar = blank.mean.expand(shape), blank.logvar.expand(shape)
    if len(drawn):
        lines = encode_all(vae, as_model_range(_shown_lines(pictures, rows, shown, drawn)))
        mean = mean.index_copy(0, drawn, lines.mean)
        logvar = logvar.index_copy(0, drawn, lines.logvar)
    return Posterior(mean, logvar)


def _shown_lines(pictures: Pictures, rows: PackedRows, shown: Tensor, drawn: Tensor) -> Tensor:
    """Sketches of the rows `drawn` as RGB bytes [d, T, 3, H, W], paper where nothing is shown."""
    samples = rows.sample[drawn]
    labels = pictures.labels[samples].long()  # [d, T, H, W]
    visible = shown[drawn].gather(1, labels.flatten(1)).view_as(labels)
    lines = pictures.sketch[samples]
    lines = torch.where(visible, lines, torch.full_like(lines, 255))
    return lines.unsqueeze(2).expand(-1, -1, 3, -1, -1)


def _controls(
    steering: Steering, rows: PackedRows, found: RowLatents, size: tuple[int, int], frames: int
) -> LayerControls:
    static = rows.taken(steering.layer_static)
    two_keys = rows.repeated(steering.two_keys)
    return LayerControls(
        latents=allocate(found.regions, static, frames, two_keys).unsqueeze(1),
        mask=allocate(found.masks, static, frames, two_keys).unsqueeze(1),
        scores=rows.taken(steering.scores).unsqueeze(1),
        sketch=found.sketch.unsqueeze(1),
        trajectory=_trajectory(steering, rows, size).unsqueeze(1),
    )


def _trajectory(steering: Steering, rows: PackedRows, size: tuple[int, int]) -> Tensor:
    """Maps [rows, T, 3, H, W]; a clip's rows share the factor of its fastest spot."""
    tracks, tracked = rows.taken(steering.tracks), rows.taken(steering.tracked)
    return track_maps(tracks, tracked, rows.sample, size)


def as_model_range(pictures: Tensor) -> Tensor:
    """Bytes 0..255 -> float32 -1..1."""
    return pictures.float() / 127.5 - 1.0


def encode_all(vae: Autoencoder, pictures: Tensor) -> Posterior:
    """Moments of pictures [a, b, 3, H, W] in -1..1, float32 [a, b, c, h, w]."""
    dtype = vae.quant_conv.weight.dtype
    found = [vae.encode(part.to(dtype)) for part in pictures.flatten(0, 1).split(ENCODE_PICTURES)]
    outer = pictures.shape[:2]
    mean = torch.cat([part.mean for part in found]).float().unflatten(0, outer)
    return Posterior(mean, torch.cat([part.logvar for part in found]).float().unflatten(0, outer))
