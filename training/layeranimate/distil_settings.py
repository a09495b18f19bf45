"""What a student learns to do by itself, as data of a recipe; free of torch."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class DistilOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options that pay when the student samples; each is written into the exported settings.

    fixed_timestep  the control branch gets this time step whatever the sampler's is, so that its
                    features are computed once a clip; -1 = it follows the sampler
    guidance        the student's one prediction is the teacher's guided one at this scale; 0 = none
    rescale         pulls the spread of guided predictions back, as in sampling
    steps           the student samples in so many steps, each of which does what two of the teacher
                    do; 0 = any number, one like one. A student with the steps of its teacher is
                    halved from run to run: 32, 16, 8 ...
    """

    fixed_timestep: Annotated[int, Meta(ge=-1, lt=100_000)] = -1
    guidance: Annotated[float, Meta(ge=0.0, le=50.0)] = 0.0
    rescale: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.7
    steps: Annotated[int, Meta(ge=0, le=1000)] = 0
