"""The settings of an adapter in the words of peft's adapter_config.json; read by `files`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from shared.errors import AcetateError

MAX_RANK = 1024
MAX_SETTINGS_BYTES = 1 << 20
_REFUSED_WHEN: Mapping[str, tuple[object, ...]] = {
    "use_dora": (False,),
    "fan_in_fan_out": (False,),
    "bias": ("none",),
    "modules_to_save": ([], ()),
    "lora_bias": (False,),
    "layer_replication": (),
}
"""Settings whose effect is not two matrices; what else than null they may hold."""

_PATH = re.compile(r"\^?[A-Za-z0-9_]+(\\?\.[A-Za-z0-9_]+)*")
"""A path as people write it, its dots escaped or not."""

_Alpha = Annotated[float, msgspec.Meta(gt=0, le=65_536)]


class AdapterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the matrices' shapes cannot tell.

    `alpha_pattern`: alpha by the end of a module's path, or by a whole one behind `^`; the first
    that fits holds. peft takes regular expressions there: others than these are refused, because
    they are run on a stranger's word and some never end. Ranks are what the matrices have,
    whatever `rank_pattern` says. `base`: a name for people of what it was trained on, `about`: its
    style in a few words.
    """

    r: Annotated[int, msgspec.Meta(ge=1, le=MAX_RANK)]
    lora_alpha: _Alpha
    peft_type: str = "LORA"
    use_rslora: bool = False
    alpha_pattern: dict[str, _Alpha] = {}
    base: Annotated[str, msgspec.Meta(max_length=200)] = ""
    about: Annotated[str, msgspec.Meta(max_length=500)] = ""

    def strength(self, module: str, rank: int) -> float:
        """What the product of a module's two matrices is multiplied by."""
        fitting = [v for key, v in self.alpha_pattern.items() if _fits(key, module)]
        alpha = fitting[0] if fitting else self.lora_alpha
        return alpha / (math.sqrt(rank) if self.use_rslora else rank)

    def document(self, targets: tuple[str, ...]) -> dict[str, Any]:
        """The settings as peft writes them, with the modules that the adapter changes."""
        rows = msgspec.to_builtins(self)
        return {
            **{key: value for key, value in rows.items() if key not in ("base", "about")},
            "base_model_name_or_path": self.base or None,
            "acetate_about": self.about,
            "bias": "none",
            "target_modules": list(targets),
        }


def read_settings_file(path: Path, name: str) -> AdapterSettings:
    """The settings beside an adapter's weights. Raises `model_corrupt`."""
    try:
        if path.stat().st_size > MAX_SETTINGS_BYTES:
            raise _unusable(name, f"{path.name} is too large")
        return parse_settings(path.read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(name, f"{path.name}: {error}") from error


def parse_settings(text: str, name: str) -> AdapterSettings:
    """Settings from a JSON document. Raises `model_corrupt` naming what cannot be run."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unusable(name, f"its settings are no JSON: {error}") from error
    if not isinstance(document, dict):
        raise _unusable(name, "its settings are no object")
    for key, allowed in _REFUSED_WHEN.items():
        if document.get(key) is not None and document[key] not in allowed:
            raise _unusable(name, f"{key}={document[key]!r} is not supported"[:200])
    words = {"base": "base_model_name_or_path", "about": "acetate_about"}
    told = {own: document.get(theirs) or "" for own, theirs in words.items()}
    try:
        settings = msgspec.convert({**document, **told}, AdapterSettings)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _unusable(name, f"its settings: {error}") from error
    for key in settings.alpha_pattern:
        if not _PATH.fullmatch(key):
            detail = f"alpha_pattern {key[:80]!r} is no end of a module's path"
            raise _unusable(name, f"{detail}; regular expressions are not supported")
    if settings.peft_type != "LORA":
        raise _unusable(name, f"peft_type {settings.peft_type[:40]} is not supported, only LORA")
    return settings


def _fits(key: str, module: str) -> bool:
    """Whether a path's end, or a whole path behind `^`, is that of a module."""
    path = key.replace("\\.", ".")
    return path[1:] == module if path.startswith("^") else f".{module}".endswith(f".{path}")


def _unusable(name: str, detail: str) -> AcetateError:
    return AcetateError("model_corrupt", model=name, detail=detail)
