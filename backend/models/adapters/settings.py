"""The settings of an adapter in the words of peft's adapter_config.json; read by `files`."""

from __future__ import annotations

import json
import math
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

_Alpha = Annotated[float, msgspec.Meta(gt=0, le=65_536)]


class AdapterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the matrices' shapes cannot tell.

    `alpha_pattern`: alpha by the end of a module's path. `base`: a name for people of what it was
    trained on, `about`: its style in a few words.
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
        fitting = [v for end, v in self.alpha_pattern.items() if f".{module}".endswith(f".{end}")]
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
    if settings.peft_type != "LORA":
        raise _unusable(name, f"peft_type {settings.peft_type[:40]} is not supported, only LORA")
    return settings


def _unusable(name: str, detail: str) -> AcetateError:
    return AcetateError("model_corrupt", model=name, detail=detail)
