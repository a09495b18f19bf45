"""From results of clips to the document of `acetate evaluate suite`; pure data.

Reporting rules of the design, section 6: static clips are left out before, PSNR is capped at
50 dB per frame, every difference is paired on the same clips and carries its standard error.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np

from training.metrics.features import FeatureExtractor
from training.metrics.frechet import Gaussian, frechet_distance, is_enough
from training.suites.figures import KINDS, Judge
from training.suites.measure import TRUTH, ClipResult, unpacked
from training.suites.methods import BASELINES, LAYER_MOTION, MINI
from training.suites.suite import SUITES

SCHEMA = "acetate.suites/1"
STRATA_FIGURE = "psnr_db"


class Mean(msgspec.Struct, frozen=True):
    """Mean over the `clips` that have the figure, and the standard error of that mean."""

    mean: float
    error: float
    clips: int


class MethodSummary(msgspec.Struct, frozen=True):
    """One method in one suite. `frechet`: FID and FVD by their marked names, where enough frames.

    `psnr_db_by_stratum` is empty for the truth; `cpu_s`: processor seconds per clip.
    """

    figures: dict[str, Mean]
    frechet: dict[str, float]
    psnr_db_by_stratum: dict[str, float]
    cpu_s: float


class Gain(msgspec.Struct, frozen=True):
    """Paired differences of two methods, `method` minus `over`."""

    method: str
    over: str
    figures: dict[str, Mean]
    psnr_db_by_stratum: dict[str, float]


class SuiteSummary(msgspec.Struct, frozen=True):
    """One suite. `notes` say which figures could not be told, and why."""

    title: str
    clips: int
    clips_by_stratum: dict[str, int]
    methods: dict[str, MethodSummary]
    gains: list[Gain]
    notes: list[str]


class SuitesDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was measured. `names`: how LPIPS, FID and FVD are called here.

    `random_features` lists figures of random features: they compare with nobody's table.
    """

    schema: str = SCHEMA
    source: str
    clips: int
    seed: int
    static_left_out: int
    width: int
    height: int
    frames: int
    psnr_cap_db: float
    models: dict[str, str]
    names: dict[str, str]
    random_features: list[str]
    suites: dict[str, SuiteSummary]


def summarise(results: Sequence[ClipResult], judge: Judge) -> dict[str, SuiteSummary]:
    """Per suite, in the order of the suites, for those that have results."""
    found: dict[str, SuiteSummary] = {}
    for suite in SUITES:
        own = [result for result in results if result.suite == suite.name]
        if own:
            found[suite.name] = _summary(suite.title, own, judge)
    return found


def figure_values(results: Sequence[ClipResult], method: str, figure: str) -> list[float | None]:
    """A figure of a method, clip by clip."""
    return [result.methods[method].figures.get(figure) for result in results]


def _summary(title: str, results: Sequence[ClipResult], judge: Judge) -> SuiteSummary:
    names = list(results[0].methods)
    notes: list[str] = []
    methods = {name: _method(results, name, judge, notes) for name in names}
    return SuiteSummary(
        title=title,
        clips=len(results),
        clips_by_stratum=dict(Counter(result.stratum for result in results)),
        methods=methods,
        gains=[_gain(results, *pair, judge) for pair in _pairs(names)],
        notes=sorted(set(notes)),
    )


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Who is compared with whom: every engine with every baseline, and the later with the first."""
    engines = [name for name in names if name not in (TRUTH, *BASELINES)]
    pairs = [(engine, over) for engine in engines for over in names if over in BASELINES]
    pairs += [(engine, LAYER_MOTION) for engine in engines if engine != LAYER_MOTION]
    pairs += [(engine, MINI) for engine in engines if engine not in (LAYER_MOTION, MINI)]
    return [(one, other) for one, other in pairs if other in names]


def _method(
    results: Sequence[ClipResult], name: str, judge: Judge, notes: list[str]
) -> MethodSummary:
    figures = _means({kind.name: figure_values(results, name, kind.name) for kind in KINDS}, judge)
    return MethodSummary(
        figures=figures,
        frechet={} if name == TRUTH else _frechet(results, name, judge, notes),
        psnr_db_by_stratum=_by_stratum(results, figure_values(results, name, STRATA_FIGURE)),
        cpu_s=round(float(np.mean([result.methods[name].cpu_s for result in results])), 3),
    )


def _gain(results: Sequence[ClipResult], method: str, over: str, judge: Judge) -> Gain:
    differences = {
        kind.name: [
            None if a is None or b is None else a - b
            for a, b in zip(
                figure_values(results, method, kind.name),
                figure_values(results, over, kind.name),
                strict=True,
            )
        ]
        for kind in KINDS
    }
    strata = _by_stratum(results, differences[STRATA_FIGURE])
    return Gain(method, over, _means(differences, judge), strata)


def _means(columns: dict[str, list[float | None]], judge: Judge) -> dict[str, Mean]:
    """Means by marked name; figures that no clip has are left out."""
    names = judge.names()
    found: dict[str, Mean] = {}
    for name, column in columns.items():
        values = np.array([value for value in column if value is not None])
        if len(values):
            error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else 0.0
            mean = Mean(round(float(values.mean()), 5), round(float(error), 5), len(values))
            found[names.get(name, name)] = mean
    return found


def _by_stratum(results: Sequence[ClipResult], values: Sequence[float | None]) -> dict[str, float]:
    grouped: dict[str, list[float]] = {}
    for result, value in zip(results, values, strict=True):
        if value is not None:
            grouped.setdefault(result.stratum, []).append(value)
    return {name: round(float(np.mean(group)), 4) for name, group in sorted(grouped.items())}


def _frechet(
    results: Sequence[ClipResult], name: str, judge: Judge, notes: list[str]
) -> dict[str, float]:
    names = judge.names()
    found: dict[str, float] = {}
    for key, extractor, unit in (
        ("fid", judge.per_frame, "frames"),
        ("fvd", judge.per_clip, "clips"),
    ):
        made, true = (_features(results, one, extractor) for one in (name, TRUTH))
        if is_enough(len(made), extractor.dimensions):
            distance = frechet_distance(Gaussian.of(made), Gaussian.of(true))
            found[names[key]] = round(distance, 5)
        else:
            notes.append(f"{names[key]} needs more than {extractor.dimensions} {unit}")
    return found


def _features(results: Sequence[ClipResult], name: str, extractor: FeatureExtractor) -> np.ndarray:
    """All features of a method, float32 [n, dimensions]."""
    methods = [result.methods[name] for result in results]
    packed = [m.clip_features if extractor.per_clip else m.frame_features for m in methods]
    return unpacked(b"".join(packed), extractor.dimensions)
