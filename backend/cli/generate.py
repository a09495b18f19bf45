"""`acetate generate`: one shot package (or .blend file) to finished frames, here or on a server."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.cli.compare_takes import compared
from backend.cli.device_options import add_vram_option, wanted_vram
from backend.cli.interruption import Interruption
from backend.cli.progress_line import ProgressLine
from backend.cli.shot_options import add_shot_options, wanted_shot
from backend.data_folder import default_data_dir
from backend.pipeline.context import LocalContext
from backend.pipeline.engines import (
    LAYERANIMATE,
    ClipPainter,
    Engines,
    load_imported_painter,
    no_store,
)
from backend.pipeline.execute import execute
from backend.pipeline.feature_store.budget import StoreBudget, bytes_of_gigabytes
from backend.pipeline.feature_store.opening import StoreOpener, budget_in
from backend.pipeline.output_folder import check_free, write_result
from backend.pipeline.takes import TakeGroup
from backend.torch_device import checked_device
from shared.blobs import Blobs, MemoryBlobs
from shared.errors import AcetateError, ExitCode
from shared.result import ResultManifest
from shared.shot import ShotRequest, single_takes

if TYPE_CHECKING:
    from backend.pipeline.feature_store.contract import TensorStore
    from shared.client import Client

RESULT_SCHEMA = "acetate.generate/1"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the `acetate` parser."""
    parser = subparsers.add_parser(
        "generate", help="turn a shot into finished layers", description=__doc__
    )
    add_shot_options(parser)
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the result")
    parser.add_argument("--device", help="where models run here: cpu (default), cuda, mps")
    add_vram_option(parser)
    parser.add_argument("--server", metavar="ADDRESS", help="send the shot to this server")
    parser.add_argument("--secret-file", type=Path, help="default: where the server announced it")
    parser.add_argument(
        "--feature-store-disk",
        type=float,
        default=0.0,
        metavar="GB",
        help="keep what LayerAnimate computed of the shot's layers in this computer's data folder, "
        "so that the next run with another seed or an edited layer is faster (default 0: nothing)",
    )
    parser.add_argument(
        "--decode",
        choices=("fp32", "tf32", "bf16"),
        help="what LayerAnimate's two-key decoder multiplies in (default: by preset)",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="with an approximate preset: run final too and tell how near the take comes to it",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    parser.add_argument("--force", action="store_true", help="replace an earlier result in OUT")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Raises `AcetateError`; returns an exit code."""
    out: Path = args.out
    request, blobs = wanted_shot(args)
    for folder in _folders(request, out):
        check_free(folder, force=args.force)
    _check_local(args)
    features, vram_bytes = _features(args, request), _vram_bytes(args)
    open_store = StoreOpener(features, vram_bytes=vram_bytes)
    load_painter = _painter_loader(vram_bytes, request.look.takes)
    engines = Engines(
        load_painter=load_painter,
        open_store=_store_for(features, open_store, load_painter, request.look.takes),
        decode=args.decode or "",
    )
    group = TakeGroup([take.look.seed for take in single_takes(request)])
    line = ProgressLine(quiet=args.json, with_model=request.look.engine == LAYERANIMATE)
    try:
        with Interruption(signal.SIGTERM) as interruption:
            progress = _Progress(line, interruption)
            takes = [
                _one_take(take, blobs, folder, args, progress, engines, group)
                for take, folder in zip(single_takes(request), _folders(request, out), strict=True)
            ]
            open_store.close()
    except KeyboardInterrupt:
        line.close()
        print("Interrupted; nothing half-written was kept", file=sys.stderr)
        return ExitCode.INTERRUPTED
    finally:
        line.close()
    if args.json:
        print(json.dumps({"schema": RESULT_SCHEMA, "out": str(out), "takes": takes}))
    else:
        _print_summary(takes)
    return ExitCode.DONE


@dataclass(frozen=True)
class _Progress:
    """Where the takes tell how far they are, and learn that they were interrupted."""

    line: ProgressLine
    interruption: Interruption

    def report(self, stage: str, step: int, steps: int) -> None:
        self.interruption.check()
        self.line.update(stage, step, steps)


def _folders(request: ShotRequest, out: Path) -> list[Path]:
    """Where each take goes: `OUT` itself for a single one, else `OUT/take-01` and so on."""
    count = request.look.takes
    if count == 1:
        return [out]
    return [out / f"take-{number:02d}" for number in range(1, count + 1)]


def _features(args: argparse.Namespace, request: ShotRequest) -> StoreBudget:
    """What this process keeps: nothing, unless another take or another run can use it."""
    disk_bytes = bytes_of_gigabytes("--feature-store-disk", args.feature_store_disk)
    if args.server:
        if disk_bytes:
            raise AcetateError("usage", where="--feature-store-disk is an option of acetate serve")
        return StoreBudget()
    if disk_bytes == 0 and request.look.takes == 1:
        return StoreBudget()
    return budget_in(default_data_dir(), disk_bytes=disk_bytes)


def _vram_bytes(args: argparse.Namespace) -> int | None:
    """What this process may take of its device, None: what is free; checks both options."""
    if not args.server:
        return wanted_vram(args, [checked_device(_device(args))])
    if args.vram is not None:
        raise AcetateError("usage", where="--vram is an option of acetate serve")
    return None


def _check_local(args: argparse.Namespace) -> None:
    """Options that say how this process computes mean nothing to a server. Raises `usage`."""
    given = {"--device": args.device, "--decode": args.decode, "--compare": args.compare}
    lost = [name for name, value in given.items() if value]
    if args.server and lost:
        raise AcetateError("usage", where=f"{lost[0]} has no use with --server, which computes")
    if args.decode == "tf32" and not _device(args).startswith("cuda"):
        raise AcetateError("usage", where="--decode tf32 needs --device cuda")


def _device(args: argparse.Namespace) -> str:
    return args.device or "cpu"


def _painter_loader(vram_bytes: int | None, takes: int) -> Callable[[str], ClipPainter]:
    """How the large model is loaded here, once for all takes."""
    return cache(partial(load_imported_painter, vram_bytes=vram_bytes, takes=takes))


def _store_for(
    features: StoreBudget,
    open_store: Callable[[str], TensorStore],
    load_painter: Callable[[str], ClipPainter],
    takes: int,
) -> Callable[[str], TensorStore]:
    """The store that a painter needs: none for takes that it paints as one batch."""

    def opened(device: str) -> TensorStore:
        alone = takes > 1 and load_painter(device).takes_at_once >= takes
        return no_store(device) if alone and not features.uses_disk else open_store(device)

    return opened


def _one_take(
    request: ShotRequest,
    blobs: Blobs,
    folder: Path,
    args: argparse.Namespace,
    progress: _Progress,
    engines: Engines,
    group: TakeGroup,
) -> dict[str, Any]:
    results = MemoryBlobs()
    if args.server:
        manifest = _run_on_server(request, blobs, results, args, progress)
    else:
        context = LocalContext(_device(args), progress.report)
        manifest = execute(request, blobs, results, context, engines, group)
        if args.compare:
            manifest = compared(
                request,
                manifest,
                results,
                lambda other, found: execute(other, blobs, found, context, engines),
            )
    progress.interruption.check()
    write_result(manifest, results, folder, force=args.force)
    return _describe(manifest, folder)


def _run_on_server(
    request: ShotRequest,
    blobs: Blobs,
    results: Blobs,
    args: argparse.Namespace,
    progress: _Progress,
) -> ResultManifest:
    """Submit, follow and fetch. An interruption cancels the job, because nobody waits for it."""
    from backend.cli.server_options import connect

    with connect(args) as client:
        job = client.submit(request, blobs)
        try:
            _follow(client, job, progress)
        except KeyboardInterrupt:
            _cancel(client, job)
            raise
        return client.fetch(job, results)


def _cancel(client: Client, job: str) -> None:
    try:
        client.cancel(job)
    except AcetateError as error:
        print(f"Job {job[:8]} may go on: {error.code} {error.text}", file=sys.stderr)


def _follow(client: Client, job: str, progress: _Progress) -> None:
    for update in client.events(job):
        if update.status.stage:
            progress.report(update.status.stage, update.status.step, update.status.steps)


def _describe(manifest: ResultManifest, folder: Path) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "engine": manifest.engine,
        "seed": manifest.seed,
        "request_sha256": manifest.request_sha256,
        "frames": [manifest.start, manifest.end],
        "layers": [
            {"name": layer.name, "folder": layer.folder, "method": layer.method}
            for layer in manifest.layers
        ],
        "timings": manifest.timings,
        "warnings": list(manifest.warnings),
    }


def _print_summary(takes: list[dict[str, Any]]) -> None:
    for take in takes:
        seconds = sum(take["timings"].values())
        print(f"{take['folder']}: {take['engine']}, seed {take['seed']}, {seconds:.1f} s")
        for layer in take["layers"]:
            print(f"  {layer['name']}: {layer['method']}")
        for warning in take["warnings"]:
            print(f"  note: {warning}", file=sys.stderr)
