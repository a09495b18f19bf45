"""Every tensor of a LayerAnimate sample by name, shape and range; samples, objective, cache, LoRA.

A sample comes in one of two forms: as pictures, which the frozen autoencoder encodes inside the
training step, or as posterior moments that were encoded before. Everything else is the same. Sizes:
T frames, n layer slots, P track places a slot, H x W pixels, h x w latent pixels, c latent
channels. The shapes below are those of one sample; a batch has one more axis in front.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

from torch import Tensor

from training.run.task import Batch

KEYS = 2
"""Places for key frames: the first frame and the last. With one key the second place is ignored."""


@dataclass(frozen=True)
class Steering:
    """What both forms share.

    timestep        int64 [], 0 .. train_steps - 1
    noise           float32 [c, T, h, w], standard normal; what is added to the clean latents
    two_keys        bool [], False = animate from the first frame, True = between first and last
    fps             float32 [], round(frames per second / stride between the picked frames)
    layer_validity  bool [n]; valid slots come first, and one at least is valid
    layer_static    bool [n]; False where not valid
    scores          float32 [n] in 0..1, 0 for static layers, -1 = steered otherwise or not valid
    tracks          float32 [n, P, T, 2], x and y in pixels of the H x W picture; 0 where unused
    tracked         bool [n, P], which places hold a track
    text            float32 [tokens, context width], text encoder output, neutral where dropped
    image           float32 [tokens, image width], image encoder output, neutral where dropped
    """

    timestep: Tensor
    noise: Tensor
    two_keys: Tensor
    fps: Tensor
    layer_validity: Tensor
    layer_static: Tensor
    scores: Tensor
    tracks: Tensor
    tracked: Tensor
    text: Tensor
    image: Tensor


@dataclass(frozen=True)
class Pictures:
    """The form that is encoded inside the training step.

    video           uint8 [T, 3, H, W]
    labels          uint8 [T, H, W]: k > 0 belongs to slot k - 1, 0 to no valid slot
    sketch          uint8 [T, H, W], 0 on a line .. 255 paper, of the whole picture
    sketch_regions  bool [n, n + 1]: whether slot i's sketch shows the region with label j; a row
                    without any is a slot without sketch, whose sketch is blank paper
    """

    video: Tensor
    labels: Tensor
    sketch: Tensor
    sketch_regions: Tensor


@dataclass(frozen=True)
class Moments:
    """The form that was encoded before: mean and log-variance, not yet scaled.

    video_*    float32 [T, c, h, w]
    region_*   float32 [n, 2, c, h, w], of mask times picture at the key frames
    region_mask float32 [n, 2, 1, h, w] in 0..1, the masks in latent size
    sketch_*   float32 [n, T, c, h, w]
    """

    video_mean: Tensor
    video_logvar: Tensor
    region_mean: Tensor
    region_logvar: Tensor
    region_mask: Tensor
    sketch_mean: Tensor
    sketch_logvar: Tensor


@dataclass(frozen=True)
class PosteriorNoise:
    """What turns posterior moments into latents; standard normal, or absent: the most likely ones.

    video_noise   float32 [T, c, h, w]
    region_noise  float32 [n, 2, c, h, w]
    sketch_noise  float32 [n, T, c, h, w]
    """

    video_noise: Tensor
    region_noise: Tensor
    sketch_noise: Tensor


Part = TypeVar("Part", Steering, Pictures, Moments, PosteriorNoise)


@dataclass(frozen=True)
class LayerBatch:
    """A batch by its parts; of `pictures` and `moments` exactly one is there."""

    steering: Steering
    pictures: Pictures | None
    moments: Moments | None
    posterior_noise: PosteriorNoise | None

    @classmethod
    def of(cls, batch: Batch) -> LayerBatch:
        """The typed view of named tensors. Raises KeyError for a tensor that is missing."""
        return cls(
            steering=_taken(Steering, batch),
            pictures=_taken(Pictures, batch) if "video" in batch else None,
            moments=None if "video" in batch else _taken(Moments, batch),
            posterior_noise=_taken(PosteriorNoise, batch) if "video_noise" in batch else None,
        )

    @property
    def samples(self) -> int:
        """B."""
        return int(self.steering.timestep.shape[0])

    def named(self) -> Batch:
        """Back to named tensors."""
        found: Batch = {}
        for part in (self.steering, self.pictures, self.moments, self.posterior_noise):
            if part is not None:
                found |= {field.name: getattr(part, field.name) for field in fields(part)}
        return found


def _taken(kind: type[Part], batch: Batch) -> Part:
    return kind(**{name: batch[name] for name in kind.__dataclass_fields__})
