"""Whether a layer may write its result over what it was handed; asked by the layers of networks."""

from __future__ import annotations

import torch
from torch import Tensor


def may_overwrite(x: Tensor) -> bool:
    """No gradient needs the old values, and no autocast has other types in mind.

    Autocasting leaves the forms of operations that write into a given tensor as they are, so that
    these would meet two types at once.
    """
    if torch.is_grad_enabled():
        return False
    kind = x.device.type
    return kind == "meta" or not torch.is_autocast_enabled(kind)
