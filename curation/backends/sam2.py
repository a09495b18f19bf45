"""Regions and followed elements by SAM 2 (Apache-2.0), as transformers or its makers keep it.

Files: `config.json` and `model.safetensors` of facebook/sam2.1-hiera-tiny, -small, -base-plus or
-large, or one `sam2.1_hiera_*.pt` made safetensors by `acetate models convert`; one folder serves
both slots. The choice of backends loads it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curation.backends import sam2_layout, transformers_folder
from curation.backends.automatic import MaskMaker, SamSettings
from curation.backends.prompted_model import PromptedModel
from curation.backends.sam2_follower import Sam2Follower
from curation.backends.transformers_folder import check_kind, load_model, square_side
from curation.backends.weights import holds

NAME = "SAM 2"
LICENCE = "Apache-2.0"
WEIGHTS = (*transformers_folder.WEIGHTS, *sam2_layout.FILES)
PACKAGES = transformers_folder.PACKAGES
SOURCE = (
    "https://huggingface.co/facebook/sam2.1-hiera-small or https://github.com/facebookresearch/sam2"
)
_QUALITY = 0.8


def load(folder: Path, device: str, settings: SamSettings | None = None) -> Sam2Follower:
    """What follows elements through a clip. Raises `weights_unfit`."""
    model = _model("Sam2VideoModel", folder, device, ("sam2_video",))
    return Sam2Follower(model, device, settings or SamSettings())


def load_segmenter(folder: Path, device: str, settings: SamSettings | None = None) -> MaskMaker:
    """The maker of regions. Raises `weights_unfit`."""
    model = _model("Sam2Model", folder, device, ("sam2", "sam2_video"))
    side = square_side(model.config.prompt_encoder_config.image_size)
    network = PromptedModel(model, device, side, keeps_shape=False)
    return MaskMaker(network, settings or SamSettings(), _QUALITY)


def _model(model_class: str, folder: Path, device: str, kinds: tuple[str, ...]) -> Any:  # noqa: ANN401 - its class is named by a text
    """Of transformers' folder where there is one. `kinds`: what its settings may say it is."""
    if not holds(folder, transformers_folder.WEIGHTS):
        return sam2_layout.LAYOUT.load(folder, model_class, device)
    check_kind(folder, kinds, "sam2")
    return load_model(model_class, folder, device, "sam2")
