"""LPIPS, the perceptual distance of Zhang et al. 2018, with the user's weights or random ones.

Called by the suites. With fixed random weights the figure is called rLPIPS in every output.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from shared.errors import AcetateError
from training.metrics.backbones import (
    BACKBONES,
    Conv,
    Shape,
    Step,
    activations,
    convolutions,
    table,
    widths,
)
from training.metrics.features import as_batch, random_filters

# Mean and spread of ImageNet's channels, moved from 0..1 to -1..1 (the reference's scaling).
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
LEAST_SIDE_PX = 32
_TINY = 1e-10
_MAX_FILE_BYTES = 1 << 30
_SMALL: tuple[Step, ...] = (
    Conv("0", 3, 24, 5, 2, 2),
    "tap",
    Conv("1", 24, 48, 3, 2, 1),
    "tap",
    Conv("2", 48, 64, 3, 2, 1),
    "tap",
)
# `features.3.weight` of torchvision, `net.slice2.3.weight` of the reference's own state dict
_BACKBONE_KEY = re.compile(r"(?:net\.)?(?:features|slice\d+)\.(.+)")
_HEAD_KEY = re.compile(r"lins?\.?(\d+)\.(?:model\.1\.)?weight")
_IGNORED_KEY = re.compile(r"classifier\..+|scaling_layer\.(shift|scale)")


@dataclass(frozen=True, eq=False)
class PerceptualDistance:
    """The distance, ready to measure.

    `heads`: per tap the weight of every channel, float32 [c]. `identity` changes with the weights.
    """

    steps: tuple[Step, ...]
    tensors: Mapping[str, Tensor]
    heads: tuple[Tensor, ...]
    identity: str
    is_random: bool

    @property
    def name(self) -> str:
        """How the figure is called: LPIPS, or rLPIPS with random weights."""
        return "rLPIPS" if self.is_random else "LPIPS"

    @torch.inference_mode()
    def __call__(self, made: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Distance of every frame, float32 [f], for frames uint8 [f, h, w, 3] of at least 32 px.

        Sum over taps of the mean over places of the weighted squared difference between
        activations, each scaled to unit length over its channels.
        """
        one, other = self._activations(made), self._activations(truth)
        total = torch.zeros(len(made))
        for a, b, head in zip(one, other, self.heads, strict=True):
            difference = (_unit(a) - _unit(b)) ** 2  # [f, c, h', w']
            total += (difference * head[None, :, None, None]).sum(dim=1).mean(dim=(1, 2))
        return total.numpy()

    def _activations(self, frames: np.ndarray) -> list[Tensor]:
        height, width = frames.shape[1:3]
        if min(height, width) < LEAST_SIDE_PX:
            detail = f"LPIPS needs {LEAST_SIDE_PX} px on each side"
            raise AcetateError("size", width=width, height=height, detail=detail)
        shift, scale = (torch.tensor(row)[None, :, None, None] for row in (SHIFT, SCALE))
        return activations(self.steps, self.tensors, (as_batch(frames) - shift) / scale)


def random_lpips() -> PerceptualDistance:
    """Fixed random features of three scales, every channel weighing the same."""
    rng = np.random.default_rng([0x0FEA7, 1])
    tensors: dict[str, Tensor] = {}
    for conv in convolutions(_SMALL):
        shape = (conv.outputs, conv.inputs, conv.side, conv.side)
        tensors[f"{conv.name}.weight"] = random_filters(rng, shape)
        tensors[f"{conv.name}.bias"] = torch.zeros(conv.outputs)
    heads = tuple(torch.full((width,), 1 / 3) for width in widths(_SMALL))
    return PerceptualDistance(_SMALL, tensors, heads, "random-lpips/1", is_random=True)


def load_lpips(path: Path) -> PerceptualDistance:
    """LPIPS of one safetensors file that holds a backbone and its heads.

    Backbone keys as torchvision has them (`features.0.weight`) or the reference (`net.slice1.0.
    weight`), heads as `lin0.model.1.weight` [1, c, 1, 1]; which of AlexNet, VGG-16 and SqueezeNet
    it is follows from the shapes. A classifier and the reference's constant scaling may be there.
    Raises `model_missing`, `model_corrupt`.
    """
    tensors, digest = read_safetensors(path)
    backbone: dict[str, Tensor] = {}
    heads: dict[int, Tensor] = {}
    for key, value in tensors.items():
        if found := _HEAD_KEY.fullmatch(key):
            heads[int(found[1])] = value.reshape(-1)
        elif found := _BACKBONE_KEY.fullmatch(key):
            backbone[found[1]] = value
        elif not _IGNORED_KEY.fullmatch(key):
            detail = f"{key[:80]} is no part of LPIPS"
            raise AcetateError("model_corrupt", model=path.name, detail=detail)
    name = _fitting(backbone, path)
    steps = BACKBONES[name]
    expected = widths(steps)
    if [len(heads.get(i, ())) for i in range(len(expected))] != expected or len(heads) != len(
        expected
    ):
        detail = f"heads lin0..lin{len(expected) - 1} with {expected} channels are needed"
        raise AcetateError("model_corrupt", model=path.name, detail=detail)
    ordered = tuple(heads[i] for i in range(len(expected)))
    return PerceptualDistance(steps, backbone, ordered, f"lpips-{name}/{digest}", is_random=False)


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], str]:
    """All tensors of a file as float32, and the SHA-256 of its bytes.

    Raises `model_missing` where there is none, `model_corrupt` where it is not safetensors.
    """
    if not path.is_file():
        raise AcetateError("model_missing", model=str(path)[-60:])
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise AcetateError("model_corrupt", model=path.name, detail="larger than 1 GiB")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        with path.open("rb") as raw:
            digest = hashlib.file_digest(raw, "sha256").hexdigest()
    except (SafetensorError, OSError) as error:
        raise AcetateError("model_corrupt", model=path.name, detail=str(error)) from error
    return tensors, digest


def _fitting(backbone: Mapping[str, Tensor], path: Path) -> str:
    shapes: dict[str, Shape] = {key: tuple(value.shape) for key, value in backbone.items()}
    for name, steps in BACKBONES.items():
        if shapes == table(steps):
            return name
    detail = f"{len(shapes)} backbone tensors fit none of {', '.join(BACKBONES)}"
    raise AcetateError("model_corrupt", model=path.name, detail=detail)


def _unit(values: Tensor) -> Tensor:
    """Scaled to unit length over the channels: [n, c, h, w]."""
    return values / (values.pow(2).sum(dim=1, keepdim=True).sqrt() + _TINY)
