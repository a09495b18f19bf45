"""The I3D network that FVD is defined with, from the user's safetensors; for the suites.

Carreira and Zisserman 2017, RGB, trained on Kinetics-400. Keys as the usual PyTorch port has them
(`Mixed_3b.b1b.conv3d.weight`); padding as TensorFlow's.
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

SIDE_PX = 224
LEAST_FRAMES = 9  # two moments are left after three halvings in time
DIMENSIONS = 400
CONVOLUTION = "conv3d"


def _unit(name: str, inputs: int, outputs: int, side: int = 1, stride: int = 1) -> Unit:
    return Unit(name, inputs, outputs, (side,) * 3, stride)


def _mixed(name: str, inputs: int, widths: tuple[int, int, int, int, int, int]) -> Split:
    one, reduce_a, three_a, reduce_b, three_b, pooled = widths
    return Split(
        (
            (_unit(f"{name}.b0", inputs, one),),
            (
                _unit(f"{name}.b1a", inputs, reduce_a),
                _unit(f"{name}.b1b", reduce_a, three_a, 3),
            ),
            (
                _unit(f"{name}.b2a", inputs, reduce_b),
                _unit(f"{name}.b2b", reduce_b, three_b, 3),
            ),
            (Pool("max", (3, 3, 3), (1, 1, 1)), _unit(f"{name}.b3b", inputs, pooled)),
        )
    )


NETWORK: tuple[Step, ...] = (
    _unit("Conv3d_1a_7x7", 3, 64, 7, 2),
    Pool("max", (1, 3, 3), (1, 2, 2)),
    _unit("Conv3d_2b_1x1", 64, 64),
    _unit("Conv3d_2c_3x3", 64, 192, 3),
    Pool("max", (1, 3, 3), (1, 2, 2)),
    _mixed("Mixed_3b", 192, (64, 96, 128, 16, 32, 32)),
    _mixed("Mixed_3c", 256, (128, 128, 192, 32, 96, 64)),
    Pool("max", (3, 3, 3), (2, 2, 2)),
    _mixed("Mixed_4b", 480, (192, 96, 208, 16, 48, 64)),
    _mixed("Mixed_4c", 512, (160, 112, 224, 24, 64, 64)),
    _mixed("Mixed_4d", 512, (128, 128, 256, 24, 64, 64)),
    _mixed("Mixed_4e", 512, (112, 144, 288, 32, 64, 64)),
    _mixed("Mixed_4f", 528, (256, 160, 320, 32, 128, 128)),
    Pool("max", (2, 2, 2), (2, 2, 2)),
    _mixed("Mixed_5b", 832, (256, 160, 320, 32, 128, 128)),
    _mixed("Mixed_5c", 832, (384, 192, 384, 48, 128, 128)),
    Pool("avg", (2, 7, 7), (1, 1, 1), (0, 0, 0)),
    Unit("logits", 1024, DIMENSIONS, (1, 1, 1), normed=False),
)


class I3dFeatures:
    """FVD's features: the class scores, mean over time, float32 [1, 400]."""

    per_clip = True
    is_random = False
    dimensions = DIMENSIONS

    def __init__(self, path: Path) -> None:
        """Raises `model_missing`, `model_corrupt`."""
        tensors, digest = read_safetensors(path)
        self._folded = fold(NETWORK, tensors, CONVOLUTION, path)
        self.identity = f"i3d/{digest}"

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """See `FeatureExtractor`; frames are scaled to 224 x 224. Raises `usage` for under 9."""
        if len(frames) < LEAST_FRAMES:
            where = f"FVD needs {LEAST_FRAMES} made frames in a clip, not {len(frames)}"
            raise AcetateError("usage", where=where)
        x = F.interpolate(as_batch(frames), (SIDE_PX, SIDE_PX), mode="bilinear")
        scores = run(NETWORK, self._folded, x.movedim(0, 1)[None])  # [1, 400, t, 1, 1]
        return scores.mean(dim=(2, 3, 4)).numpy()
