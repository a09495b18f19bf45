"""Loads and saves LayerAnimate in the released folder layout, safetensors only, strictly (spec 7).

Called by the model registry, the worker and the trainer. A folder holds one sub-folder per
component with `diffusion_pytorch_model.safetensors` and `config.json`, and `scheduler/`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from backend.models.layeranimate import variants
from backend.models.layeranimate.bundle import LayerAnimateModel, assemble
from backend.models.layeranimate.configs import (
    LayerAnimateConfig,
    OfficialConfig,
    SchedulerConfig,
)
from backend.models.layeranimate.official import official_configs
from backend.models.layeranimate.variants import Shape, Shapes
from backend.models.weight_files import find_weights, has_weights
from shared.errors import AcetateError

WEIGHTS_NAME = "diffusion_pytorch_model.safetensors"
CONFIG_NAME = "config.json"
SCHEDULER_CONFIG = Path("scheduler") / "scheduler_config.json"
CONFIG_LIMIT_BYTES = 1 << 20
NAMED_KEYS = 5
"""How many offending keys an error names."""


def load_model(
    folder: Path,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    identity: str = "",
) -> LayerAnimateModel:
    """The model of a folder, in evaluation mode; `vae_dualref` may be absent.

    `identity` names its weights and settings by their content, where they are known; see
    `LayerAnimateModel`. The two-key autoencoder stays in float32, as the official pipeline runs
    it. Raises `AcetateError`: `model_missing` without the files, `model_corrupt` with a list of
    what is missing, unexpected or of another shape.
    """
    config = read_config(folder)
    with torch.device("meta"):
        model = assemble(config)
    for name, part in model.parts().items():
        wanted = torch.float32 if name == "vae_dualref" else dtype
        load_strictly(part, read_tensors(folder / name, name, device, wanted), name)
    return (replace(model, identity=identity) if identity else model).ready()


def check_folder(folder: Path) -> LayerAnimateConfig:
    """What `load_model` would load, found out from headers alone; raises what it would raise."""
    config = read_config(folder)
    with torch.device("meta"):
        model = assemble(config)
    for name, part in model.parts().items():
        check_keys(part, _shapes(folder, name).table, name)
    return config


def read_config(folder: Path) -> LayerAnimateConfig:
    """What the shapes, and where they are silent the configuration files, say about a folder.

    Raises `model_missing`, or `model_corrupt`, also for settings that are no such thing.
    """
    try:
        config = _told_config(folder)
    except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
        detail = f"a configuration file holds a setting of another kind: {error}"
        raise AcetateError("model_corrupt", model=folder.name, detail=detail) from error
    if not (math.isfinite(config.latent_scale) and config.latent_scale > 0):
        detail = f"scaling_factor={config.latent_scale} is not supported"
        raise AcetateError("model_corrupt", model="vae", detail=detail)
    return config


def _told_config(folder: Path) -> LayerAnimateConfig:
    shapes = {name: _shapes(folder, name) for name in ("unet", "layer_controlnet")}
    dual = has_weights(folder / "vae_dualref")
    config = LayerAnimateConfig(
        unet=variants.unet_config(shapes["unet"], _official(folder, "unet")),
        control=variants.control_config(
            shapes["layer_controlnet"], _official(folder, "layer_controlnet")
        ),
        resampler=variants.resampler_config(
            _shapes(folder, "image_projector"), _official(folder, "image_projector")
        ),
        autoencoder=variants.autoencoder_config(_shapes(folder, "vae")),
        dual=variants.autoencoder_config(_shapes(folder, "vae_dualref")) if dual else None,
        scheduler=SchedulerConfig.from_official(read_json(folder / SCHEDULER_CONFIG)),
    )
    scale = _official(folder, "vae").get("scaling_factor", config.latent_scale)
    return replace(config, latent_scale=float(scale))


def read_tensors(
    folder: Path, component: str, device: torch.device | str, dtype: torch.dtype
) -> dict[str, Tensor]:
    """All tensors of a component's folder in one number format, from one file or from shards."""
    tensors: dict[str, Tensor] = {}
    for path in find_weights(folder, component).files:
        try:
            with safe_open(path, framework="pt", device=str(device)) as file:
                tensors |= {key: file.get_tensor(key).to(dtype) for key in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise AcetateError("model_corrupt", model=component, detail=str(error)) from error
    return tensors


def load_strictly(module: nn.Module, tensors: Mapping[str, Tensor], component: str) -> None:
    """Puts tensors into a module; every key must match, in both directions and in shape."""
    check_keys(module, {key: tuple(value.shape) for key, value in tensors.items()}, component)
    module.load_state_dict(dict(tensors), strict=True, assign=True)
    module.eval().requires_grad_(False)


def check_keys(module: nn.Module, found: Mapping[str, Shape], component: str) -> None:
    """Raises `model_corrupt` that names what is missing, unexpected or of another shape."""
    expected = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    compare_keys(expected, found, component)


def compare_keys(expected: Mapping[str, Shape], found: Mapping[str, Shape], component: str) -> None:
    """The comparison behind `check_keys`, for tables of shapes."""
    problems = {
        "missing": sorted(set(expected) - set(found)),
        "unexpected": sorted(set(found) - set(expected)),
        "of another shape": sorted(
            key for key in set(expected) & set(found) if expected[key] != found[key]
        ),
    }
    if any(problems.values()):
        detail = "; ".join(_listed(kind, keys) for kind, keys in problems.items() if keys)
        raise AcetateError("model_corrupt", model=component, detail=f"{component}: {detail}")


def save_model(model: LayerAnimateModel, folder: Path, dtype: torch.dtype | None = None) -> None:
    """Writes a model in the released layout; `dtype` None keeps each tensor's own."""
    configs = official_configs(model.config)
    for name, part in model.parts().items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        # cloned, because packed weights share memory and the format refuses that
        state = {
            key: value.detach()
            .to("cpu", dtype or value.dtype)
            .clone(memory_format=torch.contiguous_format)
            for key, value in part.state_dict().items()
        }
        save_file(state, folder / name / WEIGHTS_NAME)
        _write_json(folder / name / CONFIG_NAME, configs[name])
    (folder / SCHEDULER_CONFIG).parent.mkdir(parents=True, exist_ok=True)
    _write_json(folder / SCHEDULER_CONFIG, configs["scheduler"])


def _listed(kind: str, keys: list[str]) -> str:
    more = f" and {len(keys) - NAMED_KEYS} more" if len(keys) > NAMED_KEYS else ""
    return f"{len(keys)} {kind}: {', '.join(keys[:NAMED_KEYS])}{more}"


def _shapes(folder: Path, component: str) -> Shapes:
    return Shapes(component, find_weights(folder / component, component).shapes)


def _official(folder: Path, component: str) -> OfficialConfig:
    return read_json(folder / component / CONFIG_NAME)


def read_json(path: Path) -> dict[str, Any]:
    """A configuration file; an absent one is empty, because shapes decide."""
    if not path.is_file():
        return {}
    if path.stat().st_size > CONFIG_LIMIT_BYTES:
        raise AcetateError("model_corrupt", model=path.parent.name, detail=f"{path} is too large")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AcetateError("model_corrupt", model=path.parent.name, detail=str(error)) from error
    if not isinstance(document, dict):
        raise AcetateError("model_corrupt", model=path.parent.name, detail=f"{path} is no object")
    return document


def _write_json(path: Path, document: OfficialConfig) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
