"""Which backends there are for each slot; their modules are imported when one is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

SLOTS = ("segment", "propagate", "flow", "track", "sketch", "caption")


class BackendModule(Protocol):
    """What a module of a backend with weights offers, by these names.

    NAME     of the model, as provenance has it
    LICENCE  SPDX id of the published weights
    WEIGHTS  names of files; the folder of the backend holds one of them
    PACKAGES names of packages besides torch without which `load` cannot work; may be missing
    SOURCE   where weights or package are published; may be missing
    VERSION  of the module, when it comes to answer differently; "1" where missing
    """

    NAME: str
    LICENCE: str
    WEIGHTS: tuple[str, ...]

    def load(self, folder: Path, device: str, *settings: object) -> Callable[..., Any]:
        """The callable of the slot. Raises `weights_unfit` for files of another layout."""
        ...


@dataclass(frozen=True)
class Offer:
    """One backend of one slot. `module`: empty for those without weights, which are always there;
    `loader`: its function, where a module serves several slots.
    """

    slot: str
    name: str
    module: str = ""
    loader: str = "load"

    def imported(self) -> BackendModule:
        """The module; light, because torch waits until weights are loaded."""
        return cast(BackendModule, importlib.import_module(self.module))

    def packages(self) -> tuple[str, ...]:
        """Packages that must be installed."""
        return tuple(getattr(self.imported(), "PACKAGES", ()))


_OWN = "curation.backends."
OFFERS = (
    Offer("segment", "watershed"),
    Offer("segment", "sam2", _OWN + "sam2", "load_segmenter"),
    Offer("segment", "sam", _OWN + "sam"),
    Offer("propagate", "regions"),
    Offer("propagate", "sam2", _OWN + "sam2"),
    Offer("flow", "dis"),
    Offer("flow", "unimatch", _OWN + "unimatch"),
    Offer("track", "lk"),
    Offer("track", "cotracker3", _OWN + "cotracker3"),
    Offer("sketch", "dog"),
    Offer("sketch", "anime2sketch", _OWN + "anime2sketch"),
    Offer("caption", "template"),
    Offer("caption", "caption", _OWN + "captioner"),
)
"""By slot, first the one without weights, then in the order in which `auto` prefers them."""


def offers_of(slot: str) -> tuple[Offer, ...]:
    """The slot's backends, the one without weights first."""
    return tuple(offer for offer in OFFERS if offer.slot == slot)
