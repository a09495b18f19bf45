"""The layout-keeping group norm gives what PyTorch's own gives."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from backend.measure.full_size import META
from backend.models.layeranimate.normalise import GroupNorm, channels_last_group_norm


def _picture(dtype: torch.dtype, offset: float = 0.0, side: int = 12) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(3, 64, side, side + 5, generator=generator) * 0.7 + offset
    return drawn.to(dtype).contiguous(memory_format=torch.channels_last)


def _affine(channels: int = 64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(channels, generator=generator)
    return weight, torch.randn(channels, generator=generator)


@pytest.mark.parametrize("offset", [0.0, 30.0])
@pytest.mark.parametrize("side", [1, 3, 12])
def test_it_equals_pytorchs_own_norm(offset: float, side: int) -> None:
    x, (weight, bias) = _picture(torch.float32, offset, side), _affine()
    found = channels_last_group_norm(x, 32, weight, bias, 1e-5)
    wanted = F.group_norm(x.double(), 32, weight.double(), bias.double(), 1e-5)
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=4e-6 * (1 + 10 * offset))


@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_in_half_precision_it_errs_no_more_than_pytorchs_own(offset: float) -> None:
    x, (weight, bias) = _picture(torch.bfloat16, offset, 40), _affine()
    half = (weight.bfloat16(), bias.bfloat16())
    exact = F.group_norm(x.double(), 32, half[0].double(), half[1].double(), 1e-5)
    ours = (channels_last_group_norm(x, 32, *half, 1e-5) - exact).abs()
    theirs = (F.group_norm(x, 32, *half, 1e-5) - exact).abs()
    assert ours.mean() < 1.2 * theirs.mean()


def test_it_keeps_the_layout_where_pytorchs_own_does_not() -> None:
    norm = GroupNorm(32, 64).to(META)
    x = _picture(torch.float32).to(META)
    with torch.no_grad():
        assert norm(x).is_contiguous(memory_format=torch.channels_last)
    assert norm(x).requires_grad  # the differentiable path stays PyTorch's
