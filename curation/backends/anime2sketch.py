"""Line drawings by Anime2Sketch (MIT, spec 1.10); `load` is called by the choice of backends.

Official files, made safetensors by `acetate models convert`: `netG.pth` and `improved.bin`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from curation.backends.interfaces import Sketcher
from curation.backends.weight_file import Shapes, fill, find_weights, read_shapes
from curation.backends.weights import unfit

if TYPE_CHECKING:
    from curation.backends.anime2sketch_network import SketchNetwork

NAME = "anime2sketch"
LICENCE = "MIT"
WEIGHTS = ("netG.safetensors", "improved.safetensors", "anime2sketch.safetensors")

SIDE_PX = 512
"""Side of the square that every picture is brought to, whatever its shape."""

_FIRST = "model.model.0.weight"
_SMOOTH = ".smooth.kernel"


def load(folder: Path, device: str) -> Sketcher:
    """The drawer whose weights lie in a folder, of the file's own width and kind.

    Raises `weights_missing`, `weights_unfit`.
    """
    import torch

    from curation.backends.anime2sketch_network import SketchNetwork

    file = find_weights(folder, WEIGHTS, NAME)
    shapes = read_shapes(file, NAME)
    if len(shapes.get(_FIRST, ())) != 4:
        raise unfit(folder, NAME, f"there is no {_FIRST}")
    with torch.device("meta"):
        network = SketchNetwork(shapes[_FIRST][0], smooth=_is_smooth(shapes))
    fill(network, file, NAME)
    return Anime2Sketch(network.to(device), device)


def _is_smooth(shapes: Shapes) -> bool:
    return any(key.endswith(_SMOOTH) for key in shapes)


class Anime2Sketch:
    """A `Sketcher`; one picture at a time, 512 x 512 inside."""

    def __init__(self, network: SketchNetwork, device: str) -> None:
        self._network = network
        self._device = device

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """RGB uint8 [h, w, 3] to uint8 [h, w], 0 on a line .. 255 paper."""
        import torch

        height, width = picture.shape[:2]
        square = Image.fromarray(picture).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
        values = np.asarray(square, np.float32).transpose(2, 0, 1) / 127.5 - 1
        with torch.inference_mode():
            lines = self._network(torch.from_numpy(values)[None].to(self._device))
        grey = ((lines[0, 0].cpu().numpy() + 1) * 127.5).astype(np.uint8)
        drawn = Image.fromarray(grey).resize((width, height), Image.Resampling.BICUBIC)
        return np.asarray(drawn)
