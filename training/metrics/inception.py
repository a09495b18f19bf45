"""The Inception-v3 network that FID is defined with, from the user's safetensors; for the suites.

Szegedy et al. 2015 in the variant of the original FID weights (2015-12-05): pooling branches take
means that count no padding, the last block's takes maxima. Keys as the usual PyTorch port has them
(`Mixed_5b.branch5x5_1.conv.weight`); its classifier is ignored.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)

from shared.errors import AcetateError
from training.metrics.branching import Pool, Split, Step, Unit, fold, run
from training.metrics.features import as_batch
from training.metrics.lpips import read_safetensors

SIDE_PX = 299
DIMENSIONS = 2048
CLASSES = 1008
"""Of the classifier behind the original weights; torchvision's own network has 1000."""

CONVOLUTION = "conv"
_BATCH = 8
_HALVE = Pool("max", (3, 3), (2, 2), (0, 0))
_MEAN = Pool("avg", (3, 3), (1, 1), (1, 1))
_MAX = Pool("max", (3, 3), (1, 1), (1, 1))
_PADS = {1: 0, 3: 1, 5: 2, 7: 3}


def _unit(name: str, inputs: int, outputs: int, high: int = 1, wide: int | None = None) -> Unit:
    """A unit that keeps the size."""
    wide = high if wide is None else wide
    return Unit(name, inputs, outputs, (high, wide), padding=(_PADS[high], _PADS[wide]))


def _halving(name: str, inputs: int, outputs: int) -> Unit:
    return Unit(name, inputs, outputs, (3, 3), 2, (0, 0))


def _a(at: str, inputs: int, pooled: int) -> Split:
    return Split(
        (
            (_unit(f"{at}.branch1x1", inputs, 64),),
            (_unit(f"{at}.branch5x5_1", inputs, 48), _unit(f"{at}.branch5x5_2", 48, 64, 5)),
            (
                _unit(f"{at}.branch3x3dbl_1", inputs, 64),
                _unit(f"{at}.branch3x3dbl_2", 64, 96, 3),
                _unit(f"{at}.branch3x3dbl_3", 96, 96, 3),
            ),
            (_MEAN, _unit(f"{at}.branch_pool", inputs, pooled)),
        )
    )


def _b(at: str, inputs: int) -> Split:
    return Split(
        (
            (_halving(f"{at}.branch3x3", inputs, 384),),
            (
                _unit(f"{at}.branch3x3dbl_1", inputs, 64),
                _unit(f"{at}.branch3x3dbl_2", 64, 96, 3),
                _halving(f"{at}.branch3x3dbl_3", 96, 96),
            ),
            (_HALVE,),
        )
    )


def _c(at: str, inner: int) -> Split:
    return Split(
        (
            (_unit(f"{at}.branch1x1", 768, 192),),
            (
                _unit(f"{at}.branch7x7_1", 768, inner),
                _unit(f"{at}.branch7x7_2", inner, inner, 1, 7),
                _unit(f"{at}.branch7x7_3", inner, 192, 7, 1),
            ),
            (
                _unit(f"{at}.branch7x7dbl_1", 768, inner),
                _unit(f"{at}.branch7x7dbl_2", inner, inner, 7, 1),
                _unit(f"{at}.branch7x7dbl_3", inner, inner, 1, 7),
                _unit(f"{at}.branch7x7dbl_4", inner, inner, 7, 1),
                _unit(f"{at}.branch7x7dbl_5", inner, 192, 1, 7),
            ),
            (_MEAN, _unit(f"{at}.branch_pool", 768, 192)),
        )
    )


def _d(at: str) -> Split:
    return Split(
        (
            (_unit(f"{at}.branch3x3_1", 768, 192), _halving(f"{at}.branch3x3_2", 192, 320)),
            (
                _unit(f"{at}.branch7x7x3_1", 768, 192),
                _unit(f"{at}.branch7x7x3_2", 192, 192, 1, 7),
                _unit(f"{at}.branch7x7x3_3", 192, 192, 7, 1),
                _halving(f"{at}.branch7x7x3_4", 192, 192),
            ),
            (_HALVE,),
        )
    )


def _e(at: str, inputs: int, pool: Pool) -> Split:
    def crossed(name: str) -> Split:
        return Split(((_unit(f"{name}a", 384, 384, 1, 3),), (_unit(f"{name}b", 384, 384, 3, 1),)))

    return Split(
        (
            (_unit(f"{at}.branch1x1", inputs, 320),),
            (_unit(f"{at}.branch3x3_1", inputs, 384), crossed(f"{at}.branch3x3_2")),
            (
                _unit(f"{at}.branch3x3dbl_1", inputs, 448),
                _unit(f"{at}.branch3x3dbl_2", 448, 384, 3),
                crossed(f"{at}.branch3x3dbl_3"),
            ),
            (pool, _unit(f"{at}.branch_pool", inputs, 192)),
        )
    )


NETWORK: tuple[Step, ...] = (
    Unit("Conv2d_1a_3x3", 3, 32, (3, 3), 2, (0, 0)),
    Unit("Conv2d_2a_3x3", 32, 32, (3, 3), 1, (0, 0)),
    _unit("Conv2d_2b_3x3", 32, 64, 3),
    _HALVE,
    _unit("Conv2d_3b_1x1", 64, 80),
    Unit("Conv2d_4a_3x3", 80, 192, (3, 3), 1, (0, 0)),
    _HALVE,
    _a("Mixed_5b", 192, 32),
    _a("Mixed_5c", 256, 64),
    _a("Mixed_5d", 288, 64),
    _b("Mixed_6a", 288),
    _c("Mixed_6b", 128),
    _c("Mixed_6c", 160),
    _c("Mixed_6d", 160),
    _c("Mixed_6e", 192),
    _d("Mixed_7a"),
    _e("Mixed_7b", 1280, _MEAN),
    _e("Mixed_7c", 2048, _MAX),
)


class InceptionFeatures:
    """FID's features: the pooled activations before the classifier, float32 [f, 2048]."""

    per_clip = False
    is_random = False
    dimensions = DIMENSIONS

    def __init__(self, path: Path) -> None:
        """Raises `model_missing`, `model_corrupt`."""
        tensors, digest = read_safetensors(path)
        classifier = tensors.get("fc.weight")
        if any(key.startswith("AuxLogits.") for key in tensors) or (
            classifier is not None and len(classifier) != CLASSES
        ):
            detail = (
                f"FID is defined by the weights of 2015-12-05 with {CLASSES} classes, not others"
            )
            raise AcetateError("model_corrupt", model=path.name, detail=detail)
        self._folded = fold(NETWORK, tensors, CONVOLUTION, path, r"fc\.(weight|bias)")
        self.identity = f"inception/{digest}"

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """See `FeatureExtractor`; frames are scaled to 299 x 299, bilinear, as FID's are."""
        found: list[np.ndarray] = []
        for start in range(0, len(frames), _BATCH):
            x = as_batch(frames[start : start + _BATCH])
            x = F.interpolate(x, (SIDE_PX, SIDE_PX), mode="bilinear", align_corners=False)
            found.append(run(NETWORK, self._folded, x).mean(dim=(2, 3)).numpy())
        return np.concatenate(found)
