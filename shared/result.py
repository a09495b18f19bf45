"""The result manifest: what came back, layer by layer, and who made it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .errors import AcetateError
from .shot import Hash, Role

SCHEMA = "acetate.result/1"
MAX_JSON_BYTES = 32 * 1024 * 1024


class ResultLayer(msgspec.Struct, frozen=True, kw_only=True):
    """One input layer's sequence: PNG blobs of camera size, straight alpha, one per scene frame.

    `frames[i]` shows scene frame `manifest.start + i`; held drawings repeat a hash. `painted`
    holds the scene frames whose pixels were generated (all others are the artist's own), and
    `method` says how: `key`, `trajectory`, `registration`, `sketch`, `strokes`, `hold`,
    `crossfade`, `mini`, `layeranimate`.
    """

    name: str
    order: int
    role: Role
    folder: str
    frames: tuple[Hash, ...]
    painted: tuple[int, ...] = ()
    method: str = "hold"
    blend: str = "regular"


class ModelUsed(msgspec.Struct, frozen=True, kw_only=True):
    """A weights file that took part, by name and hash."""

    name: str
    sha256: str


class ResultManifest(msgspec.Struct, frozen=True, kw_only=True):
    """Mirror of a request. Alpha-over of `layers` in order is `composite`, bit for bit.

    `engine` is the one that really ran (`layer-motion`, `mini`, `layeranimate`); `painted` holds
    the model's own composite frames where one painted whole pictures. `timings` are seconds of
    wall time per stage.
    """

    schema: Annotated[str, msgspec.Meta(pattern=r"^acetate\.result/1$")] = SCHEMA
    request_sha256: Hash
    engine: str
    width: int
    height: int
    fps: float
    start: int
    end: int
    layers: tuple[ResultLayer, ...]
    composite: tuple[Hash, ...]
    painted: tuple[Hash, ...] = ()
    models: tuple[ModelUsed, ...] = ()
    seed: int = 0
    timings: dict[str, float] = {}
    warnings: tuple[str, ...] = ()


def result_from_json(data: bytes) -> ResultManifest:
    """Read a manifest. Raises `invalid_request` naming the field."""
    if len(data) > MAX_JSON_BYTES:
        raise AcetateError("invalid_request", where="the result document is too large")
    try:
        return msgspec.json.decode(data, type=ResultManifest)
    except (msgspec.DecodeError, RecursionError) as error:
        raise AcetateError("invalid_request", where=str(error)[:60], detail=str(error)) from error


def result_blobs(manifest: ResultManifest) -> tuple[str, ...]:
    """All blobs of a result, each once: composites first, so that a viewer can show them early."""
    found: dict[str, None] = dict.fromkeys(manifest.composite)
    for layer in manifest.layers:
        found.update(dict.fromkeys(layer.frames))
    found.update(dict.fromkeys(manifest.painted))
    return tuple(found)


_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"com{i}" for i in range(10)),
    *(f"lpt{i}" for i in range(10)),
}


def folder_names(names: list[str]) -> list[str]:
    """A safe, unique folder name for each layer name, in order; plain names stay as they are.

    Letters, digits, space, `_`, `-` and inner dots stay (umlauts too); everything else becomes
    `_`; clashes (also by case) get a number.
    """
    taken: set[str] = set()
    result: list[str] = []
    for name in names:
        base = "".join(c if c.isalnum() or c in " _-." else "_" for c in name).strip(" .")[:64]
        base = base.strip(" .") or "layer"
        if base.split(".")[0].lower() in _RESERVED:
            base = f"_{base}"
        candidate, number = base, 2
        while candidate.casefold() in taken:
            candidate, number = f"{base}_{number}", number + 1
        taken.add(candidate.casefold())
        result.append(candidate)
    return result
