"""Keys of units: everything that decides a stage's answer for a clip, as one hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from curation.run.stage import ClipRef, Stage


def unit_key(stage: Stage, clip: ClipRef, inputs: Mapping[str, str]) -> str:
    """SHA-256 over name, version, settings, weights, the clip's content and its inputs' keys.

    `inputs`: the keys of the units that this one needs, by stage. Where a source lies does not
    matter, what is in it does.
    """
    about = (
        stage.name,
        stage.version,
        stage.settings,
        stage.weights_sha256,
        (clip.source_id, clip.first, clip.last, clip.view),
        {name: inputs[name] for name in stage.needs},
    )
    return hashlib.sha256(msgspec.json.encode(about, order="sorted")).hexdigest()


def chain_keys(stages: Sequence[Stage], clip: ClipRef) -> dict[str, str]:
    """Keys of all units of a clip, by stage, in the chain's order."""
    keys: dict[str, str] = {}
    for stage in stages:
        keys[stage.name] = unit_key(stage, clip, keys)
    return keys
