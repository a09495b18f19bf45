"""Samples of LayerAnimate out of layered clips; the recipe's task hands them to the loop."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import torch
from torch import Tensor

from backend.models.layeranimate.clip import ClipTokens
from shared.errors import AcetateError
from training.data.clips import ClipSource
from training.layeranimate.fit import Fitted, fit, pick_frames
from training.layeranimate.sample_settings import SampleRules
from training.layeranimate.sizes import NetworkSizes
from training.layeranimate.steer import Slots, fill_slots
from training.layeranimate.tokens import NeutralTokens, TokenSource
from training.run.task import Sample

RULES_VERSION = "layeranimate samples 2"
"""Part of the fingerprint; changes whenever the same clip would give another sample."""


class LayerAnimateSamples:
    """One sample per clip and epoch; see `training/layeranimate/batch.py` for its tensors."""

    def __init__(
        self,
        clips: ClipSource,
        rules: SampleRules,
        sizes: NetworkSizes,
        tokens: TokenSource | None = None,
    ) -> None:
        """Raises `usage` where the networks cannot make pictures of this size."""
        multiple = sizes.size_multiple_px
        if rules.height % multiple or rules.width % multiple:
            where = f"{rules.width}x{rules.height} is not a multiple of {multiple} both ways"
            raise AcetateError("usage", where=where)
        self.clips, self.rules, self.sizes = clips, rules, sizes
        self._tokens: TokenSource = tokens or NeutralTokens(sizes)

    def neutral(self) -> tuple[np.ndarray, np.ndarray]:
        """Text and image tokens of nothing: the empty prompt and middle grey."""
        grey = np.full((self.rules.height, self.rules.width, 3), 127.5, np.float32)
        found = self._tokens.tokens("", grey)
        return found.neutral_text, found.neutral_image

    @property
    def fingerprint(self) -> str:
        """Hash of the clips, the tokens and the rules."""
        parts = (RULES_VERSION, self.clips.fingerprint, self._tokens.fingerprint, repr(self.sizes))
        told = msgspec.json.encode([*parts, self.rules], order="sorted")
        return hashlib.sha256(told).hexdigest()

    def __len__(self) -> int:
        return len(self.clips)

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        """Sample `index`. Raises `clip_too_short`, `clip_without_layers` and what clips raise.

        Draws come in a fixed order: first those of `steered`, then those of `fresh`.
        """
        found, tokens = self.steered(index, rng)
        return found | self.fresh(tokens, rng)

    def steered(self, index: int, rng: np.random.Generator) -> tuple[Sample, ClipTokens]:
        """The part that pictures decide, and the clip's tokens; caches keep this.

        Draws: frames, mirroring, number of keys, slots.
        """
        rules, sizes = self.rules, self.sizes
        picks = pick_frames(self.clips.frame_count(index), sizes.frames, rules.max_stride, rng)
        mirrored, single = (bool(rng.random() < share) for share in (rules.flip, rules.single_key))
        clip = self.clips.clip(index, picks.frames)
        fitted = fit(clip, rules.height, rules.width, mirrored)
        slots = fill_slots(clip, fitted, picks.stride, rules, rng)
        found: Sample = {
            "two_keys": torch.tensor(not single),
            "fps": torch.tensor(float(round(clip.fps / picks.stride))),
        }
        tokens = self._tokens.tokens(clip.caption, fitted.video[0])
        return found | _pictures(fitted, slots) | _steering(slots), tokens

    def fresh(self, tokens: ClipTokens, rng: np.random.Generator) -> Sample:
        """The part that is drawn anew each time: time step, dropped conditions, noise."""
        timestep = int(rng.integers(0, self.sizes.train_steps))
        place = float(rng.random()) / max(self.rules.condition_dropout, 1e-9)
        found: Sample = {"timestep": torch.tensor(timestep, dtype=torch.int64)}
        return found | _conditions(tokens, place) | self._noise(rng)

    def _noise(self, rng: np.random.Generator) -> Sample:
        rules, sizes = self.rules, self.sizes
        frames, channels = sizes.frames, sizes.latent_channels
        area = (rules.height // sizes.latent_factor, rules.width // sizes.latent_factor)

        def normal(*shape: int) -> Tensor:
            return torch.from_numpy(rng.standard_normal((*shape, *area), np.float32))

        found: Sample = {"noise": normal(channels, frames)}
        if rules.sample_posterior:
            found["video_noise"] = normal(frames, channels)
            found["region_noise"] = normal(rules.layers, 2, channels)
            found["sketch_noise"] = normal(rules.layers, frames, channels)
        return found


def _pictures(fitted: Fitted, slots: Slots) -> Sample:
    """Labels by slot instead of layer; blank paper where the clip has no sketch."""
    table = np.zeros(256, np.uint8)
    for slot, layer in enumerate(slots.layers):
        table[layer + 1] = slot + 1
    labels = table[fitted.labels]
    sketch = np.full_like(labels, 255) if fitted.sketch is None else fitted.sketch
    return {
        "video": _tensor(fitted.video.transpose(0, 3, 1, 2)),
        "labels": _tensor(labels),
        "sketch": _tensor(sketch),
        "sketch_regions": _tensor(slots.regions),
    }


def _steering(slots: Slots) -> Sample:
    validity = np.arange(len(slots.static)) < len(slots.layers)
    return {
        "layer_validity": _tensor(validity),
        "layer_static": _tensor(slots.static),
        "scores": _tensor(slots.scores),
        "tracks": _tensor(slots.tracks),
        "tracked": _tensor(slots.tracked),
    }


def _conditions(tokens: ClipTokens, place: float) -> Sample:
    """Text is neutral for `place` in 0..2, the image in 1..3; both in between."""
    return {
        "text": _tensor(tokens.neutral_text if place < 2 else tokens.text),
        "image": _tensor(tokens.neutral_image if 1 <= place < 3 else tokens.image),
    }


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))
