"""Noise schedule and the stochastic v-prediction step (spec 3.3); used by sampler and training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.models.layeranimate.configs import SchedulerConfig
from shared.errors import AcetateError


@dataclass(frozen=True)
class StepResult:
    """The next latents and the present estimate of the clean ones, both shaped like the input."""

    latents: Tensor
    clean: Tensor


class NoiseSchedule:
    """Cumulative signal shares per training time step, with zero signal at the last one."""

    def __init__(self, config: SchedulerConfig) -> None:
        self.config = config
        roots = np.linspace(config.beta_start**0.5, config.beta_end**0.5, config.train_steps)
        signal = np.sqrt(np.cumprod(1.0 - roots**2))
        if config.zero_terminal_snr:
            signal = (signal - signal[-1]) * signal[0] / (signal[0] - signal[-1])
        self.signal_shares: NDArray[np.float64] = signal**2  # [train_steps]

    def timesteps(self, steps: int) -> list[int]:
        """`steps` training time steps from the last one down, evenly spaced from the end."""
        count = self.config.train_steps
        if not 1 <= steps <= count:
            raise AcetateError("invalid_request", where=f"{steps} steps; 1 to {count} are possible")
        return [round(count - i * count / steps) - 1 for i in range(steps)]

    def step(
        self,
        prediction: Tensor,
        latents: Tensor,
        timestep: int,
        following: int | None,
        eta: float,
        noise: Tensor | None,
    ) -> StepResult:
        """From `timestep` to the `following` one (None after the last).

        `noise` is needed when eta > 0. After the last step the share of time step 0 remains, as
        the official scheduler has it.
        """
        now = float(self.signal_shares[timestep])
        then = float(self.signal_shares[0 if following is None else following])
        clean = now**0.5 * latents - (1 - now) ** 0.5 * prediction
        direction = now**0.5 * prediction + (1 - now) ** 0.5 * latents
        variance = max((1 - then) / (1 - now) * (1 - now / then), 0.0) if now < then else 0.0
        sigma = eta * variance**0.5
        moved = then**0.5 * clean + max(1 - then - sigma**2, 0.0) ** 0.5 * direction
        if sigma > 0 and noise is not None:
            moved = moved + sigma * noise
        return StepResult(moved, clean)

    def add_noise(self, clean: Tensor, noise: Tensor, timesteps: Tensor) -> tuple[Tensor, Tensor]:
        """Noisy latents and the v target at `timesteps` [rows]; the forward process of training."""
        shares = torch.as_tensor(self.signal_shares, dtype=torch.float32, device=clean.device)
        share = shares[timesteps].reshape(-1, *([1] * (clean.dim() - 1)))
        signal, spread = share.sqrt(), (1 - share).sqrt()
        return signal * clean + spread * noise, signal * noise - spread * clean


def guide(neutral: Tensor, prompted: Tensor, scale: float, rescale: float) -> Tensor:
    """Classifier-free guidance, with its spread pulled back towards the prompted prediction.

    Both [rows, ...]; `rescale` 0 leaves plain guidance, 1 restores the spread fully.
    """
    guided = neutral + scale * (prompted - neutral)
    if rescale == 0:
        return guided
    axes = tuple(range(1, guided.dim()))
    ratio = prompted.std(axes, keepdim=True) / guided.std(axes, keepdim=True)
    return rescale * ratio * guided + (1 - rescale) * guided
