"""Regions by SAM (Apache-2.0), a folder as transformers keeps it; the choice of backends loads it.

Files: `config.json` and `model.safetensors` of facebook/sam-vit-base, -large or -huge.
"""

from __future__ import annotations

from pathlib import Path

from curation.backends import transformers_folder
from curation.backends.automatic import MaskMaker, SamSettings
from curation.backends.prompted_model import PromptedModel
from curation.backends.transformers_folder import check_kind, load_model, square_side

NAME = "SAM"
LICENCE = "Apache-2.0"
WEIGHTS = transformers_folder.WEIGHTS
PACKAGES = transformers_folder.PACKAGES
SOURCE = "https://huggingface.co/facebook/sam-vit-base"
_QUALITY = 0.88


def load(folder: Path, device: str, settings: SamSettings | None = None) -> MaskMaker:
    """The maker of regions. Raises `weights_unfit`."""
    check_kind(folder, ("sam",), "sam")
    model = load_model("SamModel", folder, device, "sam")
    side = square_side(model.config.vision_config.image_size)
    network = PromptedModel(model, device, side, keeps_shape=True)
    return MaskMaker(network, settings or SamSettings(), _QUALITY)
