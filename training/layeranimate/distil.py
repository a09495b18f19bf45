"""A student of LayerAnimate that does by itself what costs its teacher several predictions.

Called by the distillation task. Guidance after "On Distillation of Guided Diffusion Models"
(arXiv 2210.03142) section 3 with the scale held fixed; fewer steps after "Progressive Distillation"
(arXiv 2202.00512) section 3, algorithm 2, for v predictions on trailing time steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.configs import BuiltInGuidance, LayerAnimateConfig
from backend.models.layeranimate.schedule import NoiseSchedule, guide
from shared.errors import AcetateError
from training.layeranimate.batch import LayerBatch
from training.layeranimate.distil_settings import DistilOptions
from training.layeranimate.encode import EncodedBatch
from training.layeranimate.objective import LayerAnimateModule, Work
from training.run.task import Batch


@dataclass(frozen=True, eq=False)
class NeutralContext:
    """What guidance compares with: `text` [tokens, c] of the empty prompt, `image` [tokens, e]."""

    text: Tensor
    image: Tensor


def student_config(teacher: LayerAnimateConfig, options: DistilOptions) -> LayerAnimateConfig:
    """The teacher's sizes with what the student will do by itself.

    Raises `usage` for options that this teacher cannot teach.
    """
    _check(teacher, options)
    config = teacher
    if options.fixed_timestep >= 0:
        control = replace(config.control, fixed_timestep=options.fixed_timestep)
        config = replace(config, control=control)
    if options.guidance > 0:
        guidance = BuiltInGuidance(options.guidance, options.rescale)
        config = replace(config, unet=replace(config.unet, built_in_guidance=guidance))
    if options.steps > 0:
        config = replace(config, scheduler=replace(config.scheduler, student_steps=options.steps))
    return config


def as_student(model: LayerAnimateModel, options: DistilOptions) -> LayerAnimateModel:
    """The same networks under the student's configuration; exports and samplers read it."""
    config = student_config(model.config, options)
    model.unet.config, model.control.config = config.unet, config.control
    return replace(model, config=config, schedule=NoiseSchedule(config.scheduler))


class DistilModule(LayerAnimateModule):
    """A student with its frozen teacher beside it; the student's networks have the usual names."""

    def __init__(
        self,
        student: LayerAnimateModel,
        teacher: LayerAnimateModel,
        options: DistilOptions,
        neutral: NeutralContext,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(as_student(student, options), dropout)
        self.options = options
        self.teacher = LayerAnimateModule(teacher).requires_grad_(False)
        self.register_buffer("neutral_text", neutral.text, persistent=False)
        self.register_buffer("neutral_image", neutral.image, persistent=False)
        self.neutral_text: Tensor
        self.neutral_image: Tensor

    def forward(self, batch: Batch, work: Work | None = None) -> Tensor:
        """Distance to the teacher of every sample, float32 [samples]; or the result of `work`."""
        if work is not None:
            return super().forward(batch, work)
        return self._losses(LayerBatch.of(batch))

    def _losses(self, batch: LayerBatch) -> Tensor:
        times, steering = self._times(batch.steering.timestep), batch.steering
        encoded = self.encode(batch)
        noisy, _ = self.schedule.add_noise(encoded.clean, steering.noise, times)
        with torch.no_grad():
            # one frozen autoencoder serves both; only what reads the first frame may have learned
            image = self.teacher.image_context(steering.image)
            taught = replace(encoded, context=Context(steering.text, image))
            target = self._target(taught, noisy, times)
        prediction = self.predict(encoded, noisy, times)
        return (prediction - target).square().flatten(1).mean(1)

    @property
    def schedule(self) -> NoiseSchedule:
        """The noise schedule of both."""
        return self.model.schedule

    def _times(self, timesteps: Tensor) -> Tensor:
        """The time steps that the student will meet, evenly drawn as the given ones are."""
        steps, count = self.options.steps, self.schedule.config.train_steps
        if steps == 0:
            return timesteps
        known = torch.tensor(self.schedule.timesteps(steps)[::-1], device=timesteps.device)
        return known[timesteps * steps // count]

    def _target(self, encoded: EncodedBatch, noisy: Tensor, times: Tensor) -> Tensor:
        """The v that one step of the student needs to end where the teacher ends."""
        if self.options.steps == 0:
            return self._guided(encoded, noisy, times)
        middle, last = self._way(times)
        now, half, then = (self._shares(t) for t in (times, middle, last))
        z = moved(self._guided(encoded, noisy, times), noisy, now, half)
        z = moved(self._guided(encoded, z, middle), z, half, then)
        return velocity_between(noisy, z, now, then)

    def _way(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """Where the teacher's two steps end, [samples] each; after the last step: time step 0."""
        own, teachers = self.options.steps, 2 * self.options.steps
        fine = [*self.schedule.timesteps(teachers), 0]
        coarse = self.schedule.timesteps(own)
        place = {t: i for i, t in enumerate(coarse)}
        at = [place[int(t)] for t in times]
        middle = [fine[2 * i + 1] for i in at]
        last = [fine[2 * i + 2] for i in at]
        return times.new_tensor(middle), times.new_tensor(last)

    def _shares(self, times: Tensor) -> Tensor:
        """Signal shares [samples, 1, 1, 1, 1] in float64."""
        shares = torch.from_numpy(self.schedule.signal_shares).to(times.device)
        return shares[times][:, None, None, None, None]

    def _guided(self, encoded: EncodedBatch, noisy: Tensor, times: Tensor) -> Tensor:
        """What the teacher would sample with."""
        prompted = self.teacher.predict(encoded, noisy, times)
        if self.options.guidance == 0:
            return prompted
        count = len(noisy)
        text = self.neutral_text.expand(count, *self.neutral_text.shape)
        image = self.teacher.image_context(self.neutral_image[None])
        context = Context(text, image.expand(count, *image.shape[1:]))
        neutral = self.teacher.predict(replace(encoded, context=context), noisy, times)
        return guide(neutral, prompted, self.options.guidance, self.options.rescale)


def moved(velocity: Tensor, noisy: Tensor, now: Tensor, then: Tensor) -> Tensor:
    """Latents one step on without fresh noise, in float64; `now`, `then` are signal shares."""
    v, z = velocity.double(), noisy.double()
    clean = now.sqrt() * z - (1 - now).sqrt() * v
    direction = now.sqrt() * v + (1 - now).sqrt() * z
    return (then.sqrt() * clean + (1 - then).sqrt() * direction).float()


def velocity_between(start: Tensor, end: Tensor, now: Tensor, then: Tensor) -> Tensor:
    """The v whose one step leads from `start` to `end`: the inverse of `moved`."""
    a, b = start.double(), end.double()
    signal, spread = now.sqrt(), (1 - now).sqrt()
    along, across = then.sqrt(), (1 - then).sqrt()
    # with v: end = along * (signal a - spread v) + across * (signal v + spread a)
    return (
        (b - (along * signal + across * spread) * a) / (across * signal - along * spread)
    ).float()


def _check(teacher: LayerAnimateConfig, options: DistilOptions) -> None:
    few = teacher.scheduler.student_steps
    faults = {
        "distil teaches nothing: set fixed_timestep, guidance or steps": not any(
            (options.fixed_timestep >= 0, options.guidance > 0, options.steps > 0)
        ),
        "the teacher's guidance is built in already": options.guidance > 0
        and teacher.unet.built_in_guidance is not None,
        "a fixed_timestep must be one that the teacher knows": options.fixed_timestep
        >= teacher.scheduler.train_steps,
        f"the teacher makes {few} steps: the student half as many": few is not None
        and options.steps != few / 2,
        "the teacher needs two time steps for each of the student's": 2 * options.steps
        > teacher.scheduler.train_steps,
    }
    for where, holds in faults.items():
        if holds:
            raise AcetateError("usage", where=where)
