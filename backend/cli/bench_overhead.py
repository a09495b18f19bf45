"""The benchmark `pipeline-overhead`: what a job costs beyond its pipeline; used by `bench`."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from backend.cli.bench_shots import bench_shot
from backend.cli.measurement import BenchOptions, Measurement
from backend.pipeline.context import LocalContext
from backend.pipeline.execute import execute
from shared.blobs import MemoryBlobs
from shared.client import Client
from shared.errors import AcetateError
from shared.shot import ShotRequest

_LIMIT_S = 600.0
_STOP_S = 20.0


def bench_overhead(options: BenchOptions) -> Iterator[Measurement]:
    """A job from submit to the last fetched picture; reference: the same shot in this process.

    Layer motion on both sides, both warm, in turns. `cpu_s` is this side's part of the job;
    `outside_pipeline_s` the job's wall time less what its manifest says the pipeline took.
    """
    with _local_server() as client:
        for width, height in options.sizes:
            yield _measure(client, *bench_shot(width, height, "layer-motion"), options.repeat)


def _measure(client: Client, request: ShotRequest, blobs: MemoryBlobs, repeat: int) -> Measurement:
    jobs: list[tuple[float, float, float]] = []  # wall, outside the pipeline, cpu of this side
    direct_s: list[float] = []
    for number in range(repeat + 1):
        # Another seed draws the same, but is not answered from what is known already.
        look = msgspec.structs.replace(request.look, seed=number)
        shot = msgspec.structs.replace(request, look=look)
        jobs.append(_job(client, shot, blobs))
        start_s = time.perf_counter()
        execute(shot, blobs, MemoryBlobs(), LocalContext())
        direct_s.append(time.perf_counter() - start_s)
    walls, outside, cpus = zip(*jobs[1:], strict=True)  # the first round warms up
    wall_s, alone_s = statistics.median(walls), statistics.median(direct_s[1:])
    return Measurement(
        name="pipeline-overhead",
        config={"size": f"{request.width}x{request.height}", "repeats": repeat},
        value=round(wall_s, 3),
        unit="s",
        ratio=round(wall_s / alone_s, 3),
        reference="in process",
        cpu_s=round(statistics.median(cpus), 3),
        details={
            "in_process_s": round(alone_s, 3),
            "outside_pipeline_s": round(statistics.median(outside), 3),
        },
    )


def _job(client: Client, request: ShotRequest, blobs: MemoryBlobs) -> tuple[float, float, float]:
    start_s, cpu_s = time.perf_counter(), time.process_time()
    job = client.submit(request, blobs)
    client.wait(job, _LIMIT_S)
    manifest = client.fetch(job, MemoryBlobs())
    wall_s = time.perf_counter() - start_s
    return wall_s, wall_s - sum(manifest.timings.values()), time.process_time() - cpu_s


@contextlib.contextmanager
def _local_server() -> Iterator[Client]:
    """A server of this installation with a data folder of its own. Raises `server_ended`."""
    with tempfile.TemporaryDirectory(prefix="acetate-bench-") as folder:
        run_dir = Path(folder) / "run"
        command = [sys.executable, "-m", "backend.cli.main", "serve", "--listen", "0"]
        process = subprocess.Popen(
            [*command, "--data-dir", str(Path(folder) / "data")],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"ACETATE_RUN_DIR": str(run_dir)},
            text=True,
        )
        try:
            line = process.stdout.readline() if process.stdout else ""
            word, _, address = line.strip().partition(" ")
            if word != "ready":
                raise AcetateError("server_ended", code=process.wait(_STOP_S))
            with Client.connect(address, secret_file=run_dir / "secret") as client:
                yield client
        finally:
            process.terminate()
            process.wait(_STOP_S)
            if process.stdout:
                process.stdout.close()
