"""Names of compute devices: checked early, and how much memory is free there; used by commands.

Torch is loaded only for a device other than the CPU.
"""

from __future__ import annotations

import gc
import re

from shared.errors import AcetateError

_NAME = re.compile(r"(cpu|mps|cuda)(?::(\d{1,3}))?")


def checked_device(name: str) -> str:
    """The name itself, if torch can compute there now: cpu, mps, cuda or cuda:1.

    Raises `AcetateError("device_unusable")` with the reason for any other.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise _unusable(name, "it is no device name")
    kind, index = match[1], int(match[2] or 0)
    if kind == "cpu":
        return name
    import torch

    if kind == "mps":
        if not torch.backends.mps.is_available():
            raise _unusable(name, "this torch finds no Apple GPU")
        count = 1
    else:
        if not torch.cuda.is_available():
            raise _unusable(name, "this torch finds no CUDA device")
        count = torch.cuda.device_count()
    if index >= count:
        raise _unusable(name, f"there are {count} of that kind, counted from 0")
    return name


def free_memory_bytes(name: str) -> int | None:
    """Memory that a process starting now could take on a device; None on the CPU: no limit."""
    import torch

    device = torch.device(name)
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    return None


def release_unused_memory() -> None:
    """Give devices back what torch keeps of models that nobody holds any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def bytes_of_vram(gigabytes: float | None) -> int | None:
    """The value of `--vram` in bytes; raises `AcetateError("usage")` for one that cannot be."""
    if gigabytes is None:
        return None
    if not 0 < gigabytes <= 4096:
        raise AcetateError("usage", where=f"--vram takes gigabytes, such as 12, not {gigabytes:g}")
    return round(gigabytes * 1e9)


def _unusable(name: str, why: str) -> AcetateError:
    return AcetateError("device_unusable", device=name[:40], why=why)
