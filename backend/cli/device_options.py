"""The `--vram` option of the commands that may run a large model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from backend.torch_device import bytes_of_vram
from shared.errors import AcetateError


def add_vram_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--vram`."""
    parser.add_argument(
        "--vram",
        type=float,
        metavar="GB",
        help="memory of a graphics device that a model may take; slower ways that need less are "
        "chosen to fit (default: what is free when the model is loaded)",
    )


def wanted_vram(args: argparse.Namespace, devices: Sequence[str]) -> int | None:
    """The option in bytes, None without it; raises `AcetateError("usage")` where it has no use."""
    limit = bytes_of_vram(args.vram)
    if limit is not None and all(name.partition(":")[0] == "cpu" for name in devices):
        raise AcetateError("usage", where="--vram needs a --device other than cpu")
    return limit
