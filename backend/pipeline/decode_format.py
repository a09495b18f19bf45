"""Number formats in which the two-key decoder may multiply; the decoder and `--decode` read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

FORMATS = ("fp32", "tf32", "bf16")
"""All of float32; float32 with the products in TF32, on CUDA; products in bfloat16."""


@contextmanager
def multiplying_in(number_format: str, device: torch.device) -> Iterator[None]:
    """Has float32 weights multiply in this format inside the block; "" leaves all as it is.

    `fp32` and `tf32` differ on CUDA only; bfloat16 is used wherever it is asked for.
    """
    with ExitStack() as stack:
        if number_format == "bf16":
            stack.enter_context(torch.autocast(device.type, torch.bfloat16))
        elif number_format and device.type == "cuda":
            stack.enter_context(_tf32(allowed=number_format == "tf32"))
        yield


@contextmanager
def _tf32(*, allowed: bool) -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    try:
        torch.backends.cuda.matmul.allow_tf32 = allowed
        torch.backends.cudnn.allow_tf32 = allowed
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
