"""Small random OpenCLIP checkpoints in both hub layouts, with a vocabulary of a few real words."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from backend.models.openclip.image_tower import ImageConfig, ImageTower
from backend.models.openclip.keys import VISUAL, TowerSizes, unread_shapes
from backend.models.openclip.text_tower import TextConfig, TextTower

WORDS = {
    "!": 0,
    "a</w>": 320,
    "of</w>": 539,
    "an</w>": 550,
    "photo</w>": 1125,
    "cat</w>": 2368,
}
"""Some words of CLIP's vocabulary under their public ids."""

START, END = 49406, 49407
_PIECES = {
    **{character: 64 + number for number, character in enumerate("acfhnopt")},
    **{f"{character}</w>": 330 + number for number, character in enumerate("fnot")},
    "at</w>": 536,
    "ph": 659,
    "oto</w>": 2100,
    "to</w>": 531,
}
_MERGES = ["a n</w>", "a t</w>", "c at</w>", "o f</w>", "p h", "t o</w>", "o to</w>", "ph oto</w>"]


def sizes(width: int = 32) -> TowerSizes:
    """Sizes that fit the tiny LayerAnimate: both towers `width` wide, with CLIP's vocabulary."""
    return TowerSizes(
        TextConfig(width=width, layers=3, heads=4, projection=16),
        ImageConfig(width=width, layers=2, heads=4, patch_px=14, grid=2, projection=16),
    )


def tensors(chosen: TowerSizes, seed: int = 0) -> dict[str, Tensor]:
    """A whole random checkpoint under OpenCLIP's own keys."""
    generator = torch.Generator().manual_seed(seed)
    shapes = unread_shapes(chosen)
    with torch.device("meta"):
        text, image = TextTower(chosen.text), ImageTower(chosen.image)
    shapes |= {key: tuple(value.shape) for key, value in text.state_dict().items()}
    shapes |= {f"{VISUAL}{k}": tuple(value.shape) for k, value in image.state_dict().items()}
    return {key: torch.randn(shape, generator=generator) * 0.2 for key, shape in shapes.items()}


def write_vocabulary(folder: Path) -> None:
    """`vocab.json` and `merges.txt` that know six words."""
    vocabulary = {**WORDS, **_PIECES, "<|startoftext|>": START, "<|endoftext|>": END}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(_MERGES), encoding="utf-8")


def write_openclip(folder: Path, chosen: TowerSizes | None = None, seed: int = 0) -> Path:
    """A folder as OpenCLIP's own hub repositories have it."""
    chosen = chosen or sizes()
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors(chosen, seed), folder / "open_clip_model.safetensors")
    vision = {"head_width": chosen.image.width // chosen.image.heads}
    document = {"model_cfg": {"text_cfg": {"heads": chosen.text.heads}, "vision_cfg": vision}}
    (folder / "open_clip_config.json").write_text(json.dumps(document), encoding="utf-8")
    write_vocabulary(folder)
    return folder
