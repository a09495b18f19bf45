"""What a worker runs: the pipeline with its models kept between jobs, or a test's own function."""

from __future__ import annotations

import atexit
import importlib
import logging
import threading
from collections.abc import Callable
from functools import cache, partial
from typing import ParamSpec, TypeVar

import numpy as np

from backend.pipeline.context import LocalContext, RunContext
from backend.pipeline.feature_store.budget import StoreBudget
from backend.pipeline.feature_store.opening import StoreOpener
from shared.blobs import Blobs, MemoryBlobs
from shared.errors import AcetateError
from shared.pictures import encode_png
from shared.result import ResultManifest
from shared.shot import Key, Layer, Look, PictureRef, Role, ShotRequest

_Arguments = ParamSpec("_Arguments")
_Loaded = TypeVar("_Loaded")
Runner = Callable[[ShotRequest, Blobs, Blobs, RunContext], ResultManifest]
log = logging.getLogger("acetate.worker")


def load_runner(
    name: str, features: StoreBudget | None = None, vram_bytes: int | None = None
) -> tuple[Runner, Callable[[], object]]:
    """What runs jobs, and what to load once nobody waits.

    `name` is `module:function`; empty means the pipeline, which keeps as many `features` between
    jobs as the budget allows, and whose model takes at most `vram_bytes` (None: what is free).
    """
    if not name:
        return _pipeline_runner(features or StoreBudget(), vram_bytes)
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function), _load_nothing


def _load_nothing() -> None:
    return None


def _pipeline_runner(
    features: StoreBudget, vram_bytes: int | None
) -> tuple[Runner, Callable[[], object]]:
    """The pipeline with its models and features kept between jobs, and the bundled one's loader."""
    from backend.pipeline.engines import Engines, load_imported_painter
    from backend.pipeline.execute import execute

    usual = Engines()
    open_store = StoreOpener(features, vram_bytes=vram_bytes)
    atexit.register(open_store.close)
    engines = Engines(
        load_expert=_kept(usual.load_expert),
        load_painter=kept_painter(partial(load_imported_painter, vram_bytes=vram_bytes)),
        open_store=open_store,
    )

    def run(
        request: ShotRequest, inputs: Blobs, outputs: Blobs, context: RunContext
    ) -> ResultManifest:
        return execute(request, inputs, outputs, context, engines)

    _rehearse(run)
    return run, engines.load_expert


def _kept(load: Callable[_Arguments, _Loaded]) -> Callable[_Arguments, _Loaded]:
    """`load`, remembered, and never run twice at the same time."""
    remembered = cache(load)
    lock = threading.Lock()

    def once(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Loaded:
        with lock:
            return remembered(*args, **kwargs)

    return once


def kept_painter(load: Callable[[str], _Loaded]) -> Callable[[str], _Loaded]:
    """`load`, remembered for one device until other models are installed or chosen.

    The model before goes first: a device may not hold two, and what it still took would count as
    memory that the next one cannot have.
    """
    from backend.models.registry.installed import installed_digest
    from backend.torch_device import release_unused_memory

    kept: dict[tuple[str, str], _Loaded] = {}
    lock = threading.Lock()

    def current(device: str) -> _Loaded:
        with lock:
            name = (device, installed_digest())
            if name not in kept:
                if kept:
                    kept.clear()
                    release_unused_memory()
                kept[name] = load(device)
            return kept[name]

    return current


def _rehearse(run: Runner) -> None:
    """Do a tiny shot, so that the first real one finds everything imported."""
    blobs = MemoryBlobs()
    keys = []
    for frame, left in ((1, 2), (3, 8)):
        pixels = np.zeros((16, 16, 4), np.uint8)  # [h, w, 4]
        pixels[4:12, left : left + 6] = 255
        picture = PictureRef(blob=blobs.put(encode_png(pixels)), width=16, height=16)
        keys.append(Key(frame=frame, picture=picture))
    layer = Layer(name="rehearsal", order=0, role=Role.ANIMATE, keys=tuple(keys))
    look = Look(engine="layer-motion")
    request = ShotRequest(width=16, height=16, fps=24.0, start=1, end=3, layers=(layer,), look=look)
    try:
        run(request, blobs, MemoryBlobs(), LocalContext())
    except AcetateError as error:
        log.warning("the rehearsal failed: %s", error)
