"""Which backend fills each slot: what is asked for, else what weights there are; for every run.

What was chosen is plain data: it goes into units' keys, into provenance and to other processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec

from curation.backends.automatic import SamSettings
from curation.backends.caption_settings import CaptionSettings
from curation.backends.offers import SLOTS, Offer, offers_of
from curation.backends.weights import (
    check_packages,
    check_weights,
    holds,
    licence_of,
    weights_sha256,
)
from curation.dataset.provenance import Annotation
from curation.dataset.rights import forbids_commerce
from curation.stages.chain import NO_WEIGHTS

_KINDS = {
    "segment": "masks",
    "propagate": "masks",
    "flow": "flow",
    "track": "tracks",
    "sketch": "sketch",
    "caption": "caption",
}


class BackendSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What fills each slot. `auto`: the backend whose weights there are, else the one without.

    `caption`: a folder with a model, by path or by name in the folder of weights. `sam`, `words`:
    settings of the makers of masks and of captions.
    """

    segment: Literal["auto", "watershed", "sam", "sam2"] = "auto"
    propagate: Literal["auto", "regions", "sam2"] = "auto"
    flow: Literal["auto", "dis", "unimatch"] = "auto"
    track: Literal["auto", "lk", "cotracker3"] = "auto"
    sketch: Literal["auto", "dog", "anime2sketch"] = "auto"
    caption: str = "auto"
    sam: SamSettings = SamSettings()
    words: CaptionSettings = CaptionSettings()


@dataclass(frozen=True)
class Part:
    """What fills one slot. `folder` and `sha256` of its weights; empty where it needs none."""

    slot: str
    name: str
    annotation: Annotation
    module: str = ""
    loader: str = "load"
    folder: str = ""
    sha256: str = ""
    settings: object = None

    @property
    def has_weights(self) -> bool:
        """Whether a network does it."""
        return bool(self.module)

    def keyed(self, plain: object) -> object:
        """What a unit's key says of it: the stage's own settings, and the network's if any."""
        if not self.module:
            return plain
        return (plain, self.name, self.annotation.name, self.annotation.version, self.settings)


@dataclass(frozen=True)
class Choice:
    """One part per slot, by `SLOTS`, and the device that networks run on."""

    parts: tuple[Part, ...]
    device: str = "cpu"

    def __getitem__(self, slot: str) -> Part:
        return self.parts[SLOTS.index(slot)]

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """What made a clip's annotations; each once."""
        return tuple(dict.fromkeys(part.annotation for part in self.parts))


def choose(
    settings: BackendSettings | None = None,
    weights: Path | None = None,
    device: str = "cpu",
    slots: Sequence[str] = SLOTS,
) -> Choice:
    """The parts under these settings. `weights`: a folder with one folder per backend; `slots`:
    those that are needed, the others get what needs no weights.

    `auto` leaves out networks whose licence forbids commercial use, because they mark the data:
    who wants one names it. Raises `weights_missing`, `backend_package`.
    """
    settings = settings or BackendSettings()
    parts = []
    for slot in SLOTS:
        asked = getattr(settings, slot) if slot in slots else offers_of(slot)[0].name
        offer, folder = _found(slot, asked, weights)
        parts.append(_part(offer, folder, settings))
    return Choice(_with_plain_masks(parts), device)


def _found(slot: str, asked: str, weights: Path | None) -> tuple[Offer, Path | None]:
    """What fills a slot, and where its weights lie."""
    plain, *networks = offers_of(slot)
    if asked == plain.name:
        return plain, None
    if asked == "auto":
        for offer in networks:
            folder = weights / offer.name if weights else None
            if folder is not None and is_usable(offer, folder):
                return offer, folder
        return plain, None
    if slot == "caption":
        return networks[0], _model_folder(asked, weights)
    offer = next(offer for offer in networks if offer.name == asked)
    return offer, weights / offer.name if weights else None


def is_usable(offer: Offer, folder: Path) -> bool:
    """Whether `auto` may take it: weights are there, and they bind nobody's hands."""
    if not folder.is_dir():
        return False
    module = offer.imported()
    free = not forbids_commerce(licence_of(folder, module.LICENCE))
    return free and holds(folder, module.WEIGHTS)


def _model_folder(asked: str, weights: Path | None) -> Path:
    inside = weights / asked if weights else None
    return inside if inside is not None and inside.is_dir() else Path(asked)


def _part(offer: Offer, folder: Path | None, settings: BackendSettings) -> Part:
    kind = _KINDS[offer.slot]
    if not offer.module:
        annotation = next(made for made in NO_WEIGHTS if made.kind == kind)
        return Part(offer.slot, offer.name, annotation)
    module = offer.imported()
    check_packages(offer.name, offer.packages())
    check_weights(offer.name, folder, module.WEIGHTS, str(getattr(module, "SOURCE", "")))
    if folder is None:
        raise AssertionError("unreachable")
    own = {"segment": settings.sam, "propagate": settings.sam, "caption": settings.words}
    sha256 = weights_sha256(folder)
    name = folder.name if offer.slot == "caption" else module.NAME
    version = str(getattr(module, "VERSION", "1"))
    if offer.slot == "caption":
        version += f", prompt {settings.words.prompt_hash[:16]}"
    return Part(
        offer.slot,
        offer.name,
        Annotation(kind, name, version, licence_of(folder, module.LICENCE), sha256),
        offer.module,
        offer.loader,
        str(folder),
        sha256,
        own.get(offer.slot),
    )


def _with_plain_masks(parts: list[Part]) -> tuple[Part, ...]:
    """Parts in which half of the masks' annotation says which half it is.

    Without weights one annotation stands for both cutting up and following.
    """
    named = {"segment": "acetate watershed", "propagate": "acetate DIS propagation"}
    cut, followed, *others = parts
    if cut.has_weights == followed.has_weights:
        return tuple(parts)
    halves = [
        part
        if part.has_weights
        else replace(part, annotation=_renamed(part.annotation, named[part.slot]))
        for part in (cut, followed)
    ]
    return (*halves, *others)


def _renamed(annotation: Annotation, name: str) -> Annotation:
    return msgspec.structs.replace(annotation, name=name)
