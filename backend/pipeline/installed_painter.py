"""Loads the imported LayerAnimate and the encoders that fit it; called by `engines` when needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

import torch

from backend.data_folder import models_dir
from backend.models.adapters.factors import Worn
from backend.models.adapters.store import find_adapter, load_adapter
from backend.models.adapters.wardrobe import Wardrobe
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.checkpoint import CONFIG_NAME, load_model, read_config, read_json
from backend.models.layeranimate.compiled import COMPILE, compile_as_wished
from backend.models.layeranimate.configs import LayerAnimateConfig
from backend.models.openclip.checkpoint import load_towers
from backend.models.openclip.encoder import TokenEncoder
from backend.models.registry.installed import (
    InstalledModel,
    check_sizes,
    chosen_model,
    installed_models,
    present_identity,
)
from backend.models.registry.licences import LAYERANIMATE, OPENCLIP
from backend.pipeline.engines import ClipPainter, painter_of
from backend.pipeline.feature_store.budget import default_host_bytes
from backend.pipeline.likeness import LikenessBook
from backend.pipeline.memory_plan import MemoryPlan
from backend.pipeline.memory_prediction import TOWER_PARAMETERS, choose_plan, takes_that_fit
from backend.torch_device import free_memory_bytes
from shared.result import ModelUsed
from shared.shot import Adapter

LIKENESS_FOLDER = ".likeness"
"""Beside the models: folders that start with a dot are none."""

NO_ENCODERS = (
    "prompts and the first frame's tokens were neutral: "
    "OpenCLIP ViT-H-14 is not installed (acetate models import)"
)
_MAX_SIDE_PX = 4096
OTHER_ENCODERS = (
    "prompts and the first frame's tokens were neutral: the installed OpenCLIP does not fit "
    "this model's sizes"
)


def load_installed_painter(
    device: str,
    vram_bytes: int | None = None,
    takes: int = 1,
    installed: InstalledModel | None = None,
) -> ClipPainter:
    """The chosen LayerAnimate on a device, with its text and image towers where they are installed.

    `installed` names another than the chosen one.
    Runs by the fastest memory plan that fits into `vram_bytes` and into what is free there, and
    paints as many of so many `takes` at once as then fit. Raises
    `model_missing` without a model, `model_corrupt` where files are not what was imported,
    `vram_too_small` before anything is loaded.
    """
    installed = installed or chosen_model(LAYERANIMATE)
    check_sizes(installed)
    where = torch.device(device)
    config = read_config(installed.folder)
    towers, note = _fitting_towers(config)
    placed = _placed(installed, config, where, vram_bytes, takes, with_towers=towers is not None)
    encode, used = None, (_used(installed),)
    if towers is not None:
        check_sizes(towers)
        encode = TokenEncoder(load_towers(towers.folder, usual_dtype(where)), where)
        used = (*used, _used(towers))
    return _wearing(placed, used, encode, (note,) if note else ())(())


@dataclass(frozen=True)
class _Placed:
    """A model on its device by its plan, and how many takes of its size run at once."""

    model: LayerAnimateModel
    plan: MemoryPlan
    takes_at_once: int
    width: int
    height: int


class _ClipSize(TypedDict):
    """What memory predictions ask about a clip."""

    slots: int
    keys: int
    size: tuple[int, int]
    dtype: torch.dtype
    tower_parameters: int


def _placed(
    installed: InstalledModel,
    config: LayerAnimateConfig,
    where: torch.device,
    vram_bytes: int | None,
    takes: int,
    *,
    with_towers: bool,
) -> _Placed:
    dtype = usual_dtype(where)
    width, height = trained_size(installed.folder, config, (ClipPainter.width, ClipPainter.height))
    limit_bytes = _limit_bytes(str(where), vram_bytes)
    clip = _ClipSize(
        slots=ClipPainter.layer_slots,
        keys=1 if config.dual is None else 2,
        size=(height, width),
        dtype=dtype,
        tower_parameters=TOWER_PARAMETERS if with_towers else 0,
    )
    plan = choose_plan(config, limit_bytes, **clip)
    # a CPU has no limit of its own; many takes at once may still be more than the machine holds
    room_bytes = 2 * default_host_bytes() if limit_bytes is None else limit_bytes
    at_once = takes_that_fit(config, plan, takes, room_bytes, **clip) if takes > 1 else 1
    first = torch.device("cpu") if plan.resting_on(where) else where
    model = load_model(installed.folder, first, dtype, present_identity(installed))
    plan.place(model, where)
    model.ready()
    compile_as_wished(model, os.environ.get(COMPILE, ""))
    return _Placed(model, plan, at_once, width, height)


def _wearing(
    placed: _Placed,
    used: tuple[ModelUsed, ...],
    encode: TokenEncoder | None,
    notes: tuple[str, ...],
) -> Callable[[tuple[Adapter, ...]], ClipPainter]:
    """Painters of one model with the adapters that a request names; none are the model itself."""
    wardrobe = Wardrobe(placed.model)

    def wearing(adapters: tuple[Adapter, ...]) -> ClipPainter:
        found = [find_adapter(adapter.name) for adapter in adapters]
        worn = [
            Worn(adapter, wish.scale)
            for adapter, wish in zip(map(load_adapter, found), adapters, strict=True)
        ]
        wardrobe.wearing(worn)  # a misfit is told before any work
        painter = painter_of(
            placed.model,
            (*used, *map(_used, found)),
            encode=encode,
            notes=notes,
            plan=placed.plan,
            wardrobe=wardrobe,
            worn=worn,
        )
        return replace(
            painter,
            width=placed.width,
            height=placed.height,
            takes_at_once=placed.takes_at_once,
            wearing=wearing,
            likeness=_likeness_book(placed.model, used[0].name, worn),
        )

    return wearing


def _likeness_book(model: LayerAnimateModel, name: str, worn: Sequence[Worn] = ()) -> LikenessBook:
    """What was measured of these weights in this number format on this kind of device."""
    marks = [item.mark for item in worn]
    identity = " ".join([model.identity, str(model.dtype), model.device.type, *marks])
    return LikenessBook(models_dir() / LIKENESS_FOLDER, identity, name)


def _limit_bytes(device: str, vram_bytes: int | None) -> int | None:
    """What the model may take of a device: what was said, never more than is free; CPUs: None."""
    free_bytes = free_memory_bytes(device)
    return free_bytes if free_bytes is None or vram_bytes is None else min(vram_bytes, free_bytes)


def trained_size(
    folder: Path, config: LayerAnimateConfig, usual: tuple[int, int]
) -> tuple[int, int]:
    """Width and height in pixels that a model was trained at.

    The released configuration does not tell it, so that `usual` holds; other models may, as
    `sample_size` [height, width] in latent pixels, where it is one that the model can make.
    """
    told = read_json(folder / "unet" / CONFIG_NAME).get("sample_size")
    if not isinstance(told, list) or len(told) != 2 or not all(isinstance(n, int) for n in told):
        return usual
    height, width = (n * config.autoencoder.scale for n in told)
    multiple = config.size_multiple_px
    fits = all(0 < n <= _MAX_SIDE_PX and n % multiple == 0 for n in (width, height))
    return (width, height) if fits else usual


def usual_dtype(device: torch.device) -> torch.dtype:
    """The number format that suits a device: bfloat16 where a GPU has it, float32 on a CPU."""
    if device.type == "cuda":
        with torch.cuda.device(device):  # it is asked of the current card, not of any card
            return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float16 if device.type == "mps" else torch.float32


def _fitting_towers(config: LayerAnimateConfig) -> tuple[InstalledModel | None, str]:
    """The encoders whose tokens have the model's widths, or None and why."""
    wanted = (config.unet.trunk.context_dim, config.resampler.image_dim)
    note = NO_ENCODERS
    for installed in installed_models():
        if installed.manifest.kind != OPENCLIP:
            continue
        facts = installed.manifest.facts
        if (facts.get("text_width"), facts.get("image_width")) == wanted:
            return installed, ""
        note = OTHER_ENCODERS
    return None, note


def _used(installed: InstalledModel) -> ModelUsed:
    return ModelUsed(name=installed.manifest.name, sha256=installed.manifest.identity)
