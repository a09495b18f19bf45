"""Pictures to scaled latents, equal ones only once; used by the condition step."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch
from torch import Tensor

from backend.models.layeranimate.autoencoder import Posterior
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.clip import Check, ClipProgress, Report


class PictureEncoder:
    """Encodes pictures to scaled latents; equal pictures (blank paper, empty slots) only once.

    One picture at a time: so its latents depend on no other picture, not even in the last bit, and
    editing one layer leaves those of the others as they were.
    """

    def __init__(
        self,
        model: LayerAnimateModel,
        two_keys: bool,
        generator: torch.Generator | None,
        check: Check,
        report: Report,
    ) -> None:
        chosen = model.dual if two_keys and model.dual is not None else model.autoencoder
        weight = chosen.quant_conv.weight
        self.device, self.dtype = weight.device, weight.dtype
        self._encode: Callable[[Tensor], Posterior] = chosen.encode
        self._scale = model.config.latent_scale
        self._generator = generator
        self._check, self._report = check, report
        self._known: dict[bytes, Tensor] = {}
        self._done = self._total = 0

    def expect(self, *batches: Tensor) -> None:
        """Announces what will come, so that progress has a total."""
        self._total = len({_digest(picture) for batch in batches for picture in batch})

    def scaled(self, posterior: Posterior) -> Tensor:
        """Latents of a posterior in the model's scale."""
        if self._generator is None:
            return posterior.mode() * self._scale
        return posterior.sample(self._generator) * self._scale

    def __call__(self, pictures: Tensor) -> Tensor:
        """[b, 3, H, W] -> [b, 4, h, w]."""
        digests = [_digest(picture) for picture in pictures]
        for digest, picture in zip(digests, pictures, strict=True):
            if digest not in self._known:
                self._check()
                batch = picture.unsqueeze(0).to(self.device, self.dtype)
                self._known[digest] = self.scaled(self._encode(batch))[0]
                self._done += 1
                total = max(self._total, self._done)
                self._report(ClipProgress("encode", self._done, total))
        return torch.stack([self._known[d] for d in digests])


def _digest(picture: Tensor) -> bytes:
    """Identity of one picture's content."""
    return hashlib.blake2b(picture.contiguous().numpy().tobytes(), digest_size=16).digest()
