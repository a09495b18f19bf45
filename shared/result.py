"""The result manifest: what came back, layer by layer, and who made it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .errors import AcetateError
from .shot import MAX_FRAMES, MAX_LAYERS, Frame, Hash, Role, Size

SCHEMA = "acetate.result/1"
MAX_JSON_BYTES = 32 * 1024 * 1024


class ResultLayer(msgspec.Struct, frozen=True, kw_only=True):
    """One input layer's sequence: PNG blobs of camera size, straight alpha, one per scene frame.

    `frames[i]` shows scene frame `manifest.start + i`; held drawings repeat a hash. `painted`
    holds the scene frames whose pixels were generated (all others are the artist's own), and
    `method` says how: `key`, `trajectory`, `registration`, `sketch`, `strokes`, `hold`,
    `crossfade`, `idle`, `mini`, `layeranimate`.

    `strokes[i]` is the drawing of the same frame as strokes (an NPZ, see `strokes.Drawing`), None
    where pixels alone show it; empty where no new drawing of the layer is made of strokes.
    """

    name: str
    order: int
    role: Role
    folder: str
    frames: tuple[Hash, ...]
    painted: tuple[int, ...] = ()
    method: str = "hold"
    blend: str = "regular"
    strokes: tuple[Hash | None, ...] = ()


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
    width: Size
    height: Size
    fps: float
    start: Frame
    end: Frame
    layers: Annotated[tuple[ResultLayer, ...], msgspec.Meta(max_length=MAX_LAYERS)]
    composite: tuple[Hash, ...]
    painted: tuple[Hash, ...] = ()
    models: tuple[ModelUsed, ...] = ()
    seed: int = 0
    timings: dict[str, float] = {}
    warnings: tuple[str, ...] = ()


def result_from_json(data: bytes) -> ResultManifest:
    """Read a manifest and `check_manifest` it. Raises `invalid_request` naming the fault."""
    if len(data) > MAX_JSON_BYTES:
        raise _unfit("the result document is too large")
    try:
        manifest = msgspec.json.decode(data, type=ResultManifest)
    except (msgspec.DecodeError, RecursionError) as error:
        raise AcetateError("invalid_request", where=str(error)[:54], detail=str(error)) from error
    check_manifest(manifest)
    return manifest


def check_manifest(manifest: ResultManifest) -> None:
    """Whether sequences can be laid out as it says: one plain folder name per layer, all different
    on every system, and one picture per scene frame. Raises `invalid_request`.

    Manifests come over the wire, and their folder names become paths.
    """
    count = manifest.end - manifest.start + 1
    if not 1 <= count <= MAX_FRAMES:
        raise _unfit("the range of a result")
    if len(manifest.composite) != count or len(manifest.painted) not in (0, count):
        raise _unfit("a result with missing frames")
    if not all(is_folder_name(layer.folder) for layer in manifest.layers):
        raise _unfit("a layer folder that is no plain name")
    if len({layer.folder.casefold() for layer in manifest.layers}) != len(manifest.layers):
        raise _unfit("two layers with one folder")
    for layer in manifest.layers:
        if len(layer.frames) != count or len(layer.strokes) not in (0, count):
            raise AcetateError(
                "invalid_request", where="a layer with missing frames", detail=layer.name
            )


def _unfit(where: str) -> AcetateError:
    return AcetateError("invalid_request", where=where)


def result_blobs(manifest: ResultManifest) -> tuple[str, ...]:
    """All blobs of a result, each once: composites first, so that a viewer can show them early."""
    found: dict[str, None] = dict.fromkeys(manifest.composite)
    for layer in manifest.layers:
        found.update(dict.fromkeys(layer.frames))
    found.update(dict.fromkeys(manifest.painted))
    for layer in manifest.layers:
        found.update(dict.fromkeys(sha256 for sha256 in layer.strokes if sha256 is not None))
    return tuple(found)


_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"com{i}" for i in range(10)),
    *(f"lpt{i}" for i in range(10)),
}


_MAX_NAME = 64


def folder_names(names: list[str]) -> list[str]:
    """A safe, unique folder name for each layer name, in order; plain names stay as they are.

    Letters, digits, space, `_`, `-` and inner dots stay (umlauts too); everything else becomes
    `_`; clashes (also by case) get a number.
    """
    taken: set[str] = set()
    result: list[str] = []
    for name in names:
        base = "".join(c if _is_plain(c) else "_" for c in name).strip(" .")[:_MAX_NAME]
        base = base.strip(" .") or "layer"
        if _is_reserved(base):
            base = f"_{base}"
        candidate, number = base, 2
        while candidate.casefold() in taken:
            candidate, number = f"{base}_{number}", number + 1
        taken.add(candidate.casefold())
        result.append(candidate)
    return result


def is_folder_name(name: str) -> bool:
    """Whether `folder_names` could have given this name: one path part, safe on every system."""
    # Room for the mark of a reserved word and for the number of a clash.
    fits = 0 < len(name) <= _MAX_NAME + 8
    plain = all(_is_plain(c) for c in name) and name == name.strip(" .")
    return fits and plain and not _is_reserved(name)


def _is_plain(letter: str) -> bool:
    return letter.isalnum() or letter in " _-."


def _is_reserved(name: str) -> bool:
    return name.split(".")[0].lower() in _RESERVED
