"""SAM and SAM 2 of transformers, asked by points; `automatic` makes masks with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from curation.backends.transformers_folder import normalised

if TYPE_CHECKING:
    from torch import Tensor


class PromptedModel:
    """A `Prompted` network.

    `side`: of its square. `keeps_shape`: the longer side of a picture is brought to it and the
    rest is filled with zeros, as SAM has it; else the picture is brought to the square (SAM 2).
    """

    def __init__(self, model: Any, device: str, side: int, *, keeps_shape: bool) -> None:  # noqa: ANN401 - of one of two classes of another package
        self._model = model
        self._device = device
        self._side = side
        self._keeps_shape = keeps_shape
        self._size = self._inner = (side, side)
        self._seen: Any = None

    def look(self, picture: np.ndarray) -> None:
        """Take an RGB uint8 picture [h, w, 3] in."""
        import torch

        height, width = self._size = (picture.shape[0], picture.shape[1])
        self._inner = (self._side, self._side)
        if self._keeps_shape:
            scale = self._side / max(height, width)
            self._inner = (max(1, round(height * scale)), max(1, round(width * scale)))
        square = torch.zeros(1, 3, self._side, self._side)
        square[0, :, : self._inner[0], : self._inner[1]] = normalised(picture, *self._inner)
        with torch.inference_mode():
            self._seen = self._model.get_image_embeddings(square.to(self._device))

    def ask(self, points: np.ndarray) -> tuple[Tensor, Tensor]:
        """Small logits [n, 3, a, b] and expected IoU [n, 3] for points float32 [n, 2], pixels."""
        import torch

        shrink = np.array([self._inner[1] / self._size[1], self._inner[0] / self._size[0]])
        places = torch.from_numpy((points * shrink).astype(np.float32))[None, :, None]
        seen = list(self._seen) if isinstance(self._seen, list | tuple) else self._seen
        with torch.inference_mode():
            found = self._model(
                input_points=places.to(self._device), image_embeddings=seen, multimask_output=True
            )
        return found.pred_masks[0], found.iou_scores[0]

    def enlarged(self, logits: Tensor) -> Tensor:
        """Logits [m, a, b] at the picture's size [m, h, w]."""
        from torch.nn.functional import interpolate

        large = logits[:, None]
        if self._keeps_shape:
            large = interpolate(large, (self._side, self._side), mode="bilinear")
            large = large[..., : self._inner[0], : self._inner[1]]
        return interpolate(large, self._size, mode="bilinear")[:, 0]
