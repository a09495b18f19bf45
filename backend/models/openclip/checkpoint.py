"""Loads both OpenCLIP towers of a folder, strictly; called by the registry and the engines.

The folder holds safetensors in OpenCLIP's own layout or in that of the transformers library, the
tokeniser's files, and may hold a configuration, which is asked only for the number of heads.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from backend.models.layeranimate.checkpoint import compare_keys, load_strictly
from backend.models.openclip.image_tower import ImageConfig, ImageTower
from backend.models.openclip.keys import (
    VISUAL,
    Shape,
    TowerSizes,
    openclip_shapes,
    openclip_tensors,
    unread_shapes,
)
from backend.models.openclip.text_tower import TextConfig, TextTower
from backend.models.openclip.tokens import PromptTokens
from backend.models.weight_files import find_weights
from shared.errors import AcetateError

NAME = "OpenCLIP"
OFFICIAL = TowerSizes(TextConfig(), ImageConfig())
CONFIG_NAMES = ("open_clip_config.json", "config.json")
_MAX_CONFIG_BYTES = 1 << 20


@dataclass(frozen=True)
class Towers:
    """Both towers in evaluation mode, and the vocabulary of the text tower."""

    text: TextTower
    image: ImageTower
    tokens: PromptTokens

    def parts(self) -> dict[str, nn.Module]:
        """The networks by name, for whoever moves them between devices."""
        return {"text_encoder": self.text, "image_encoder": self.image}


def load_towers(folder: Path, dtype: torch.dtype = torch.float32) -> Towers:
    """The towers of a folder, in the host's memory.

    Raises `model_missing` or `model_corrupt` as `check_towers` does.
    """
    sizes = check_towers(folder)
    tensors: dict[str, Tensor] = {}
    for file in find_weights(folder, NAME).files:
        try:
            with safe_open(file, framework="pt", device="cpu") as opened:
                tensors |= {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise AcetateError("model_corrupt", model=NAME, detail=str(error)) from error
    tensors = openclip_tensors(tensors)
    unread = unread_shapes(sizes)
    read = {key: value.to(dtype) for key, value in tensors.items() if key not in unread}
    with torch.device("meta"):
        text, image = TextTower(sizes.text), ImageTower(sizes.image)
    image_part = {k.removeprefix(VISUAL): v for k, v in read.items() if k.startswith(VISUAL)}
    load_strictly(image, image_part, NAME)
    load_strictly(text, {k: v for k, v in read.items() if not k.startswith(VISUAL)}, NAME)
    return Towers(text, image, PromptTokens(folder, NAME, sizes.text.tokens))


def check_towers(folder: Path) -> TowerSizes:
    """The sizes of a folder's towers, after a strict comparison of every key and shape.

    Raises `model_missing` without weights, `model_corrupt` with a list of what is missing,
    unexpected or of another shape.
    """
    shapes = openclip_shapes(find_weights(folder, NAME).shapes)
    sizes = tower_sizes(shapes, _read_config(folder))
    with torch.device("meta"):
        text, image = TextTower(sizes.text), ImageTower(sizes.image)
    expected: dict[str, Shape] = unread_shapes(sizes)
    expected |= {key: tuple(value.shape) for key, value in text.state_dict().items()}
    image_keys = image.state_dict().items()
    expected |= {f"{VISUAL}{key}": tuple(value.shape) for key, value in image_keys}
    compare_keys(expected, shapes, NAME)
    return sizes


def tower_sizes(shapes: Mapping[str, Shape], config: Mapping[str, Any]) -> TowerSizes:
    """Sizes by shapes; only the numbers of heads, which no shape tells, by the configuration."""

    def need(key: str, rank: int) -> Shape:
        if len(shapes.get(key, ())) != rank:
            raise AcetateError("model_corrupt", model=NAME, detail=f"{NAME}: no tensor {key}")
        return shapes[key]

    def blocks(prefix: str) -> int:
        found = 0
        while f"{prefix}transformer.resblocks.{found}.ln_1.weight" in shapes:
            found += 1
        return found

    vocabulary, width = need("token_embedding.weight", 2)
    text = TextConfig(
        width=width,
        layers=blocks(""),
        heads=_heads(config, "text", width),
        tokens=need("positional_embedding", 2)[0],
        vocabulary=vocabulary,
        projection=need("text_projection", 2)[1],
    )
    image_width, _, patch_px, _ = need("visual.conv1.weight", 4)
    image = ImageConfig(
        width=image_width,
        layers=blocks(VISUAL),
        heads=_heads(config, "vision", image_width),
        patch_px=patch_px,
        grid=math.isqrt(max(need("visual.positional_embedding", 2)[0] - 1, 0)),
        projection=need("visual.proj", 2)[1],
    )
    return TowerSizes(text, image)


def _heads(config: Mapping[str, Any], tower: str, width: int) -> int:
    """Heads of a tower as either library writes them down, else the 16 of ViT-H-14."""
    try:
        return _told_heads(config, tower, width)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        detail = f"{NAME}: the configuration of its {tower} tower is no such thing ({error})"
        raise AcetateError("model_corrupt", model=NAME, detail=detail) from error


def _told_heads(config: Mapping[str, Any], tower: str, width: int) -> int:
    ours: Mapping[str, Any] = config.get("model_cfg", {}).get(f"{tower}_cfg", {})
    theirs: Mapping[str, Any] = config.get(f"{tower}_config", {})
    if "head_width" in ours:
        heads = width // max(int(ours["head_width"]), 1)
    else:
        usual = OFFICIAL.text.heads if tower == "text" else OFFICIAL.image.heads
        heads = int(ours.get("heads", theirs.get("num_attention_heads", usual)))
    if theirs.get("hidden_act", "gelu") != "gelu" or config.get("model_cfg", {}).get("quick_gelu"):
        detail = f"{NAME}: its {tower} tower has another activation than ViT-H-14 of LAION-2B"
        raise AcetateError("model_corrupt", model=NAME, detail=detail)
    if heads < 1 or width % heads:
        detail = f"{NAME}: {heads} heads do not divide a width of {width}"
        raise AcetateError("model_corrupt", model=NAME, detail=detail)
    return heads


def _read_config(folder: Path) -> dict[str, Any]:
    """OpenCLIP's configuration, else that of the transformers library, else nothing."""
    path = next((folder / name for name in CONFIG_NAMES if (folder / name).is_file()), None)
    if path is None:
        return {}
    try:
        if path.stat().st_size > _MAX_CONFIG_BYTES:
            raise AcetateError("model_corrupt", model=NAME, detail=f"{path.name} is too large")
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise AcetateError("model_corrupt", model=NAME, detail=f"{path.name}: {error}") from error
    parts = ("model_cfg", "text_config", "vision_config")
    if not isinstance(document, dict) or not all(
        isinstance(document.get(part, {}), dict) for part in parts
    ):
        raise AcetateError("model_corrupt", model=NAME, detail=f"{path.name} is no configuration")
    return document
