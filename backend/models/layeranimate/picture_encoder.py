"""Pictures to scaled latents, equal ones only once; used by the condition step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from backend.models.layeranimate.autoencoder import Posterior
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.clip import Check, ClipProgress, Report
from backend.models.layeranimate.identity import content, digest, origin
from backend.pipeline.feature_store.contract import NoStore, TensorStore


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
        store: TensorStore | None = None,
    ) -> None:
        chosen = model.dual if two_keys and model.dual is not None else model.autoencoder
        weight = chosen.quant_conv.weight
        self.device, self.dtype = weight.device, weight.dtype
        self._encode: Callable[[Tensor], Posterior] = chosen.encode
        self._scale = model.config.latent_scale
        self._generator = generator
        self._check, self._report = check, report
        # drawn latents differ each time: only the most likely ones are kept
        self._store: TensorStore = store if store and generator is None else NoStore()
        self._origin = origin(model, "latents of vae" if chosen is model.autoencoder else "dual")
        self._known: dict[str, Tensor] = {}
        self._done = self._total = 0

    def expect(self, *batches: Tensor) -> None:
        """Announces what will come, so that progress has a total."""
        self._total = len({content(picture) for batch in batches for picture in batch})

    def scaled(self, posterior: Posterior) -> Tensor:
        """Latents of a posterior in the model's scale."""
        if self._generator is None:
            return posterior.mode() * self._scale
        return posterior.sample(self._generator) * self._scale

    def __call__(self, pictures: Tensor) -> Tensor:
        """[b, 3, H, W] -> [b, 4, h, w]."""
        digests = [content(picture) for picture in pictures]
        for found, picture in zip(digests, pictures, strict=True):
            if found not in self._known:
                self._check()
                self._known[found] = self._latents(found, picture)
                self._done += 1
                total = max(self._total, self._done)
                self._report(ClipProgress("encode", self._done, total))
        return torch.stack([self._known[found] for found in digests])

    def _latents(self, found: str, picture: Tensor) -> Tensor:
        """[3, H, W] -> [4, h, w], from the store or from the network."""
        key = digest(self._origin, str(self.dtype), found)
        kept = self._store.get(key, self.device)
        if kept is not None:
            return kept[0]
        batch = picture.unsqueeze(0).to(self.device, self.dtype)
        latents = self.scaled(self._encode(batch))[0]
        self._store.put(key, (latents,))
        return latents
