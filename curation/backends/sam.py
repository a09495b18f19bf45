"""Regions by SAM (Apache-2.0), a folder of transformers or a file of its makers.

Files: `config.json` and `model.safetensors` of facebook/sam-vit-base, -large or -huge, or one
`sam_vit_*.pth` made safetensors by `acetate models convert`. The choice of backends loads it.
"""

from __future__ import annotations

from pathlib import Path

from curation.backends import sam_layout, transformers_folder
from curation.backends.automatic import MaskMaker, SamSettings
from curation.backends.prompted_model import PromptedModel
from curation.backends.transformers_folder import check_kind, load_model, square_side
from curation.backends.weights import holds

NAME = "SAM"
LICENCE = "Apache-2.0"
WEIGHTS = (*transformers_folder.WEIGHTS, *sam_layout.FILES)
PACKAGES = transformers_folder.PACKAGES
SOURCE = (
    "https://huggingface.co/facebook/sam-vit-base or "
    "https://github.com/facebookresearch/segment-anything"
)
_QUALITY = 0.88


def load(folder: Path, device: str, settings: SamSettings | None = None) -> MaskMaker:
    """The maker of regions. Raises `weights_unfit`."""
    if holds(folder, transformers_folder.WEIGHTS):
        check_kind(folder, ("sam",), "sam")
        model = load_model("SamModel", folder, device, "sam")
    else:
        model = sam_layout.LAYOUT.load(folder, "SamModel", device)
    side = square_side(model.config.vision_config.image_size)
    network = PromptedModel(model, device, side, keeps_shape=True)
    return MaskMaker(network, settings or SamSettings(), _QUALITY)
