"""`acetate generate --compare`: a take's own likeness to what `final` would have painted."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from backend.measure.fidelity import psnr_db, ssim
from backend.pipeline.engines import LAYERANIMATE
from backend.pipeline.presets import FINAL, preset_of
from shared.blobs import Blobs, MemoryBlobs
from shared.pictures import decode_png
from shared.result import ResultManifest
from shared.shot import ShotRequest

Execute = Callable[[ShotRequest, Blobs], ResultManifest]
"""Runs a request and stores its pictures."""


def compared(
    request: ShotRequest, manifest: ResultManifest, blobs: Blobs, execute: Execute
) -> ResultManifest:
    """The manifest with one more note, where a model painted with an approximate preset.

    Runs the shot again with `final` and the same seed; the pictures that the model painted are
    compared, as means over frames. Raises what `execute` raises.
    """
    preset = preset_of(request.look.preset)
    if preset.is_exact or manifest.engine != LAYERANIMATE:
        return manifest
    look = msgspec.structs.replace(request.look, preset=FINAL.name)
    others = MemoryBlobs()
    final = execute(msgspec.structs.replace(request, look=look), others)
    if final.engine != LAYERANIMATE:
        return manifest
    pairs = [
        (decode_png(blobs.get(own)), decode_png(others.get(other)))
        for own, other in zip(manifest.painted, final.painted, strict=True)
        if own != other
    ]
    note = f"this take to final with the same seed: {_figures(pairs)}"
    if preset.steps_share < 1 and request.look.eta > 0:
        note += "; with fewer steps it drew other noise on the way, which counts as difference"
    return msgspec.structs.replace(manifest, warnings=(*manifest.warnings, note))


def _figures(pairs: list[tuple[np.ndarray, np.ndarray]]) -> str:
    if not pairs:
        return "no frame differs"
    psnr = float(np.mean([psnr_db(own, other) for own, other in pairs]))
    likeness = float(np.mean([ssim(own, other) for own, other in pairs]))
    return f"{psnr:.1f} dB PSNR, {likeness:.3f} SSIM over {len(pairs)} frames that differ"
