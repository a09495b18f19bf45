"""A chain of three small stages over real files, for the promises of runs."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from curation.run.stage import ClipRef, ClipRefusedError, Product, Stage


class Scale(msgspec.Struct, frozen=True):
    factor: float = 2.0
    pause_s: float = 0.0


class Threshold(msgspec.Struct, frozen=True):
    level: float = 100.0


def read(clip: ClipRef, needed: Mapping[str, Product]) -> Product:
    data = np.frombuffer(Path(clip.source).read_bytes(), np.uint8)
    return Product({"values": data[clip.first : clip.last].astype(np.float32)}, {"n": len(data)})


class Scaled:
    def __init__(self, settings: Scale) -> None:
        self.settings = settings

    def __call__(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        time.sleep(self.settings.pause_s)
        return Product({"values": needed["read"].arrays["values"] * self.settings.factor})


class Summed:
    def __init__(self, settings: Threshold) -> None:
        self.settings = settings

    def __call__(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        mean = float(needed["scale"].arrays["values"].mean())
        if mean < self.settings.level:
            raise ClipRefusedError("too_dark", f"mean {mean:.1f}")
        return Product({}, {"mean": mean})


def broken(clip: ClipRef, needed: Mapping[str, Product]) -> Product:
    if clip.clip_id.endswith("3"):
        raise ZeroDivisionError("no such thing")
    return Product({}, {})


def deadly(clip: ClipRef, needed: Mapping[str, Product]) -> Product:
    if clip.clip_id.endswith("3"):
        os.kill(os.getpid(), signal.SIGKILL)
    return Product({}, {})


def chain(factor: float = 2.0, level: float = 100.0, pause_s: float = 0.0) -> list[Stage]:
    scale, threshold = Scale(factor, pause_s), Threshold(level)
    return [
        Stage("read", 1, read, Scale()),
        Stage("scale", 1, Scaled(scale), scale, needs=("read",)),
        Stage("sum", 1, Summed(threshold), threshold, needs=("scale",)),
    ]


def clips(folder: Path, count: int) -> list[ClipRef]:
    found: list[ClipRef] = []
    for index in range(count):
        path = folder / f"source{index}.bin"
        data = np.random.default_rng(index).integers(0, 40 + 60 * index, 4096) % 256
        path.write_bytes(data.astype(np.uint8).tobytes())
        source_id = hashlib.sha256(path.read_bytes()).hexdigest()
        found.append(ClipRef(f"clip{index}", str(path), source_id, 0, 2048))
    return found
