"""The JSON members of a clip, strictly typed; the packer writes them and the reader reads them."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from curation.dataset.damage import DamageError
from curation.dataset.provenance import Provenance

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
MAX_FRAMES = 4096
MAX_SIDE_PX = 8192
MAX_CLIP_PIXELS = 2**31
MAX_ELEMENTS = 65_535
MAX_LAYERS = 255

CLIP_SCHEMA = "acetate.clip/1"
SCORES_SCHEMA = "acetate.scores/1"
CAPTION_SCHEMA = "acetate.caption/1"

_Count = Annotated[int, Meta(ge=0)]
_Side = Annotated[int, Meta(ge=1, le=MAX_SIDE_PX)]
_Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
_Finite = Annotated[float, Meta(ge=-1e9, le=1e9)]


class MemberRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member of the sample must be: its SHA-256 and its length in bytes."""

    sha256: _Hash
    bytes: _Count


class ClipDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`.meta.json`: a clip's sizes, rights, and the checksums of its other members by suffix."""

    schema: str
    clip_id: str
    fps: Annotated[float, Meta(gt=0, le=1000)]
    frames: Annotated[int, Meta(ge=1, le=MAX_FRAMES)]
    width: _Side
    height: _Side
    depth_known: bool
    tracks: _Count
    nc_tainted: bool
    provenance: Provenance
    members: dict[str, MemberRecord]


class ElementRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One element, in the order of its label; `layer` counts the file's layers from 0."""

    name: str
    score: _Finite
    layer: Annotated[int, Meta(ge=0, lt=MAX_LAYERS)]


class LayerRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One layer and its score."""

    name: str
    score: _Finite


class ScoresDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`.scores.json`: scores with what they count.

    Scores are mean lengths of motion in pixels of a `width` x `height` picture per `frame_step`
    frames; without these three no threshold means anything (`spec/curation.md` 1.0).
    """

    schema: str
    unit: str
    width: _Side
    height: _Side
    frame_step: Annotated[int, Meta(ge=1, le=MAX_FRAMES)]
    elements: Annotated[list[ElementRecord], Meta(max_length=MAX_ELEMENTS)]
    layers: Annotated[list[LayerRecord], Meta(max_length=MAX_LAYERS)]


class CaptionDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`.caption.json`: what the clip shows, and each of its layers where that is said."""

    schema: str
    caption: str
    layers: Annotated[list[str], Meta(max_length=MAX_LAYERS)]


_Document = TypeVar("_Document", ClipDocument, ScoresDocument, CaptionDocument)


def encode(document: msgspec.Struct) -> bytes:
    """Canonical JSON: fields in their order, mappings sorted, one line break at the end."""
    return msgspec.json.encode(document, order="deterministic") + b"\n"


def decode(data: bytes, kind: type[_Document], schema: str) -> _Document:
    """Read a document. Raises `DamageError` for other schemas, unknown fields and wrong values."""
    if len(data) > MAX_DOCUMENT_BYTES:
        raise DamageError(f"{len(data)} bytes, at most {MAX_DOCUMENT_BYTES} are read")
    try:
        document = msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamageError(str(error)) from error
    if document.schema != schema:
        raise DamageError(f"schema {document.schema[:40]}, expected {schema}")
    return document
