"""Optical flow by UniMatch (MIT, spec 1.7); `load` is called by the choice of backends.

The official file, made safetensors by `acetate models convert`, is the one of two scales and six
refinements: `gmflow-scale2-regrefine6-mixdata-train320x576-4e7b215d.pth`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from curation.backends.weight_file import fill, find_weights

if TYPE_CHECKING:
    from torch import Tensor

    from curation.backends.unimatch_network.network import UniMatch

NAME = "unimatch"
LICENCE = "MIT"
WEIGHTS = (
    "gmflow-scale2-regrefine6-mixdata-train320x576-4e7b215d.safetensors",
    "unimatch.safetensors",
)


def load(folder: Path, device: str) -> UniMatchFlow:
    """The estimator whose weights lie in a folder. Raises `weights_missing`, `weights_unfit`."""
    import torch

    from curation.backends.unimatch_network.network import UniMatch

    file = find_weights(folder, WEIGHTS, NAME)
    with torch.device("meta"):
        network = UniMatch()
    fill(network, file, NAME)
    return UniMatchFlow(network.to(device), device)


class UniMatchFlow:
    """A `FlowEstimator`: one pair at a time, at the pictures' own size."""

    def __init__(self, network: UniMatch, device: str) -> None:
        self._network = network
        self._device = device

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """RGB uint8 [h, w, 3] twice to pixels from the first to the second, float32 [h, w, 2]."""
        return self._measured(first, second, both=False)[0]

    def both_ways(self, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Flow from the first picture to the second and back; dearer than one, less than two."""
        there, back = self._measured(first, second, both=True)
        return there, back

    def _measured(self, first: np.ndarray, second: np.ndarray, *, both: bool) -> np.ndarray:
        """Float32 [1 or 2, h, w, 2]. The network was trained on pictures wider than high."""
        if first.shape[0] > first.shape[1]:
            turned = [picture.transpose(1, 0, 2) for picture in (first, second)]
            return self._measured(*turned, both=both).transpose(0, 2, 1, 3)[..., ::-1]
        import torch

        pair = torch.from_numpy(np.stack([first, second])).permute(0, 3, 1, 2).float()
        with torch.inference_mode():
            flow = _fitted(self._network, pair.to(self._device), both=both)
        return flow.permute(0, 2, 3, 1).cpu().numpy()


def _fitted(network: UniMatch, pair: Tensor, *, both: bool) -> Tensor:
    """Flow [1 or 2, 2, h, w] of a pair of any size: it is brought to a size that fits, and back."""
    from torch.nn.functional import interpolate

    from curation.backends.unimatch_network.network import STEP

    size = pair.shape[2:]
    fitting = [-(-side // STEP) * STEP for side in size]
    grown = interpolate(pair, fitting, mode="bilinear", align_corners=True)
    flow = network(grown[:1], grown[1:], both=both)
    flow = interpolate(flow, size, mode="bilinear", align_corners=True)
    scale = flow.new_tensor([size[1] / fitting[1], size[0] / fitting[0]])
    return flow * scale[:, None, None]
