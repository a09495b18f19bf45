"""How a layered clip becomes a training sample, as data of a recipe; free of torch."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=1)]


class ControlMix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights by which the control of each kept layer is drawn; they need not add up to 1.

    A layer that cannot have what was drawn, for want of tracks or of a sketch, gets its score.
    """

    score: Annotated[float, Meta(ge=0.0)] = 0.2
    trajectory: Annotated[float, Meta(ge=0.0)] = 0.4
    sketch: Annotated[float, Meta(ge=0.0)] = 0.4


class SampleRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rules of `spec/curation.md` 1.5, 1.8, 1.9 and `spec/backend-and-training.md` B1.1.

    height, width      of training pictures; clips are scaled to cover them and cut at the centre
    layers             slots; of more layers the largest are kept, in the order given
    max_stride         frames are picked 1..max_stride apart, as far as the clip reaches; 0 = spread
                       over the whole clip, as the official reader does for 16 frames
    static_below       pixels a picked frame; a layer that moves less is static
    full_score         pixels a picked frame that count as a score of 1
    mix                which control a layer gets
    mask_dropout       share of layers that are left out with all their controls; one is always kept
    sketch_context     probability that a layer's sketch also shows the region of each other layer
    single_key         share of samples with one key frame
    flip               share of mirrored samples
    condition_dropout  share of samples with the neutral text; so large a one again with neutral
                       image tokens, and again with both, which is guidance's other half
    tracks_per_element most tracks that one element gives; 1 to so many are drawn
    track_places       tracks that a slot can hold
    sample_posterior   draw latents from the autoencoder's posterior instead of taking its mode
    """

    height: Count = 320
    width: Count = 512
    layers: Annotated[int, Meta(ge=1, le=16)] = 4
    max_stride: Annotated[int, Meta(ge=0)] = 3
    static_below: Annotated[float, Meta(ge=0.0)] = 0.1
    full_score: Annotated[float, Meta(gt=0.0)] = 20.0
    mix: ControlMix = ControlMix()
    mask_dropout: Share = 0.1
    sketch_context: Share = 0.25
    single_key: Share = 0.5
    flip: Share = 0.5
    condition_dropout: Annotated[float, Meta(ge=0.0, le=1 / 3)] = 0.05
    tracks_per_element: Count = 3
    track_places: Count = 12
    sample_posterior: bool = True
