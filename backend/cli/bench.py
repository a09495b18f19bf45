"""`acetate bench`: named benchmarks, one JSON line or one row per measurement."""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import cv2
import msgspec
import numpy as np

from backend.cli.bench_overhead import bench_overhead
from backend.cli.bench_shots import bench_shot
from backend.cli.measurement import SIZES, BenchOptions, Measurement, clocked
from backend.pipeline.context import LocalContext
from backend.pipeline.execute import execute
from shared.blobs import MemoryBlobs
from shared.errors import AcetateError, ExitCode
from shared.pictures import decode_png, encode_png
from shared.result import ResultManifest
from shared.shot import Role, ShotRequest


def bench_layer_motion(options: BenchOptions) -> Iterator[Measurement]:
    """The whole pipeline with layer motion; reference: the same shot with one new drawing only."""
    for width, height in options.sizes:
        request, blobs = bench_shot(width, height, "layer-motion")
        held = _with_engine(_held(request), "layer-motion")
        yield _compare("layer-motion", (request, held), blobs, "one drawing", options)


def bench_generate(options: BenchOptions) -> Iterator[Measurement]:
    """The default engine; reference: layer motion on the same shot."""
    for width, height in options.sizes:
        request, blobs = bench_shot(width, height, "auto")
        plain = _with_engine(request, "layer-motion")
        yield _compare("generate", (request, plain), blobs, "layer-motion", options)


def bench_png(options: BenchOptions) -> Iterator[Measurement]:
    """Encoding a drawn picture; reference: OpenCV's encoder at its default settings."""
    for width, height in options.sizes:
        request, blobs = bench_shot(width, height)
        picture = request.layers[-1].keys[0].picture
        if picture is None:
            raise AcetateError("bug", detail="a benchmark shot without pictures")
        pixels = decode_png(blobs.get(picture.blob))
        ours = clocked(lambda pixels=pixels: encode_png(pixels), options.repeat * 3)
        other = clocked(lambda pixels=pixels: _opencv_png(pixels), options.repeat * 3)
        yield Measurement(
            name="png",
            config={"size": f"{width}x{height}", "bytes": len(encode_png(pixels))},
            value=round(ours.wall_s * 1000, 3),
            unit="ms",
            ratio=round(ours.wall_s / other.wall_s, 3),
            reference="opencv",
            cpu_s=round(ours.cpu_s, 4),
        )


Benchmark = Callable[[BenchOptions], Iterator[Measurement]]


def _later(module: str, function: str) -> Benchmark:
    """A benchmark of a module beside this one that is imported when it runs."""

    def run_it(options: BenchOptions) -> Iterator[Measurement]:
        benchmark: Benchmark = getattr(importlib.import_module(f"backend.cli.{module}"), function)
        yield from benchmark(options)

    return run_it


BENCHMARKS: dict[str, Benchmark] = {
    "layer-motion": bench_layer_motion,
    "generate": bench_generate,
    "png": bench_png,
    "pipeline-overhead": bench_overhead,
    "flops": _later("bench_work", "bench_flops"),
    "bytes": _later("bench_work", "bench_bytes"),
    "calls": _later("bench_work", "bench_calls"),
    "memory": _later("bench_memory", "bench_memory"),
    "ratios": _later("bench_ratios", "bench_ratios"),
    "presets": _later("bench_presets", "bench_presets"),
    "decode": _later("bench_decode", "bench_decode"),
    "denoise-gpu": _later("bench_gpu", "bench_gpu"),
    "official": _later("bench_official", "bench_official"),
}
"""All benchmarks by name; those of LayerAnimate load torch when they run."""

NEEDS_CHECKOUT = frozenset({"official"})
"""Left out of `all`: they run code that the user brings."""

ENTRY_POINTS = "acetate.benchmarks"
"""Group of entry points by which other rooms add benchmarks; `all` leaves these out."""

NEEDS_GPU = frozenset({"denoise-gpu"})
"""Left out of `all` on a machine without CUDA."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the `acetate` parser."""
    parser = subparsers.add_parser("bench", help="measure this machine", description=__doc__)
    parser.add_argument("name", nargs="?", default="all", help=f"all, {', '.join(BENCHMARKS)}")
    parser.add_argument("--size", metavar="WxH", help="one camera size instead of the usual two")
    parser.add_argument("--repeat", type=int, default=3, help="runs per figure (default 3)")
    parser.add_argument("--json", action="store_true", help="print JSON lines on stdout")
    official = parser.add_argument_group("official", "ours against the official LayerAnimate code")
    official.add_argument("--checkout", type=Path, metavar="DIR", help="its repository")
    official.add_argument("--weights", type=Path, metavar="DIR", help="default: random weights")
    official.add_argument("--python", default="", help="interpreter with what it imports")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Raises `AcetateError`; returns an exit code."""
    names = _usual() if args.name == "all" else [args.name]
    joined = {point.name: point for point in metadata.entry_points(group=ENTRY_POINTS)}
    if any(name not in BENCHMARKS and name not in joined for name in names):
        known = ", ".join([*BENCHMARKS, *joined])
        raise AcetateError("usage", where=f"no benchmark {args.name[:40]}; there are: {known}")
    options = BenchOptions(
        _sizes(args.size), max(args.repeat, 1), args.checkout, args.weights, args.python
    )
    for name in names:
        benchmark: Benchmark = BENCHMARKS[name] if name in BENCHMARKS else joined[name].load()
        for measurement in benchmark(options):
            if args.json:
                print(json.dumps(asdict(measurement)), flush=True)
            else:
                _print_row(measurement)
    return ExitCode.DONE


def _usual() -> list[str]:
    """Every benchmark that this machine can run."""
    import torch

    left_out = NEEDS_CHECKOUT if torch.cuda.is_available() else NEEDS_CHECKOUT | NEEDS_GPU
    return [name for name in BENCHMARKS if name not in left_out]


def _sizes(text: str | None) -> tuple[tuple[int, int], ...]:
    if text is None:
        return SIZES
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise AcetateError("usage", where=f"not a size: {text[:40]} (write 960x540)")
    return ((int(width), int(height)),)


def _print_row(measurement: Measurement) -> None:
    config = measurement.config
    if not isinstance(config, str):
        config = " ".join(f"{name}={value}" for name, value in config.items())
    details = " ".join(f"{name}={value}" for name, value in measurement.details.items())
    print(
        f"{measurement.name:17} {measurement.value:9.3f} {measurement.unit:6} "
        f"cpu {measurement.cpu_s:7.3f} s  {measurement.ratio:6.2f} x {measurement.reference}"
        f"  ({config})  {details}".rstrip(),
        flush=True,
    )


def _compare(
    name: str,
    requests: tuple[ShotRequest, ShotRequest],
    blobs: MemoryBlobs,
    reference: str,
    options: BenchOptions,
) -> Measurement:
    """Run a shot and its reference form; the figures are of the first."""
    manifests: list[ResultManifest] = []
    first_preview_s: list[float] = []

    def work(request: ShotRequest) -> None:
        began_s, shown_s = time.perf_counter(), list[float]()
        context = LocalContext(on_preview=lambda _: shown_s.append(time.perf_counter() - began_s))
        manifests.append(execute(request, blobs, MemoryBlobs(), context))
        first_preview_s.extend(shown_s[:1])

    ours = clocked(lambda: work(requests[0]), options.repeat)
    manifest = manifests[-1]
    preview_s = round(statistics.median(first_preview_s), 3) if first_preview_s else 0.0
    other = clocked(lambda: work(requests[1]), options.repeat)
    request = requests[0]
    return Measurement(
        name=name,
        config={
            "size": f"{request.width}x{request.height}",
            "frames": len(manifest.composite),
            "layers": len(request.layers),
            "engine": manifest.engine,
        },
        value=round(ours.wall_s, 3),
        unit="s",
        ratio=round(ours.wall_s / other.wall_s, 3),
        reference=reference,
        cpu_s=round(ours.cpu_s, 3),
        details={"first_preview_s": preview_s, **manifest.timings},
    )


def _with_engine(request: ShotRequest, engine: str) -> ShotRequest:
    look = msgspec.structs.replace(request.look, engine=engine)
    return msgspec.structs.replace(request, look=look)


def _held(request: ShotRequest) -> ShotRequest:
    """The same pictures with as little motion as a legal request can have: one drawing."""
    layers = [
        msgspec.structs.replace(layer, role=Role.HOLD, controls=())
        if layer.role is Role.ANIMATE
        else layer
        for layer in request.layers
    ]
    last = msgspec.structs.replace(request.layers[-1], exposure=12, controls=())
    return msgspec.structs.replace(request, layers=(*layers[:-1], last))


def _opencv_png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA))[1].tobytes()
