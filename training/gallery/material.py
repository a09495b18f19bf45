"""Reads a gallery shot's packages and draws the frames that nothing has to be generated for.

Called by `measure`. Frames are uint8 RGBA [h, w, 4] composites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from backend.pipeline.artwork import Artwork
from backend.pipeline.context import LocalContext
from backend.pipeline.deliver import composite, picture_source
from backend.pipeline.execute import execute
from backend.pipeline.plan import make_plan
from backend.pipeline.rescale import rescale_shot
from backend.pipeline.spool import PictureSpool
from shared.blobs import Blobs, MemoryBlobs
from shared.package import read_package
from shared.pictures import decode_png
from shared.shot import Role, ShotRequest

SHOTS = Path(__file__).parent / "shots"


@dataclass(frozen=True, eq=False)
class Material:
    """What the artist gave and the truth, at one size."""

    request: ShotRequest
    blobs: Blobs
    truth: ShotRequest
    truth_blobs: Blobs


def load(name: str, width: int, height: int, folder: Path = SHOTS) -> Material:
    """Both packages of a shot at `width` x `height`. Raises `not_found`, `bad_package`, `size`."""
    request, blobs = rescale_shot(*read_package(folder / f"{name}.zip"), width, height)
    truth, truth_blobs = rescale_shot(*read_package(folder / f"{name}-truth.zip"), width, height)
    return Material(request, blobs, truth, truth_blobs)


def without_controls(request: ShotRequest) -> ShotRequest:
    """The same drawings with no trajectory, sketch or motion score."""
    layers = tuple(msgspec.structs.replace(layer, controls=()) for layer in request.layers)
    return msgspec.structs.replace(request, layers=layers)


def shared_keys(request: ShotRequest) -> list[int]:
    """Frames at which every animated layer of more than one drawing has a key, ascending."""
    keyed = [
        {key.frame for key in layer.keys}
        for layer in request.layers
        if layer.role is Role.ANIMATE and len(layer.keys) > 1
    ]
    return sorted(set.intersection(*keyed)) if keyed else [request.start]


def drawn_frames(
    request: ShotRequest, blobs: Blobs, frames: Sequence[int], *, moving_only: bool = False
) -> list[np.ndarray]:
    """Composites of the artist's own drawings in effect at `frames`; nothing is generated.

    `moving_only`: without held layers and backgrounds, over nothing.
    """
    if moving_only:
        layers = tuple(layer for layer in request.layers if layer.role is Role.ANIMATE)
        request = msgspec.structs.replace(request, layers=layers)
    plan = make_plan(request)
    picture_of = picture_source(Artwork(request, blobs), PictureSpool())
    return [composite(plan, frame - request.start, picture_of) for frame in frames]


@dataclass(frozen=True, eq=False)
class Take:
    """What the engine made: composites of the asked frames, and each moving layer's method."""

    frames: list[np.ndarray]
    methods: dict[str, str]
    engine: str
    seconds: float


def generate(request: ShotRequest, blobs: Blobs, frames: Sequence[int]) -> Take:
    """Run the whole pipeline as `acetate generate` does, and look at `frames` of its result."""
    results = MemoryBlobs()
    manifest = execute(request, blobs, results, LocalContext())
    pictures = [
        decode_png(results.get(manifest.composite[frame - manifest.start])) for frame in frames
    ]
    methods = {layer.name: layer.method for layer in manifest.layers if layer.role is Role.ANIMATE}
    return Take(pictures, methods, manifest.engine, sum(manifest.timings.values()))
