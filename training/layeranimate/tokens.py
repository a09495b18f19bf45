"""Text and image tokens of training clips: neutral, or those of imported OpenCLIP towers.

The samples ask for them; they run in the loader's processes, or once where latents are kept.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from backend.models.layeranimate.clip import ClipTokens
from backend.models.openclip.checkpoint import check_towers, load_towers
from backend.models.openclip.encoder import TokenEncoder
from backend.models.openclip.tokens import tokenizer_files
from backend.models.weight_files import find_weights
from shared.errors import AcetateError
from training.layeranimate.sizes import NetworkSizes

NAME = "OpenCLIP"


class TokenSource(Protocol):
    """Text and image encoder outputs of clips. Picklable."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that the tokens depend on."""
        ...

    def tokens(self, caption: str, picture: np.ndarray) -> ClipTokens:
        """Tokens of a caption and of the first frame, uint8 [H, W, 3], with their neutral ones."""
        ...


class NeutralTokens:
    """All zero, as the pipeline takes them where no encoders are installed."""

    def __init__(self, sizes: NetworkSizes) -> None:
        text, image = np.zeros(sizes.text, np.float32), np.zeros(sizes.image, np.float32)
        self._tokens = ClipTokens(text=text, neutral_text=text, image=image, neutral_image=image)

    @property
    def fingerprint(self) -> str:
        """They depend on nothing."""
        return "neutral"

    def tokens(self, caption: str, picture: np.ndarray) -> ClipTokens:
        """The same for every clip."""
        del caption, picture
        return self._tokens


class OpenClipTokens:
    """Tokens of the towers in a folder, as the pipeline makes them for a prompt and a first frame.

    Every process loads the towers when it needs them first; captions are read once while they are
    remembered.
    """

    def __init__(self, folder: Path, sizes: NetworkSizes) -> None:
        """Raises `model_missing`, `model_corrupt`, and `usage` where widths differ."""
        found = check_towers(folder)
        wanted = (sizes.text[1], sizes.image[1])
        if (found.text.width, found.image.width) != wanted:
            where = f"task.encoders: widths {found.text.width}, {found.image.width}; needs {wanted}"
            raise AcetateError("usage", where=where)
        self._folder = folder
        self._fingerprint = _content(folder)

    @property
    def fingerprint(self) -> str:
        """Of the towers' weights and vocabulary."""
        return self._fingerprint

    def tokens(self, caption: str, picture: np.ndarray) -> ClipTokens:
        """Of this caption and picture; neutral are the empty prompt and middle grey (spec 2)."""
        scaled = np.asarray(picture, np.float32) / np.float32(255)
        return _encoder(self._folder)(caption, "", scaled.astype(np.float32))


@lru_cache(maxsize=1)
def _encoder(folder: Path) -> TokenEncoder:
    return TokenEncoder(load_towers(folder))


@lru_cache(maxsize=1)
def _content(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted([*find_weights(folder, NAME).files, *tokenizer_files(folder)]):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
