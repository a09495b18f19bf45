"""Flow spread over what looks alike in one picture, to where none was seen; for `network`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from curation.backends.unimatch_network.matching import attended

_SIDE = 3


class Propagation(nn.Module):
    """Flow [b, 2, h, w] by likeness of features [b, c, h, w] within one picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(channels, channels)
        self.k_proj = nn.Linear(channels, channels)

    def everywhere(self, features: Tensor, flow: Tensor) -> Tensor:
        """From all places.

        Keys are made of queries, not of features: so were the published weights trained.
        """
        query = self.q_proj(features.flatten(2).mT)
        found = attended(query, self.k_proj(query), flow.flatten(2).mT)
        return found.mT.unflatten(2, flow.shape[2:])

    def nearby(self, features: Tensor, flow: Tensor) -> Tensor:
        """From the 3 x 3 places around each one; outside of the picture keys and flow are 0."""
        batch, channels, height, width = features.shape
        places = features.flatten(2).mT  # [b, places, c]
        keys = self.k_proj(places).mT.unflatten(2, (height, width))
        query = self.q_proj(places).mT[:, :, None]
        alike = (query * _around(keys)).sum(1) / channels**0.5  # [b, 9, places]
        found = (torch.softmax(alike, 1)[:, None] * _around(flow)).sum(2)
        return found.reshape(batch, -1, height, width)


def _around(values: Tensor) -> Tensor:
    """[b, c, h, w] to [b, c, 9, places]."""
    return functional.unfold(values, _SIDE, padding=1).unflatten(1, (values.shape[1], -1))
