"""Runs every file of a golden directory and judges the errors; called by command and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch

from shared.errors import AcetateError
from tests.golden import components, pipelines
from tests.golden.components import Found
from tests.golden.vectors import GoldenSet

COMPONENT_BAR = 3e-5
PIPELINE_BAR = 1e-4
_CHECKS: Mapping[str, Callable[[GoldenSet], Found]] = {
    "layer_controlnet": components.check_layer_control,
    "unet": components.check_unet,
    "resampler": components.check_resampler,
    "vae": components.check_vae,
    "vae_dualref": components.check_dual,
    "heatmap": components.check_heatmap,
    "scheduler": components.check_scheduler,
    "encode_controls_i2v": partial(pipelines.check_encoding, mode="i2v"),
    "encode_controls_interpolate": partial(pipelines.check_encoding, mode="interpolate"),
    "pipeline_i2v": partial(pipelines.check_pipeline, mode="i2v"),
    "pipeline_interpolate": partial(pipelines.check_pipeline, mode="interpolate"),
}
_REFERENCE_CHECKS: Mapping[str, Callable[[GoldenSet], Found]] = {
    **_CHECKS,
    "layer_controlnet": partial(
        components.check_layer_control, features_of=components.reference_features
    ),
    "unet": partial(components.check_unet, prediction_of=components.reference_prediction),
    **{
        f"{name}_{mode}": partial(check, mode=mode, route=pipelines.REFERENCE)
        for mode in ("i2v", "interpolate")
        for name, check in (
            ("encode_controls", pipelines.check_encoding),
            ("pipeline", pipelines.check_pipeline),
        )
    },
}
"""What the reference mode computes itself; the rest is the same in both modes."""

CHECKS_OF_MODE = {"final": _CHECKS, "reference": _REFERENCE_CHECKS}

_INPUTS = ("components_inputs", "pipeline_inputs")
"""Files that hold nothing to compare."""


def bar_of(name: str) -> float:
    """The largest error that is accepted for `"<file stem>/<tensor>"`."""
    return PIPELINE_BAR if name.startswith("pipeline_") else COMPONENT_BAR


def run_directory(folder: Path, mode: str = "final") -> dict[str, float]:
    """Largest error relative to the largest expected value, by `"<file stem>/<tensor>"`.

    `mode` is "final", what production runs, or "reference", the plain computation. Raises
    `AcetateError` where the directory is of another kind or holds an unknown file.
    """
    if not folder.is_dir():
        raise AcetateError("not_found", what=f"directory {folder}")
    golden = GoldenSet(folder)
    checks = CHECKS_OF_MODE[mode]
    stems = golden.stems() if golden.config else []
    unknown = [stem for stem in stems if stem not in checks and stem not in _INPUTS]
    if unknown:
        where = f"{folder} holds unknown files: {', '.join(unknown)}"
        raise AcetateError("invalid_request", where=where)
    errors: dict[str, float] = {}
    with torch.inference_mode():
        for stem in stems:
            if stem in checks:
                errors.update({f"{stem}/{name}": e for name, e in checks[stem](golden)})
    return errors
