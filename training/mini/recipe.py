"""The recipe of a sketch expert as data, read from TOML; unknown keys are refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from shared.errors import AcetateError


class DataRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which samples are made. Seeds lie in the procedural stream "train".

    `heights`, `frames`: lines and length of the clips, drawn per clip. `crop`: side of a sample
    in pixels.
    `frames_per_layer`: at most so many moments of a layer are kept. `dense_share`: clips with a
    sketch on every frame, the rest has four. `clean_share`: clips with perfect sketches.
    `rough_share`: of the other clips, those that tremble, break and double as in the evaluation.
    `repainted_share`: clips in another look (dark, shaded, partly sketched). `gaps`: largest
    share of an imperfect sketch's lines that is left out.
    """

    clips: int
    seed: int = 0
    validation_clips: int = 40
    heights: tuple[int, ...] = (96,)
    frames: tuple[int, ...] = (16,)
    crop: int = 80
    frames_per_layer: int = 6
    interpolate_share: float = 0.5
    dense_share: float = 0.7
    clean_share: float = 0.6
    rough_share: float = 0.0
    repainted_share: float = 0.0
    gaps: float = 0.08
    clips_per_shard: int = 40


class NetworkRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Widths and blocks of the three levels; see `backend.mini.network.NetworkConfig`."""

    widths: tuple[int, int, int] = (32, 64, 96)
    blocks: tuple[int, int, int] = (2, 2, 3)


class OptimiserRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """AdamW with warm-up and linear decay, clipped, averaged.

    `floor`: added to the base's squared error before dividing by it, so that samples that layer
    motion already solves do not rule. `ema`: largest decay of the averaged weights.
    """

    steps: int
    batch: int = 8
    rate: float = 1.5e-3
    final_rate: float = 5e-5
    warm_up: int = 40
    clip: float = 1.0
    weight_decay: float = 0.01
    floor: float = 5e-4
    ema: float = 0.999
    seed: int = 0


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that decides the weights, beside the code. `working_height` is for inference.

    `start`: SHA-256 of the weights that training starts from; empty to start anew.
    """

    name: str
    data: DataRecipe
    optimiser: OptimiserRecipe
    network: NetworkRecipe = NetworkRecipe()
    start: str = ""
    working_height: int = 160
    log_every: int = 50
    validate_every: int = 500


def load_recipe(path: Path) -> Recipe:
    """Read a TOML recipe. Raises `not_found` or `invalid_request`."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Recipe)
    except OSError as error:
        raise AcetateError("not_found", what=f"recipe {path.name}", detail=str(error)) from error
    except msgspec.DecodeError as error:
        raise AcetateError("invalid_request", where=path.name, detail=str(error)) from error


def recipe_hash(part: msgspec.Struct) -> str:
    """Short hash of a recipe or a part of one, for telling caches and checkpoints apart."""
    return hashlib.sha256(msgspec.json.encode(part, order="sorted")).hexdigest()[:16]
