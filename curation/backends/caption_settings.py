"""What a captioning model is asked, and how much it is shown; read by settings and captioner."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class CaptionSettings:
    """Of captions by a network (`spec/curation.md` 1.11).

    `frames`: shown of a clip, evenly spaced; `side_px`: their longest side at most. `most_tokens`:
    of an answer. `prompt`, `layer_prompt`: the question on a clip, and on one layer alone.
    """

    frames: int = 6
    side_px: int = 512
    most_tokens: int = 96
    prompt: str = (
        "These are frames of one shot of an animated film, in order. Describe in one to three "
        "plain sentences who or what is seen, what moves and how, and what the camera does."
    )
    layer_prompt: str = (
        "These are frames of one layer of an animated shot; all else is white. Describe in one "
        "plain sentence what is seen and how it moves."
    )

    @property
    def prompt_hash(self) -> str:
        """SHA-256 of both questions."""
        return hashlib.sha256(f"{self.prompt}\n{self.layer_prompt}".encode()).hexdigest()
