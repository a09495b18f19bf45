"""Regions and followed elements by SAM 2 (Apache-2.0), a folder as transformers keeps it.

Files: `config.json` and `model.safetensors` of facebook/sam2.1-hiera-tiny, -small, -base-plus or
-large; one folder serves both slots. The choice of backends loads it.
"""

from __future__ import annotations

from pathlib import Path

from curation.backends import transformers_folder
from curation.backends.automatic import MaskMaker, SamSettings
from curation.backends.prompted_model import PromptedModel
from curation.backends.sam2_follower import Sam2Follower
from curation.backends.transformers_folder import check_kind, load_model, square_side

NAME = "SAM 2"
LICENCE = "Apache-2.0"
WEIGHTS = transformers_folder.WEIGHTS
PACKAGES = transformers_folder.PACKAGES
SOURCE = "https://huggingface.co/facebook/sam2.1-hiera-small"
_QUALITY = 0.8


def load(folder: Path, device: str, settings: SamSettings | None = None) -> Sam2Follower:
    """What follows elements through a clip. Raises `weights_unfit`."""
    check_kind(folder, ("sam2_video",), "sam2")
    model = load_model("Sam2VideoModel", folder, device, "sam2")
    return Sam2Follower(model, device, settings or SamSettings())


def load_segmenter(folder: Path, device: str, settings: SamSettings | None = None) -> MaskMaker:
    """The maker of regions. Raises `weights_unfit`."""
    check_kind(folder, ("sam2", "sam2_video"), "sam2")
    model = load_model("Sam2Model", folder, device, "sam2")
    side = square_side(model.config.prompt_encoder_config.image_size)
    network = PromptedModel(model, device, side, keeps_shape=False)
    return MaskMaker(network, settings or SamSettings(), _QUALITY)
