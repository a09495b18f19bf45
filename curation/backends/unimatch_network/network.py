"""UniMatch for flow, whole: matched coarse, matched fine, refined; made by `unimatch.load`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from curation.backends.unimatch_network.encoder import CHANNELS, Encoder
from curation.backends.unimatch_network.matching import (
    correlation,
    global_match,
    local_match,
    warped,
)
from curation.backends.unimatch_network.propagation import Propagation
from curation.backends.unimatch_network.refinement import RADIUS, Refinement, upsampled
from curation.backends.unimatch_network.transformer import Transformer
from curation.backends.unimatch_network.windows import with_positions

STEP = 32
"""Sides of a picture must be multiples of it."""

REFINEMENTS = 6
_COARSE_SPLITS, _FINE_SPLITS = 2, 8
_MEAN = (0.485, 0.456, 0.406)
_SPREAD = (0.229, 0.224, 0.225)


class UniMatch(nn.Module):
    """RGB [b, 3, h, w] in 0..255 twice to flow [b, 2, h, w] in pixels, right and down."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Encoder()
        self.transformer = Transformer(CHANNELS)
        self.feature_flow_attn = Propagation(CHANNELS)
        self.refine_proj = nn.Conv2d(CHANNELS, 256, 1)
        self.refine = Refinement()

    def forward(self, first: Tensor, second: Tensor, *, both: bool = False) -> Tensor:
        """`both`: flow from the second picture to the first follows, [2 b, 2, h, w]."""
        coarse, fine = self.backbone(_normalised(torch.cat([first, second])))
        flow = self._coarse(coarse, both=both)
        flow = 2 * functional.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=True)
        here, there = fine.chunk(2)
        if both:
            here, there = torch.cat([here, there]), torch.cat([there, here])
        flow, context = self._fine(here, there, flow)
        return self._refined(here, there, context, flow)

    def _coarse(self, features: Tensor, *, both: bool) -> Tensor:
        """Flow between the halves of a batch of features, matched over the whole picture."""
        splits = _COARSE_SPLITS
        placed = with_positions(features, splits)
        here, there = self.transformer(*placed.chunk(2), splits)
        flow = global_match(here, there)
        if both:
            flow = torch.cat([flow, global_match(there, here)])
            here = torch.cat([here, there])
        return self.feature_flow_attn.everywhere(here, flow)

    def _fine(self, here: Tensor, there: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
        """Flow corrected near by, and the first picture's features that came of it."""
        splits = _FINE_SPLITS
        moved = with_positions(warped(there, flow), splits)
        context, moved = self.transformer(with_positions(here, splits), moved, splits)
        flow = flow + local_match(context, moved, RADIUS)
        return self.feature_flow_attn.nearby(context, flow), context

    def _refined(self, here: Tensor, there: Tensor, context: Tensor, flow: Tensor) -> Tensor:
        """Flow at the pictures' size.

        Each refinement starts from the same state: so were the published weights trained.
        """
        state, given = self.refine_proj(context).chunk(2, 1)
        start, given = torch.tanh(state), torch.relu(given)
        for _ in range(REFINEMENTS):
            alike = correlation(here, there, flow, RADIUS)
            step, state = self.refine(start, given, alike, flow)
            flow = flow + step
        return upsampled(flow, self.refine.mask(state))


def _normalised(pictures: Tensor) -> Tensor:
    mean, spread = (pictures.new_tensor(values)[:, None, None] for values in (_MEAN, _SPREAD))
    return (pictures / 255 - mean) / spread
