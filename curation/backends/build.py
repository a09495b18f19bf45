"""Chosen parts to callables; a network's weights are loaded at its first use, once a process."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from curation.backends.choose import Choice, Part
from curation.backends.interfaces import Backends, Captioner
from curation.stages.chain import ChainSettings, no_weights
from shared.errors import AcetateError


def built(chain: ChainSettings, choice: Choice) -> Backends:
    """The parts as the stages call them; nothing is loaded yet."""
    plain = no_weights(chain)

    def of(slot: str) -> Callable[..., Any]:
        part = choice[slot]
        if not part.has_weights:
            return getattr(plain, slot)
        return lambda *arrays: loaded(part, choice.device)(*arrays)

    words = choice["caption"]
    return Backends(
        segment=of("segment"),
        flow=of("flow"),
        propagate=of("propagate"),
        track=of("track"),
        sketch=of("sketch"),
        annotations=choice.annotations,
        caption=_Words(words, choice.device) if words.has_weights else None,
        finds_newcomers=choice["propagate"].has_weights,
    )


@dataclass(frozen=True)
class _Words:
    """A captioner that is loaded when it is asked."""

    part: Part
    device: str

    @property
    def made_by(self) -> dict[str, str]:
        return self._model().made_by

    def __call__(self, frames: np.ndarray, *, layer: bool = False) -> str:
        return self._model()(frames, layer=layer)

    def _model(self) -> Captioner:
        return cast(Captioner, loaded(self.part, self.device))


@lru_cache(maxsize=8)
def loaded(part: Part, device: str) -> Callable[..., Any]:
    """The part's network with its weights. Raises `weights_unfit`, `device_unusable`."""
    load: Callable[..., Any] = getattr(importlib.import_module(part.module), part.loader)
    more = () if part.settings is None else (part.settings,)
    return load(Path(part.folder), usable_device(device), *more)


def usable_device(device: str) -> str:
    """`auto`: the first CUDA device if torch has one, else the CPU; other names as they are.

    Raises `device_unusable` for what torch does not know or does not find.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        why = str(error).splitlines()[0][:80]
        raise AcetateError("device_unusable", device=device[:40], why=why) from error
    return device
