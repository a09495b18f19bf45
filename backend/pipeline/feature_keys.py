"""Names what the sampler keeps in a feature store, by everything that decides it.

Keys are digests of content, never of names or positions: an equal layer in another shot, on
another day or in another process has the same key, and nothing that differs shares one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.identity import content, digest, origin
from backend.pipeline.condition import EncodedClip


@dataclass(frozen=True)
class FeatureKeys:
    """Digests of what one clip's control features depend on.

    base      weights, number format, kind of device, library
    layers    one per used slot: its latents, mask, score, sketch and trajectory
    contexts  one per row: text and image tokens, frame rate
    """

    base: str
    layers: Sequence[str]
    contexts: Sequence[str]

    def of(self, layer: int, row: int, timestep: int) -> str:
        """The key of one layer's features in one context at one training time step."""
        parts = (self.base, self.layers[layer], self.contexts[row], str(timestep))
        return digest(*parts)


def feature_keys(model: LayerAnimateModel, clip: EncodedClip) -> FeatureKeys:
    """The keys of a clip's used slots."""
    controls, context = clip.controls, clip.context
    slots = torch.nonzero(clip.validity).flatten().tolist()
    by_slot = (controls.latents, controls.mask, controls.scores, controls.sketch)
    layers = [
        digest(*(content(x[:, slot]) for x in (*by_slot, controls.trajectory))) for slot in slots
    ]
    contexts = [
        digest(content(context.text[row]), content(context.image[row]), content(clip.fps))
        for row in range(context.rows)
    ]
    return FeatureKeys(origin(model, "control"), layers, contexts)
