"""Named trades of exactness for time; applied where a request becomes sample settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from backend.models.layeranimate.clip import SampleSettings

MIN_STEPS = 4


@dataclass(frozen=True)
class Preset:
    """What a preset changes; the defaults change nothing.

    steps_share    share of the asked steps that run
    guided_share   share of the steps, from the first on, that use guidance (later ones change
                   detail only, and the neutral half is half of the work)
    features_every the layers' features are computed at every so many steps and held between
    half_decode    the two-key decoder, in float32 otherwise, multiplies in bfloat16 on a GPU
    about          one line for people, empty for the exact one
    """

    name: str
    steps_share: float = 1.0
    guided_share: float = 1.0
    features_every: int = 1
    half_decode: bool = False
    about: str = ""

    @property
    def is_exact(self) -> bool:
        """Whether it computes what the settings say, all of it."""
        return replace(self, name="", about="") == Preset("")

    def applied(self, settings: SampleSettings) -> SampleSettings:
        """The settings that really run."""
        steps = max(math.ceil(settings.steps * self.steps_share), min(settings.steps, MIN_STEPS))
        return replace(
            settings,
            steps=steps,
            guidance_interval=(0.0, self.guided_share),
            features_every=self.features_every,
            half_decode=self.half_decode,
        )


FINAL = Preset("final")

BALANCED = Preset(
    "balanced",
    guided_share=0.6,
    features_every=3,
    half_decode=True,
    about="guidance in the first 60 % of the steps, layer features at every third step",
)

DRAFT = Preset(
    "draft",
    steps_share=0.3,
    guided_share=0.5,
    features_every=3,
    half_decode=True,
    about="30 % of the steps, guidance in the first half, layer features at every third step",
)

PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in (FINAL, BALANCED, DRAFT)}


def preset_of(name: str) -> Preset:
    """The preset of a request's look; names that mean other engines' habits are exact."""
    return PRESETS.get(name, FINAL)
