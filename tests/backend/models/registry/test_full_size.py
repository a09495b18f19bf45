"""The released sizes pass recogniser and strict check, in files whose tensors are holes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from backend.models.layeranimate.checkpoint import WEIGHTS_NAME
from backend.models.openclip.checkpoint import OFFICIAL
from backend.models.openclip.image_tower import ImageTower
from backend.models.openclip.keys import VISUAL, unread_shapes
from backend.models.openclip.text_tower import TextTower
from backend.models.registry.importing import examine
from shared.errors import AcetateError

from ..openclip.small import write_vocabulary
from .folders import KEY_TABLES, Shapes, full_size_folder, official_shapes, write_hollow


@pytest.mark.parametrize(
    ("control", "injection"),
    [("keys_layer_controlnet", "add"), ("keys_layer_controlnet_concat_variant", "concat")],
)
def test_the_released_layout_is_recognised_by_its_shapes_alone(
    tmp_path: Path, reference_dir: Path, control: str, injection: str
) -> None:
    folder = full_size_folder(tmp_path / "LayerAnimate-Mix", reference_dir, control)
    prospect = examine(folder)
    facts = prospect.facts
    assert facts["control_injection"] == injection
    assert facts["control_reads_latents"] is False
    assert facts["trajectory"] == "pixels"
    assert facts["two_keys"] is True
    assert facts["official_sizes"] is True
    assert facts["clip_frames"] == 16
    assert facts["parameters_unet"] == 1_500_418_180
    assert facts["parameters_vae_dualref"] == 99_941_907
    assert facts["format"] == "BF16"
    assert prospect.size_bytes > 4_000_000_000


@pytest.mark.parametrize("part", KEY_TABLES)
def test_one_tensor_too_few_in_any_released_part_is_named(
    tmp_path: Path, reference_dir: Path, part: str
) -> None:
    folder = full_size_folder(tmp_path / "full", reference_dir)
    shapes = official_shapes(reference_dir, KEY_TABLES[part])
    lost = sorted(shapes)[len(shapes) // 2]
    del shapes[lost]
    write_hollow(folder / part / WEIGHTS_NAME, shapes)
    with pytest.raises(AcetateError) as caught:
        examine(folder)
    assert caught.value.name == "model_corrupt"
    assert lost in caught.value.detail


def test_openclip_at_its_released_size_is_recognised(tmp_path: Path) -> None:
    shapes: Shapes = unread_shapes(OFFICIAL)
    with torch.device("meta"):
        text, image = TextTower(OFFICIAL.text), ImageTower(OFFICIAL.image)
    shapes |= {key: tuple(value.shape) for key, value in text.state_dict().items()}
    shapes |= {f"{VISUAL}{k}": tuple(value.shape) for k, value in image.state_dict().items()}
    write_hollow(tmp_path / "open_clip_model.safetensors", shapes)
    write_vocabulary(tmp_path)
    facts = examine(tmp_path).facts
    assert facts["official_sizes"] is True
    assert facts["parameters"] == 986_109_441
    assert (facts["text_width"], facts["image_width"]) == (1024, 1280)
