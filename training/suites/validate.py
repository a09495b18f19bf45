"""The suites' figures as plain numbers, for whoever validates weights while they are trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from training.suites.figures import KINDS, Judge
from training.suites.methods import Make, Method
from training.suites.run import run_suites
from training.suites.suite import SUITES, Suite
from training.suites.summary import figure_values

if TYPE_CHECKING:
    from backend.models.layeranimate.bundle import LayerAnimateModel
    from backend.models.layeranimate.clip import SampleSettings
    from training.suites.clip import SuiteClip

_NAME = "model"


def suite_figures(
    make: Make | Method,
    clips: Iterable[SuiteClip],
    suites: Sequence[Suite] = SUITES,
    judge: Judge | None = None,
) -> dict[str, float]:
    """Means over clips as `i2v-sketch/psnr_db`; what no clip can tell is left out.

    Static clips count nowhere. `judge` None takes random features; `lpips` then is `rLPIPS`.
    """
    method = replace(make, name=_NAME) if isinstance(make, Method) else Method(_NAME, make)
    judge = judge or Judge()
    done = run_suites(clips, suites, [method], judge)
    figures: dict[str, float] = {}
    for suite in suites:
        own = [r for r in done.results if r.suite == suite.name and _NAME in r.methods]
        for kind in KINDS:
            told = [value for value in figure_values(own, _NAME, kind.name) if value is not None]
            if told:
                name = judge.names().get(kind.name, kind.name)
                figures[f"{suite.name}/{name}"] = float(np.mean(told))
    return figures


def model_figures(
    model: LayerAnimateModel,
    clips: Iterable[SuiteClip],
    settings: SampleSettings,
    *,
    size: tuple[int, int],
    suites: Sequence[Suite] = SUITES,
) -> dict[str, float]:
    """`suite_figures` of a LayerAnimate as it is now, painting at `size` (width, height).

    Suites with a last key are left out where the model has no two-key decoder.
    """
    from backend.pipeline.engines import painter_of
    from training.suites.painted import painter_method

    painter = replace(painter_of(model), width=size[0], height=size[1])
    method = painter_method(_NAME, painter, settings, between_keys=model.dual is not None)
    return suite_figures(method, clips, [suite for suite in suites if method.applies(suite)])
