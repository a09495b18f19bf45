"""The full-size modules have exactly the keys and shapes of the released checkpoints."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from backend.models.layeranimate import variants
from backend.models.layeranimate.autoencoder import Autoencoder
from backend.models.layeranimate.checkpoint import load_strictly
from backend.models.layeranimate.configs import (
    AutoencoderConfig,
    ControlConfig,
    ResamplerConfig,
    TrunkConfig,
    UNetConfig,
)
from backend.models.layeranimate.dual_reference import DualAutoencoder
from backend.models.layeranimate.layer_control import LayerControl
from backend.models.layeranimate.resampler import Resampler
from backend.models.layeranimate.unet import UNet
from backend.models.layeranimate.variants import Shapes

CONCAT = ControlConfig(trunk=TrunkConfig(in_channels=14), concatenate=True)


@dataclass(frozen=True)
class Released:
    """One key table, the module it belongs to, and what the shapes alone must tell."""

    table: str
    make: Callable[[], nn.Module]
    parameters: int
    inferred: Callable[[Shapes], object]
    config: object


RELEASED = [
    Released(
        "unet",
        lambda: UNet(UNetConfig()),
        1_500_418_180,
        lambda shapes: variants.unet_config(shapes, {}),
        UNetConfig(),
    ),
    Released(
        "layer_controlnet",
        lambda: LayerControl(ControlConfig()),
        457_609_616,
        lambda shapes: variants.control_config(shapes, {}),
        ControlConfig(),
    ),
    Released(
        "layer_controlnet_concat_variant",
        lambda: LayerControl(CONCAT),
        456_887_117,
        lambda shapes: variants.control_config(shapes, {}),
        CONCAT,
    ),
    Released(
        "resampler",
        lambda: Resampler(ResamplerConfig()),
        48_787_456,
        lambda shapes: variants.resampler_config(shapes, {}),
        ResamplerConfig(),
    ),
    Released(
        "vae",
        lambda: Autoencoder(AutoencoderConfig()),
        83_653_863,
        variants.autoencoder_config,
        AutoencoderConfig(),
    ),
    Released(
        "vae_dualref",
        lambda: DualAutoencoder(AutoencoderConfig()),
        99_941_907,
        variants.autoencoder_config,
        AutoencoderConfig(),
    ),
]


def _official_shapes(reference_dir: Path, table: str) -> dict[str, tuple[int, ...]]:
    path = reference_dir / "reference" / "unet" / f"keys_{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["key"]: tuple(int(n) for n in row["shape"].split("x") if n) for row in rows}


@pytest.mark.parametrize("released", RELEASED, ids=lambda released: released.table)
def test_full_size_modules_load_official_tensors_strictly(
    released: Released, reference_dir: Path
) -> None:
    official = _official_shapes(reference_dir, released.table)
    with torch.device("meta"):
        module = released.make()
    tensors = {key: torch.empty(shape, device="meta") for key, shape in official.items()}
    load_strictly(module, tensors, released.table)
    own = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    assert own == official
    assert sum(parameter.numel() for parameter in module.parameters()) == released.parameters


@pytest.mark.parametrize("released", RELEASED, ids=lambda released: released.table)
def test_shapes_alone_tell_the_released_variant(released: Released, reference_dir: Path) -> None:
    shapes = Shapes(released.table, _official_shapes(reference_dir, released.table))
    assert released.inferred(shapes) == released.config
