"""The networks of LayerAnimate as one module that learns, and what it minimises.

Called by the task, the adapters and the distillations; the networks are the backend's own.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.autoencoder import Autoencoder
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.layer_control import LayerControl, LayerControls, TrajectoryEncoder
from backend.models.layeranimate.resampler import Resampler
from backend.models.layeranimate.unet import LayerFeatures, UNet
from training.layeranimate.batch import LayerBatch
from training.layeranimate.encode import EncodedBatch, encode_batch
from training.run.task import Batch, TrainingModule


class LayerAnimateModule(TrainingModule):
    """Networks under the folder names of the released layout; see `Work` for what it can do."""

    def __init__(self, model: LayerAnimateModel, dropout: float = 0.0) -> None:
        """`dropout` replaces that of the configuration.

        It is the one thing that draws from the process's own random state, so that with any
        dropout the number of processes changes what is learned.
        """
        super().__init__()
        self.model = model
        self.unet: UNet = model.unet
        self.layer_controlnet: LayerControl = model.control
        self.image_projector: Resampler = model.resampler
        self.vae: Autoencoder = model.autoencoder
        self.latent_scale = model.config.latent_scale
        for module in (*self.unet.modules(), *self.layer_controlnet.modules()):
            if isinstance(module, nn.Dropout):
                module.p = dropout

    def forward(self, batch: Batch, work: Work | None = None) -> Tensor:
        """Loss of every sample, float32 [samples]; or the result of other `work` on the batch.

        All that touches the weights has to run inside a forward: weights that are shared out over
        processes are whole only here.
        """
        return (work or denoising_losses)(self, LayerBatch.of(batch))

    def units(self) -> list[nn.Module]:
        """Blocks that every step calls as a whole: the stages and the encoder of trajectories."""
        branch = self.layer_controlnet
        path = branch.trajectory_embedding
        return [
            *self.unet.input_stages(),
            self.unet.middle_block,
            *self.unet.output_blocks,
            *(self.unet.init_attn or ()),
            # the branch calls the convolution inside its first stage by itself, and not all stages
            *branch.input_stages()[1 : branch.live],
            *(branch.init_attn or ()),
            *([path] if isinstance(path, TrajectoryEncoder) else []),
        ]

    def image_context(self, image: Tensor) -> Tensor:
        """Image tokens [B, tokens, e] as context [B, T, tokens, c]."""
        return self.image_projector(image.to(self.image_projector.latents.dtype))

    def encode(self, batch: LayerBatch) -> EncodedBatch:
        """The batch as latents and controls."""
        return encode_batch(self, batch)

    def features(self, encoded: EncodedBatch, x: Tensor, timesteps: Tensor) -> LayerFeatures | None:
        """Layer features at time steps [B]; `x` [B, 8, T, h, w] is the UNet's input."""
        rows, branch = encoded.rows, self.layer_controlnet
        if not len(rows):
            return None
        noisy = rows.repeated(x) if branch.config.uses_noisy_latents else None
        stem = branch.stem(_controls_as(x.dtype, encoded.controls), noisy)
        context = rows.context(_context_as(x.dtype, encoded.context))
        fps = rows.repeated(encoded.fps)
        maps = branch.features(stem, rows.repeated(timesteps), context, fps)
        return LayerFeatures([rows.spread(part.squeeze(1)) for part in maps], rows.valid)

    def predict(self, encoded: EncodedBatch, noisy: Tensor, timesteps: Tensor) -> Tensor:
        """v, float32 [B, c, T, h, w], for noisy latents of that shape at time steps [B]."""
        dtype = self.unet.dtype
        x = torch.cat([noisy, encoded.key_latents], dim=1).to(dtype)
        layers = self.features(encoded, x, timesteps)
        context = _context_as(dtype, encoded.context)
        return self.unet(x, timesteps, context, encoded.fps, layers).float()


def _context_as(dtype: torch.dtype, context: Context) -> Context:
    return Context(context.text.to(dtype), context.image.to(dtype))


def _controls_as(dtype: torch.dtype, controls: LayerControls) -> LayerControls:
    """Scores stay in float32: the branch rounds them itself."""
    latents, mask = controls.latents.to(dtype), controls.mask.to(dtype)
    sketch, trajectory = controls.sketch.to(dtype), controls.trajectory.to(dtype)
    return LayerControls(latents, mask, controls.scores, sketch, trajectory)


Work = Callable[[LayerAnimateModule, LayerBatch], Tensor]
"""Something to compute of a batch with the weights whole."""


def denoising_losses(module: LayerAnimateModule, batch: LayerBatch) -> Tensor:
    """Mean squared error of v per sample, float32 [B].

    Papers write the loss with epsilon; with no signal left at the last time step it must be v
    (`spec/layeranimate-unet.md` 6).
    """
    encoded = module.encode(batch)
    steering = batch.steering
    noisy, target = module.model.schedule.add_noise(
        encoded.clean, steering.noise, steering.timestep
    )
    prediction = module.predict(encoded, noisy, steering.timestep)
    return (prediction - target).square().flatten(1).mean(1)


def sampled(steps: int) -> Work:
    """Clean latents [B, c, T, h, w] from the batch's noise, without guidance and fresh noise."""

    @torch.no_grad()
    def work(module: LayerAnimateModule, batch: LayerBatch) -> Tensor:
        encoded = module.encode(batch)
        schedule = module.model.schedule
        latents = batch.steering.noise
        timesteps = schedule.timesteps(steps)
        for now, following in zip(timesteps, [*timesteps[1:], None], strict=True):
            times = torch.full_like(batch.steering.timestep, now)
            prediction = module.predict(encoded, latents, times)
            latents = schedule.step(prediction, latents, now, following, 0.0, None).latents
        return latents

    return work


@torch.no_grad()
def target_latents(module: LayerAnimateModule, batch: LayerBatch) -> Tensor:
    """What a perfect sampler would give: the clip's own latents [B, c, T, h, w]."""
    return module.encode(batch).clean


def decoded(latents_of: Work) -> Work:
    """Pictures in 0..1, float32 [B, T, 3, H, W], of the latents that another work gives."""

    @torch.no_grad()
    def work(module: LayerAnimateModule, batch: LayerBatch) -> Tensor:
        latents = latents_of(module, batch).transpose(1, 2) / module.latent_scale
        dtype = module.vae.quant_conv.weight.dtype
        pictures = [module.vae.decode(frame.to(dtype)) for frame in latents.flatten(0, 1).split(2)]
        whole = torch.cat(pictures).float().unflatten(0, latents.shape[:2])
        return (whole / 2 + 0.5).clamp(0, 1)

    return work
