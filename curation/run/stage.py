"""What a stage is to the run: a plain function with a name, a version, settings and needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from shared.errors import AcetateError

Facts = dict[str, Any]
"""Plain JSON values."""


@dataclass(frozen=True, eq=False)
class Product:
    """What one stage made of one clip: arrays by name, and plain facts beside them."""

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)


class ClipRefusedError(Exception):
    """A stage's verdict that a clip does not belong into the set; `reason` is its code."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class View(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a clip's frames are taken from its source.

    `width`, `height`: of the frames that stages get, in pixels. `crop`: left, top, width, height
    of what the source shows inside its bars, as shares of its size. `held`: the source's frames do
    not last alike and are shown as often as they last, at `fps`.
    """

    fps: float
    width: int
    height: int
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    held: bool = False


@dataclass(frozen=True)
class ClipRef:
    """One clip of one source. `source`: a file's path as the machine knows it; `source_id`: SHA-256
    of its bytes, which alone names it in keys. `first` .. `last - 1`: frames of the source, shown
    as `view` says.
    """

    clip_id: str
    source: str
    source_id: str
    first: int
    last: int
    view: View | None = None


Work = Callable[[ClipRef, Mapping[str, Product]], Product]


@dataclass(frozen=True)
class Stage:
    """One step of the chain. `version` changes whenever the code would answer differently.

    `work` gets the clip and the products of `needs` by name. `settings`, plain data (a dataclass or
    Struct), are part of the unit's key; `weights_sha256` too: a stage without a network has none.
    """

    name: str
    version: int
    work: Work
    settings: object
    needs: tuple[str, ...] = ()
    weights_sha256: str = ""


def checked_chain(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The stages as they are, if each comes once and after what it needs. Raises `usage`."""
    seen: set[str] = set()
    for stage in stages:
        if stage.name in seen:
            raise AcetateError("usage", where=f"stage {stage.name} comes twice")
        if missing := sorted(set(stage.needs) - seen):
            raise AcetateError("usage", where=f"stage {stage.name} needs {', '.join(missing)}")
        seen.add(stage.name)
    return tuple(stages)
