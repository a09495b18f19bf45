"""The settings of tasks that start from a LayerAnimate: adapters and students; free of torch."""

from __future__ import annotations

from training.layeranimate.distil_settings import DistilOptions
from training.layeranimate.lora_settings import LoraOptions
from training.layeranimate.settings import LayerAnimateSettings


class LoraSettings(
    LayerAnimateSettings,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="layeranimate-lora",
):
    """An adapter for the model in `start`; `train` does not count, `weights_seed` seeds it."""

    adapter: LoraOptions = LoraOptions()


class StudentSettings(
    LayerAnimateSettings,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="layeranimate-student",
):
    """A student of the model in `start`; `train` says which of its parameters learn."""

    learn: DistilOptions
