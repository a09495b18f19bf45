"""Reads and writes the sketch expert's weights: safetensors and a config that names their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from backend.mini.network import NetworkConfig, SketchExpertNet
from shared.blobs import write_atomically
from shared.errors import AcetateError

SCHEMA = "acetate.mini/1"
NAME = "acetate-mini"
CONFIG_FILE = "config.json"
WEIGHTS_FILE = "weights.safetensors"
MAX_WEIGHTS_BYTES = 64 * 1024 * 1024
_MAX_CONFIG_BYTES = 65_536


class WeightsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`config.json` beside the weights: architecture, and the SHA-256 of the weights file.

    `working_height`: lines of the canvas the network was trained on; larger cameras are refined
    at this height.
    """

    schema: str = SCHEMA
    name: str = NAME
    version: int = 1
    widths: tuple[int, int, int]
    blocks: tuple[int, int, int]
    working_height: int
    sha256: str


def save_weights(network: SketchExpertNet, folder: Path, *, working_height: int) -> WeightsConfig:
    """Write half-precision weights, then the config that vouches for them. Raises `disk`."""
    state = {key: value.detach().half().contiguous() for key, value in network.state_dict().items()}
    data = save(state)
    config = WeightsConfig(
        widths=network.config.widths,
        blocks=network.config.blocks,
        working_height=working_height,
        sha256=hashlib.sha256(data).hexdigest(),
    )
    write_atomically(folder / WEIGHTS_FILE, data)
    write_atomically(folder / CONFIG_FILE, msgspec.json.format(msgspec.json.encode(config)) + b"\n")
    return config


def load_weights(folder: Path) -> tuple[SketchExpertNet, WeightsConfig]:
    """The network in full precision, ready for inference.

    Raises `model_missing` without the files and `model_corrupt` where config, hash, keys or shapes
    disagree; nothing but safetensors is read.
    """
    config = _read_config(folder)
    data = _read(folder / WEIGHTS_FILE, MAX_WEIGHTS_BYTES)
    if hashlib.sha256(data).hexdigest() != config.sha256:
        raise AcetateError("model_corrupt", model=NAME, detail="the weights have another hash")
    network = SketchExpertNet(NetworkConfig(config.widths, config.blocks))
    try:
        state = {key: value.float() for key, value in load(data).items()}
        network.load_state_dict(state, strict=True)
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise AcetateError("model_corrupt", model=NAME, detail=str(error)) from error
    if not all(bool(torch.isfinite(value).all()) for value in state.values()):
        raise AcetateError("model_corrupt", model=NAME, detail="weights are not finite")
    return network.eval().requires_grad_(False), config


def _read_config(folder: Path) -> WeightsConfig:
    data = _read(folder / CONFIG_FILE, _MAX_CONFIG_BYTES)
    try:
        config = msgspec.json.decode(data, type=WeightsConfig)
    except msgspec.DecodeError as error:
        raise AcetateError("model_corrupt", model=NAME, detail=str(error)) from error
    sane = all(1 <= width <= 256 for width in config.widths)
    sane = sane and all(1 <= count <= 8 for count in config.blocks)
    if config.schema != SCHEMA or not sane:
        raise AcetateError("model_corrupt", model=NAME, detail="config of another kind")
    if not 32 <= config.working_height <= 1024:
        raise AcetateError("model_corrupt", model=NAME, detail="working height out of range")
    return config


def _read(path: Path, limit_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise AcetateError("model_missing", model=NAME, detail=str(error)) from error
    if len(data) > limit_bytes:
        raise AcetateError("model_corrupt", model=NAME, detail=f"{path.name} is too large")
    return data
