"""`acetate serve`: run the backend until it is stopped."""

from __future__ import annotations

import argparse
import json
import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

from backend.cli.device_options import add_vram_option, wanted_vram
from backend.data_folder import default_data_dir
from backend.jobs.pool import PoolOptions
from backend.pipeline.feature_store.budget import bytes_of_gigabytes, default_host_bytes
from backend.server.about import version
from backend.server.serve import ServeOptions, serve
from backend.torch_device import checked_device
from shared.errors import AcetateError, ExitCode
from shared.local_server import DEFAULT_PORT

TEST_RUNNER = "ACETATE_TEST_RUNNER"
_LOG_BYTES = 2 * 1024 * 1024


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the `acetate` parser."""
    parser = subparsers.add_parser(
        "serve", help="run the backend on this computer", description=__doc__
    )
    parser.add_argument(
        "--listen",
        default=str(DEFAULT_PORT),
        metavar="ADDRESS",
        help=f"PORT, HOST:PORT or tcp://HOST:PORT on this computer (default {DEFAULT_PORT}; "
        "0 takes any free port)",
    )
    parser.add_argument("--data-dir", type=Path, help="where jobs and pictures are kept")
    parser.add_argument("--device", action="append", help="cpu, cuda:0 ...; may be repeated")
    add_vram_option(parser)
    parser.add_argument("--workers", type=int, default=1, help="worker processes per device")
    parser.add_argument(
        "--stop-grace",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="kill a worker that has not obeyed a cancel by then (default 10)",
    )
    parser.add_argument(
        "--feature-store-ram",
        type=float,
        metavar="GB",
        help="memory in which workers keep what LayerAnimate computed of a shot's layers, so that "
        "another seed or an edited layer is faster; shared by all of them (default: a quarter of "
        "this computer's, at most 40; 0 keeps nothing)",
    )
    parser.add_argument(
        "--feature-store-disk",
        type=float,
        default=0.0,
        metavar="GB",
        help="the same on the disk, in the data folder, which outlives a restart (default 0: none)",
    )
    parser.add_argument("--json", action="store_true", help="print the ready line as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Raises `AcetateError` where the server cannot start."""
    if not 1 <= args.workers <= 16:
        raise AcetateError("usage", where="--workers takes 1 to 16")
    named = [checked_device(name) for name in args.device or ["cpu"]]
    devices = [device for device in named for _ in range(args.workers)]
    pool = PoolOptions(
        data_dir=(args.data_dir or default_data_dir()).resolve(),
        devices=tuple(devices),
        vram_bytes=wanted_vram(args, named),
        runner=os.environ.get(TEST_RUNNER, ""),
        stop_grace_s=args.stop_grace,
        feature_ram_bytes=_feature_ram_bytes(args) // len(devices),
        feature_disk_bytes=bytes_of_gigabytes("--feature-store-disk", args.feature_store_disk),
    )
    _log_to(pool.data_dir / "logs")

    def announce(address: str) -> None:
        if args.json:
            document = {"schema": "acetate.ready/1", "address": address, "pid": os.getpid()}
            print(json.dumps(document | {"version": version()}), flush=True)
        else:
            print(f"ready {address}", flush=True)

    serve(ServeOptions(pool=pool, listen=args.listen), announce)
    return ExitCode.DONE


def _feature_ram_bytes(args: argparse.Namespace) -> int:
    """For all workers together."""
    if args.feature_store_ram is None:
        return default_host_bytes()
    return bytes_of_gigabytes("--feature-store-ram", args.feature_store_ram)


def _log_to(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / "server.log", maxBytes=_LOG_BYTES, backupCount=2, encoding="utf-8"
        )
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("acetate")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
