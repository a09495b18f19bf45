"""How many bytes each tier of the feature store may hold; needs no torch, so the server reads it.

Sizes to think with (spec performance 1.1): six tensors, 91.75 MB, per layer, guidance branch and
timestep in half precision; a whole run of 50 steps, 4 layers and both branches is 36.7 GB.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import AcetateError

if TYPE_CHECKING:
    import torch

GB = 10**9
MAX_HOST_BYTES = 40 * GB
"""One full run (36.7 GB) and a little: more would only keep what was edited away."""
SAMPLING_BYTES = 12 * GB
"""Device memory that is left to sampling before the store gets a share of the rest."""
_HOST_SHARE = 0.25
_FALLBACK_MEMORY_BYTES = 8 * GB
RESERVE_BYTES = 1024**3
FOLDER_NAME = "features"


@dataclass(frozen=True)
class StoreBudget:
    """Limits in bytes; 0 switches a tier off. `folder`: where the disk tier lies.

    `disk_bytes` counts everything in the folder, also what other processes keep there.
    `reserve_bytes`: free room on that disk which the store never uses up, because jobs and their
    pictures lie there too.
    """

    device_bytes: int = 0
    host_bytes: int = 0
    disk_bytes: int = 0
    folder: Path | None = None
    reserve_bytes: int = RESERVE_BYTES

    def __post_init__(self) -> None:
        sizes = (self.device_bytes, self.host_bytes, self.disk_bytes, self.reserve_bytes)
        if min(sizes) < 0:
            raise ValueError(f"a budget below zero: {self}")

    @property
    def uses_disk(self) -> bool:
        """Whether there is a disk tier."""
        return self.disk_bytes > 0 and self.folder is not None

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be kept at all."""
        return not (self.device_bytes or self.host_bytes or self.uses_disk)


def default_budget(
    device: torch.device,
    folder: Path | None,
    *,
    device_share: float = 0.0,
    host_bytes: int | None = None,
    disk_bytes: int = 0,
    vram_bytes: int | None = None,
) -> StoreBudget:
    """A budget for one process that works on `device`.

    Host: a quarter of the machine's memory, since Blender and the weights live there as well, and
    at most `MAX_HOST_BYTES`; `host_bytes` overrides it. Device: `device_share` (0 to 1) of what is
    free on a CUDA device now beyond `SAMPLING_BYTES`, so ask once the weights are loaded; 0
    elsewhere. `vram_bytes` is all that the process may take there (None: whatever is free). Disk:
    only where the caller names a folder and bytes: an H200 computes features faster than a disk
    delivers them.
    """
    device_bytes = 0
    if device.type == "cuda" and device_share > 0:
        from torch.cuda import mem_get_info, memory_reserved

        spare_bytes = spare_device_bytes(
            mem_get_info(device)[0], memory_reserved(device), vram_bytes
        )
        device_bytes = int(spare_bytes * min(device_share, 1.0))
    return StoreBudget(
        device_bytes=device_bytes,
        host_bytes=default_host_bytes() if host_bytes is None else host_bytes,
        disk_bytes=disk_bytes if folder is not None else 0,
        folder=folder,
    )


def spare_device_bytes(free_bytes: int, taken_bytes: int, vram_bytes: int | None) -> int:
    """What sampling leaves of a device with so many bytes free, of which this process has taken
    some already and may take no more than `vram_bytes` in all (None: whatever is free).
    """
    allowed_bytes = free_bytes if vram_bytes is None else vram_bytes - taken_bytes
    return max(0, min(free_bytes, allowed_bytes) - SAMPLING_BYTES)


def default_host_bytes() -> int:
    """A quarter of this machine's memory, at most `MAX_HOST_BYTES`."""
    return min(int(_memory_bytes() * _HOST_SHARE), MAX_HOST_BYTES)


def bytes_of_gigabytes(option: str, gigabytes: float) -> int:
    """What an option such as `--feature-store-ram 8` means in bytes. Raises `usage`."""
    if not 0 <= gigabytes <= 1_000_000:  # also refuses NaN
        raise AcetateError("usage", where=f"{option} takes gigabytes from 0 on")
    return int(gigabytes * GB)


def _memory_bytes() -> int:
    """Memory of this machine, in bytes; a cautious guess where the system does not tell."""
    if sys.platform == "win32":
        return _windows_memory_bytes()
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return _FALLBACK_MEMORY_BYTES


def _windows_memory_bytes() -> int:
    import ctypes

    kilobytes = ctypes.c_ulonglong()
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 (exists on Windows only)
    if not kernel.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes)):
        return _FALLBACK_MEMORY_BYTES
    return kilobytes.value * 1024
