"""The settings of the sketch expert's training, `kind = "mini"` in a recipe; free of torch."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from training.data.clip_filter import ClipFilter

_Share = Annotated[float, Meta(ge=0.0, le=1.0)]
_Some = Annotated[int, Meta(ge=1, le=1_000_000)]


class MiniData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which samples are made. Seeds lie in the procedural stream "train".

    `heights`, `frames`: lines and length of the clips, drawn per clip. `crop`: side of a sample
    in pixels. `frames_per_layer`: at most so many moments of a layer are kept. `dense_share`:
    clips with a sketch on every frame, the rest has four. `clean_share`: clips with perfect
    sketches. `rough_share`: of the other clips, those that tremble, break and double as in the
    evaluation. `repainted_share`: clips in another look (dark, shaded, partly sketched). `gaps`:
    largest share of an imperfect sketch's lines that is left out.

    `source`: "procedural" clips are drawn as they are needed; "folders" takes the clips of the data
    sets in `folders` that have sketches and pass `where`: at most `clips` of them, each cut and
    asked for in `draws` ways, and up to `validation_clips` others, a quarter of all at most, are
    kept apart. Their sketches are as they are: `clean_share`, `rough_share`, `repainted_share` and
    `gaps` are of procedural clips alone.
    """

    clips: _Some
    seed: Annotated[int, Meta(ge=0, le=999_000_000)] = 0
    validation_clips: _Some = 40
    heights: Annotated[tuple[int, ...], Meta(min_length=1)] = (96,)
    frames: Annotated[tuple[int, ...], Meta(min_length=1)] = (16,)
    crop: Annotated[int, Meta(ge=16, le=1024)] = 80
    frames_per_layer: _Some = 6
    interpolate_share: _Share = 0.5
    dense_share: _Share = 0.7
    clean_share: _Share = 0.6
    rough_share: _Share = 0.0
    repainted_share: _Share = 0.0
    gaps: _Share = 0.08
    clips_per_shard: _Some = 40
    source: Literal["procedural", "folders"] = "procedural"
    folders: tuple[str, ...] = ()
    where: ClipFilter = ClipFilter()
    draws: _Some = 4

    def __post_init__(self) -> None:
        if (self.source == "folders") != bool(self.folders):
            raise ValueError('source = "folders" needs folders, and no other source has any')


class MiniSettings(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="mini",
):
    """What the sketch expert learns from and how large it is.

    `widths`, `blocks`: of the three levels, see `backend.mini.network.NetworkConfig`. `start`:
    weights to begin with: empty for fresh ones, `bundled`, or a folder of exported weights.
    `start_sha256`: the hash that those must have, if any. `needs_start`: the recipe continues
    another one and refuses to begin anew. `floor`: added to the base's squared error before
    dividing by it, so that samples that layer motion already solves do not rule.
    `working_height`: lines of the canvas at inference.
    """

    data: MiniData
    widths: tuple[_Some, _Some, _Some] = (32, 64, 96)
    blocks: tuple[_Some, _Some, _Some] = (2, 2, 3)
    start: str = ""
    start_sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")] = ""
    needs_start: bool = False
    floor: Annotated[float, Meta(gt=0.0)] = 5e-4
    working_height: Annotated[int, Meta(ge=32, le=4096)] = 160


def data_hash(data: MiniData) -> str:
    """Short hash of what decides samples, for telling shards apart."""
    told = msgspec.to_builtins(data)
    if data.source == "procedural":
        told = {name: value for name, value in told.items() if name not in _OF_FOLDERS}
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()[:16]


_OF_FOLDERS = ("source", "folders", "where", "draws")
