"""A runner for tests of queue and transport: plain pictures, and faults on demand.

What it does stands in the request's prompt, such as `steps=20 step_s=0.05 die_at=3`.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from backend.pipeline.context import RunContext
from shared.blobs import Blobs
from shared.errors import AcetateError
from shared.pictures import encode_png
from shared.result import ResultLayer, ResultManifest, folder_names
from shared.shot import ShotRequest, blob_hashes


@dataclass(frozen=True)
class Plan:
    """What a prompt asks of the runner. `journal`: a file that gets one line per attempt."""

    steps: int = 3
    step_s: float = 0.0
    die_at: int = -1
    deaths: int = 100
    raise_at: int = -1
    hang_at: int = -1
    noise_bytes: int = 0
    journal: str = ""


def run(request: ShotRequest, inputs: Blobs, outputs: Blobs, context: RunContext) -> ResultManifest:
    """Pretend to generate."""
    plan = plan_of(request)
    attempt = _note(plan, "start")
    for sha256 in blob_hashes(request):
        inputs.get(sha256)
    for step in range(plan.steps):
        context.check()
        _misbehave(plan, step, attempt)
        time.sleep(plan.step_s)
        context.report("sample", step + 1, plan.steps)
        context.preview(_picture(request, step))
    manifest = _manifest(request, outputs, plan)
    _note(plan, "done")
    return manifest


def plan_of(request: ShotRequest) -> Plan:
    """The plan in a request's prompt."""
    pairs = dict(word.split("=", 1) for word in request.look.prompt.split())
    return msgspec.convert(pairs, Plan, strict=False)


def _misbehave(plan: Plan, step: int, attempt: int) -> None:
    if step == plan.die_at and attempt <= plan.deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    if step == plan.raise_at:
        raise AcetateError("nan")
    if step == plan.hang_at:
        time.sleep(3600)


def _note(plan: Plan, word: str) -> int:
    """Write to the journal; returns how often this word stands there now."""
    if not plan.journal:
        return 1
    file = Path(plan.journal)
    with file.open("a") as journal:
        journal.write(word + "\n")
    return file.read_text().split().count(word)


def _picture(request: ShotRequest, index: int) -> np.ndarray:
    pixels = np.zeros((request.height, request.width, 4), np.uint8)  # [h, w, 4]
    pixels[:, : 1 + index % request.width] = 255
    return pixels


def _manifest(request: ShotRequest, outputs: Blobs, plan: Plan) -> ResultManifest:
    count = request.end - request.start + 1
    frames = tuple(outputs.put(encode_png(_picture(request, index))) for index in range(count))
    noise = np.random.default_rng(request.look.seed).bytes(plan.noise_bytes)
    painted = (outputs.put(noise),) * count if noise else ()
    folders = folder_names([layer.name for layer in request.stack])
    return ResultManifest(
        request_sha256=request.sha256,
        engine="layer-motion",
        width=request.width,
        height=request.height,
        fps=request.fps,
        start=request.start,
        end=request.end,
        layers=tuple(
            ResultLayer(
                name=layer.name, order=layer.order, role=layer.role, folder=folder, frames=frames
            )
            for layer, folder in zip(request.stack, folders, strict=True)
        ),
        composite=frames,
        painted=painted,
        seed=request.look.seed,
    )
