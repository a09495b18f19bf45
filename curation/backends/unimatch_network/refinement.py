"""Corrections to flow from how alike the places around it are, and its growth; for `network`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

RADIUS = 4
UPSAMPLING = 4
_HIDDEN = 128
_SQUARE = (2 * RADIUS + 1) ** 2


class Refinement(nn.Module):
    """One correction; see `forward`."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = _MotionEncoder()
        self.gru = _Gate(_HIDDEN, 2 * _HIDDEN)
        self.flow_head = _FlowHead()
        self.mask = nn.Sequential(
            nn.Conv2d(_HIDDEN, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 9 * UPSAMPLING**2, 1),
        )

    def forward(
        self, state: Tensor, context: Tensor, alike: Tensor, flow: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What to add to flow [b, 2, h, w], and the state that says so; `mask` makes of the last
        one the weights of `upsampled`.

        state, context: [b, 128, h, w]; alike: [b, 81, h, w], of `matching.correlation`.
        """
        motion = self.encoder(flow, alike)
        state = self.gru(state, torch.cat([context, motion], 1))
        return self.flow_head(state), state


class _MotionEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convc1 = nn.Conv2d(_SQUARE, 256, 1)
        self.convc2 = nn.Conv2d(256, 192, 3, padding=1)
        self.convf1 = nn.Conv2d(2, 128, 7, padding=3)
        self.convf2 = nn.Conv2d(128, 64, 3, padding=1)
        self.conv = nn.Conv2d(64 + 192, _HIDDEN - 2, 3, padding=1)

    def forward(self, flow: Tensor, alike: Tensor) -> Tensor:
        likeness = functional.relu(self.convc2(functional.relu(self.convc1(alike))))
        motion = functional.relu(self.convf2(functional.relu(self.convf1(flow))))
        both = functional.relu(self.conv(torch.cat([likeness, motion], 1)))
        return torch.cat([both, flow], 1)


class _Gate(nn.Module):
    """A gated unit along rows, then one along columns."""

    def __init__(self, hidden: int, given: int) -> None:
        super().__init__()
        for index, kernel in ((1, (1, 5)), (2, (5, 1))):
            padding = (kernel[0] // 2, kernel[1] // 2)
            for part in "zrq":
                conv = nn.Conv2d(hidden + given, hidden, kernel, padding=padding)
                self.add_module(f"conv{part}{index}", conv)

    def forward(self, state: Tensor, given: Tensor) -> Tensor:
        for index in (1, 2):
            update, reset, fresh = (
                self.get_submodule(f"conv{part}{index}") for part in ("z", "r", "q")
            )
            both = torch.cat([state, given], 1)
            kept = torch.sigmoid(reset(both)) * state
            share = torch.sigmoid(update(both))
            state = torch.lerp(state, torch.tanh(fresh(torch.cat([kept, given], 1))), share)
        return state


class _FlowHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(_HIDDEN, 256, 3, padding=1)
        self.conv2 = nn.Conv2d(256, 2, 3, padding=1)

    def forward(self, state: Tensor) -> Tensor:
        return self.conv2(functional.relu(self.conv1(state)))


def upsampled(flow: Tensor, weights: Tensor) -> Tensor:
    """Flow [b, 2, h, w] at four times the size: each pixel a mean of 3 x 3 around its place.

    weights: [b, 9 * 16, h, w], before the softmax. Outside of the picture flow counts as 0.
    """
    batch, _, height, width = flow.shape
    share = weights.view(batch, 1, 9, UPSAMPLING, UPSAMPLING, height, width).softmax(2)
    around = functional.unfold(UPSAMPLING * flow, 3, padding=1)
    around = around.view(batch, 2, 9, 1, 1, height, width)
    fine = (share * around).sum(2).permute(0, 1, 4, 2, 5, 3)  # [b, 2, h, 4, w, 4]
    return fine.reshape(batch, 2, UPSAMPLING * height, UPSAMPLING * width)
