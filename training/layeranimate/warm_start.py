"""What training begins with: fresh weights, a LayerAnimate folder, or a base model's checkpoint.

Called by the task. A base model is one file of ToonCrafter's or DynamiCrafter's layout as
safetensors (spec 7): the UNet, the autoencoder and the image projector in one table of prefixes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn

from backend.models.layeranimate import variants
from backend.models.layeranimate.bundle import LayerAnimateModel, assemble, build
from backend.models.layeranimate.checkpoint import (
    compare_keys,
    load_strictly,
    read_config,
    read_tensors,
)
from backend.models.layeranimate.configs import (
    ControlConfig,
    LayerAnimateConfig,
    TrunkConfig,
    UNetConfig,
)
from backend.models.layeranimate.initialise import zero_starts
from backend.models.layeranimate.layer_control import LayerControl, TrajectoryEncoder
from backend.models.layeranimate.variants import Shape, Shapes
from backend.models.weight_files import read_header
from shared.errors import AcetateError

UNET_PREFIX = "model.diffusion_model."
AUTOENCODER_PREFIX = "first_stage_model."
PROJECTOR_PREFIX = "image_proj_model."

_RENAMED = {
    "time_embed.0.": "time_embed.linear_1.",
    "time_embed.2.": "time_embed.linear_2.",
    "fps_embedding.0.": "fps_embedding.linear_1.",
    "fps_embedding.2.": "fps_embedding.linear_2.",
}
_FUSION = "masked_layer_fusion_"
_MASK_CHANNELS = 1


@dataclass(frozen=True)
class StartReport:
    """Where each tensor came from, by component: loaded from the file, copied, or initialised.

    `left` counts what the file holds beside, by its first word.
    """

    loaded: dict[str, int] = field(default_factory=dict)
    copied: dict[str, int] = field(default_factory=dict)
    initialised: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The report to read, one line a component and kind."""
        told = [f"{name}: {count} tensors loaded" for name, count in self.loaded.items()]
        told += [f"{name}: {count} copied from the UNet" for name, count in self.copied.items()]
        told += [
            f"{name}: {len(keys)} initialised ({', '.join(keys[:3])}{', ...' * (len(keys) > 3)})"
            for name, keys in self.initialised.items()
            if keys
        ]
        return told + [f"{name}: {count} left in the file" for name, count in self.left.items()]


def fresh(config: LayerAnimateConfig, seed: int) -> tuple[LayerAnimateModel, StartReport]:
    """Weights of a seed, with all branches starting as the identity."""
    model = build(config, seed)
    for part in (model.unet, model.control):
        zero_starts(part)
    names = {name: tuple(part.state_dict()) for name, part in model.parts().items()}
    return model, StartReport(initialised=names)


def from_folder(folder: Path) -> tuple[LayerAnimateModel, StartReport]:
    """An imported LayerAnimate folder, in float32. Raises `model_missing`, `model_corrupt`."""
    with torch.device("meta"):
        model = assemble(read_config(folder))
    loaded: dict[str, int] = {}
    for name, part in model.parts().items():
        tensors = read_tensors(folder / name, name, "cpu", torch.float32)
        load_strictly(part, tensors, name)
        loaded[name] = len(tensors)
    return model, StartReport(loaded=loaded)


def from_base(file: Path, seed: int) -> tuple[LayerAnimateModel, StartReport]:
    """A base model with a fresh control branch and fusion.

    The branch is a copy of the UNet's encoder; its layer encoder starts from the UNet's weights for
    clean key-frame latents, and what it injects starts at zero, so that the whole begins as the
    base model. Raises `model_missing`, `model_corrupt` and `pickled_weights`.
    """
    table = _Table(file)
    config = _base_config(table)
    model = build(config, seed)
    loaded = {
        "unet": _load(model.unet, table.tensors(UNET_PREFIX, _RENAMED), "unet", may_miss=_FUSION),
        "image_projector": _load(
            model.resampler, table.tensors(PROJECTOR_PREFIX), "image_projector"
        ),
        "vae": _load(
            model.autoencoder, table.tensors(AUTOENCODER_PREFIX), "vae", may_miss="decoder."
        ),
    }
    if model.dual is not None:
        loaded["vae_dualref"] = _load(model.dual, table.tensors(AUTOENCODER_PREFIX), "vae_dualref")
    _start_fusion(model)
    copied = _start_branch(model)
    report = StartReport(
        loaded={name: len(keys) for name, keys in loaded.items()},
        copied={"layer_controlnet": len(copied)},
        initialised={
            name: tuple(sorted(set(part.state_dict()) - loaded.get(name, set()) - copied))
            for name, part in model.parts().items()
        },
        left=table.left((UNET_PREFIX, AUTOENCODER_PREFIX, PROJECTOR_PREFIX)),
    )
    return model, report


class _Table:
    """The tensors of one file by key, read when they are asked for."""

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise AcetateError("model_missing", model=file.name, detail="no such file")
        self.file = file
        self._header = read_header(file, file.name)

    def shapes(self, prefix: str, renamed: Mapping[str, str] | None = None) -> dict[str, Shape]:
        """Shapes of the keys under a prefix, without it and with our names."""
        return {own: self._header[key].shape for own, key in self._keys(prefix, renamed)}

    def tensors(self, prefix: str, renamed: Mapping[str, str] | None = None) -> dict[str, Tensor]:
        """The same as float32 tensors."""
        with safe_open(self.file, framework="pt") as file:
            return {own: file.get_tensor(key).float() for own, key in self._keys(prefix, renamed)}

    def left(self, prefixes: tuple[str, ...]) -> dict[str, int]:
        """How many keys lie under other prefixes, by their first word."""
        found: dict[str, int] = {}
        for key in self._header:
            if not key.startswith(prefixes):
                word = key.partition(".")[0]
                found[word] = found.get(word, 0) + 1
        return found

    def _keys(self, prefix: str, renamed: Mapping[str, str] | None) -> list[tuple[str, str]]:
        names = renamed or {}
        found: list[tuple[str, str]] = []
        for key in self._header:
            own = key.removeprefix(prefix)
            if not key.startswith(prefix):
                continue
            old = next((old for old in names if own.startswith(old)), "")
            found.append((names[old] + own.removeprefix(old) if old else own, key))
        return found


def _base_config(table: _Table) -> LayerAnimateConfig:
    """The sizes of everything, the control branch's from the UNet's."""
    unet = variants.unet_config(Shapes("unet", table.shapes(UNET_PREFIX, _RENAMED)), {})
    latents = unet.out_channels
    vae = table.shapes(AUTOENCODER_PREFIX)
    picture = variants.autoencoder_config(Shapes("vae", vae))
    has_references = any(key.startswith("decoder.attn_refinement.") for key in vae)
    trunk: TrunkConfig = replace(unet.trunk, in_channels=latents + _MASK_CHANNELS)
    projector = Shapes("image_projector", table.shapes(PROJECTOR_PREFIX))
    return LayerAnimateConfig(
        unet=UNetConfig(trunk=unet.trunk, out_channels=latents, layer_fusion=True),
        control=ControlConfig(trunk=trunk, sketch_channels=latents),
        resampler=variants.resampler_config(projector, {}),
        autoencoder=picture,
        dual=picture if has_references else None,
    )


def _load(
    module: nn.Module, tensors: dict[str, Tensor], component: str, may_miss: str = ""
) -> set[str]:
    """Puts in what fits and returns its keys.

    Every key of the module must be there, but for those under `may_miss`; keys under that which
    the module does not have, or has in another shape, are left too.
    """
    own = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in tensors.items()}

    def is_free(key: str) -> bool:
        return bool(may_miss) and key.startswith(may_miss)

    compare_keys(
        {key: shape for key, shape in own.items() if not is_free(key)},
        {key: shape for key, shape in found.items() if not is_free(key)},
        component,
    )
    fitting = {key: value for key, value in tensors.items() if own.get(key) == found[key]}
    module.load_state_dict(fitting, strict=False)
    return set(fitting)


@torch.no_grad()
def _start_fusion(model: LayerAnimateModel) -> None:
    for closing in model.unet.masked_layer_fusion_out_list:
        for parameter in closing.parameters():
            parameter.zero_()


@torch.no_grad()
def _start_branch(model: LayerAnimateModel) -> set[str]:
    """Copies the UNet's encoder into the branch and returns the keys; controls begin at zero."""
    branch, source = model.control, model.unet.state_dict()
    first = "input_blocks.0.0.weight"
    copied: set[str] = set()
    for key, value in branch.state_dict().items():
        if key in source and source[key].shape == value.shape:
            value.copy_(source[key])
            copied.add(key)
    latents = model.config.unet.out_channels
    encoder = branch.state_dict()[first]
    encoder.zero_()
    encoder[:, -latents - _MASK_CHANNELS : -_MASK_CHANNELS].copy_(source[first][:, latents:])
    for closing in _injections(branch):
        for parameter in closing.parameters():
            parameter.zero_()
    return copied | {first}


def _injections(branch: LayerControl) -> list[nn.Module]:
    path = branch.trajectory_embedding
    last = path.conv_out if isinstance(path, TrajectoryEncoder) else path
    return [branch.motion_embedding, branch.sketch_embedding, last]
