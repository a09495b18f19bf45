"""What is known of each layer in which frame (spec 3.2); used by the pipeline and by training."""

from __future__ import annotations

import torch
from torch import Tensor


def allocate(keyed: Tensor, static: Tensor, frames: int, two_keys: Tensor | None = None) -> Tensor:
    """Values at the keys [rows, K, ...] to all frames [rows, frames, ...].

    A moving layer is known at its keys and zero elsewhere; a static one holds its first key, and
    from the middle of the clip its last. `static` [rows] bool. `two_keys` [rows] bool tells which
    rows use their second key; None = all of them where K is 2. Gradients pass.
    """
    if two_keys is None:
        two_keys = torch.full_like(static, keyed.shape[1] == 2)
    frame = torch.arange(frames, device=keyed.device)
    static, two_keys = static.to(keyed.device)[:, None], two_keys.to(keyed.device)[:, None]
    shows_last = two_keys & torch.where(static, frame >= frames // 2, frame == frames - 1)
    shows_first = ~shows_last & (static | (frame == 0))  # [rows, frames]
    wide = (..., *([None] * (keyed.dim() - 2)))
    nothing = torch.zeros((), dtype=keyed.dtype, device=keyed.device)
    placed = torch.where(shows_first[wide], keyed[:, :1], nothing)
    return torch.where(shows_last[wide], keyed[:, -1:], placed)
