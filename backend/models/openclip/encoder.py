"""Prompt and first frame to the tokens that steer LayerAnimate; used by its painter."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from backend.models.layeranimate.clip import ClipTokens, FloatArray
from backend.models.openclip.checkpoint import Towers

_KEPT = 32
"""Encoded prompts and pictures that are remembered; a prompt's take 0.3 MB, a picture's 1.3 MB."""


class TokenEncoder:
    """Runs the towers, each prompt and picture once while it is remembered.

    The towers rest in the host's memory and visit `device` only while they run: there they would
    take 2 GB from the model that paints, for something that is asked once per shot.
    """

    def __init__(self, towers: Towers, device: torch.device | str = "cpu") -> None:
        self.towers = towers
        self._device = torch.device(device)
        self._known: OrderedDict[bytes, FloatArray] = OrderedDict()

    def __call__(self, prompt: str, negative_prompt: str, picture: FloatArray) -> ClipTokens:
        """Tokens of a prompt and of a first frame [H, W, 3] in 0..1.

        Their neutral counterparts are the negative prompt and a picture of middle grey, which is
        zero in the model's range (spec 2).
        """
        side_px = self.towers.image.config.side_px
        grey = np.full((side_px, side_px, 3), 0.5, np.float32)
        return ClipTokens(
            text=self._text(prompt),
            neutral_text=self._text(negative_prompt),
            image=self._image(picture),
            neutral_image=self._image(grey),
        )

    def _text(self, prompt: str) -> FloatArray:
        return self._remembered(b"text" + prompt.encode(), lambda: self._run_text(prompt))

    def _image(self, picture: FloatArray) -> FloatArray:
        content = np.ascontiguousarray(picture, np.float32)
        key = b"image" + repr(content.shape).encode() + content.tobytes()
        return self._remembered(key, lambda: self._run_image(content))

    def _run_text(self, prompt: str) -> FloatArray:
        ids = torch.from_numpy(self.towers.tokens(prompt)).unsqueeze(0)
        with _visiting(self.towers.text, self._device):
            return _as_array(self.towers.text(ids.to(self._device)))

    def _run_image(self, picture: FloatArray) -> FloatArray:
        pixels = torch.from_numpy(picture).movedim(-1, 0).unsqueeze(0) * 2 - 1
        with _visiting(self.towers.image, self._device):
            return _as_array(self.towers.image(pixels))

    @torch.inference_mode()
    def _remembered(self, content: bytes, make: Callable[[], FloatArray]) -> FloatArray:
        key = hashlib.blake2b(content, digest_size=16).digest()
        if key not in self._known:
            self._known[key] = make()
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]


@contextmanager
def _visiting(tower: nn.Module, device: torch.device) -> Iterator[None]:
    """The tower on a device for as long as it is needed there."""
    home = next(tower.parameters()).device
    tower.to(device)
    try:
        yield
    finally:
        tower.to(home)


def _as_array(tokens: Tensor) -> FloatArray:
    """[1, tokens, width] -> float32 [tokens, width]."""
    return tokens[0].float().cpu().numpy()
