"""From scores of clips to the evaluation's document and table; pure data, used by evaluate.py."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from training.measure import ClipScores, Score
from training.procedural import STRATA

SCHEMA = "acetate.evaluation/1"
METHODS = ("hold", "cross-fade", "flow-warp", "rigid-warp", "layer-motion", "mini")
# who is compared with whom, on the same clips
_PAIRS = (
    ("layer-motion", "hold"),
    ("layer-motion", "cross-fade"),
    ("layer-motion", "flow-warp"),
    ("layer-motion", "rigid-warp"),
    ("mini", "layer-motion"),
)


class Mean(msgspec.Struct, frozen=True):
    """Means over clips; `psnr_db` by stratum has one entry for each stratum that occurred."""

    psnr_db: float
    ssim: float
    edge_energy: float
    cpu_s: float
    psnr_db_by_stratum: dict[str, float]


class Gain(msgspec.Struct, frozen=True):
    """Paired difference of two methods: mean, standard error over clips, and by stratum in dB."""

    method: str
    over: str
    psnr_db: float
    psnr_error_db: float
    ssim: float
    ssim_error: float
    edge_energy: float
    psnr_db_by_stratum: dict[str, float]


class ModeReport(msgspec.Struct, frozen=True):
    """All methods of one mode, and their paired differences."""

    methods: dict[str, Mean]
    gains: list[Gain]


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """The document of `acetate evaluate procedural --json` (schema `acetate.evaluation/1`).

    `seed` .. `seed + clips - 1` were made; `static_left_out` of them count nowhere. PSNR is capped
    at 50 dB per frame and averaged over `frames`, then over clips. `model`: what `mini` was.
    """

    schema: str = SCHEMA
    set: str = "procedural"
    clips: int
    seed: int
    static_left_out: int
    width: int
    height: int
    frames: list[int]
    model: dict[str, str]
    clips_by_stratum: dict[str, int]
    modes: dict[str, ModeReport]


def summarise(clips: Sequence[ClipScores]) -> dict[str, ModeReport]:
    """Means and paired gains of every mode. Raises ValueError without any clip."""
    if not clips:
        raise ValueError("every clip was static; nothing can be compared")
    return {mode: _mode_report(clips, mode) for mode in clips[0].scores}


def count_strata(clips: Sequence[ClipScores]) -> dict[str, int]:
    """How many clips of each stratum were scored."""
    counts = {name: sum(clip.stratum == name for clip in clips) for name in STRATA}
    return {name: count for name, count in counts.items() if count}


def _mode_report(clips: Sequence[ClipScores], mode: str) -> ModeReport:
    present = clips[0].scores[mode]
    methods = {name: _mean(clips, mode, name) for name in METHODS if name in present}
    gains = [
        _gain(clips, mode, method, over)
        for method, over in _PAIRS
        if method in present and over in present
    ]
    return ModeReport(methods, gains)


def _scores(clips: Sequence[ClipScores], mode: str, method: str) -> list[Score]:
    return [clip.scores[mode][method] for clip in clips]


def _mean(clips: Sequence[ClipScores], mode: str, method: str) -> Mean:
    scores = _scores(clips, mode, method)
    psnr = np.array([score.psnr_db for score in scores])
    return Mean(
        psnr_db=_rounded(psnr.mean()),
        ssim=_rounded(np.mean([score.ssim for score in scores]), 5),
        edge_energy=_rounded(np.mean([score.edge_energy for score in scores])),
        cpu_s=_rounded(np.mean([score.cpu_s for score in scores])),
        psnr_db_by_stratum=_by_stratum(clips, psnr),
    )


def _gain(clips: Sequence[ClipScores], mode: str, method: str, over: str) -> Gain:
    pairs = list(zip(_scores(clips, mode, method), _scores(clips, mode, over), strict=True))
    psnr = np.array([a.psnr_db - b.psnr_db for a, b in pairs])
    likeness = np.array([a.ssim - b.ssim for a, b in pairs])
    return Gain(
        method=method,
        over=over,
        psnr_db=_rounded(psnr.mean()),
        psnr_error_db=_rounded(_standard_error(psnr)),
        ssim=_rounded(likeness.mean(), 5),
        ssim_error=_rounded(_standard_error(likeness), 5),
        edge_energy=_rounded(np.mean([a.edge_energy - b.edge_energy for a, b in pairs])),
        psnr_db_by_stratum=_by_stratum(clips, psnr),
    )


def _by_stratum(clips: Sequence[ClipScores], values: np.ndarray) -> dict[str, float]:
    names = np.array([clip.stratum for clip in clips])
    return {name: _rounded(values[names == name].mean()) for name in count_strata(clips)}


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else 0.0


def _rounded(value: float | np.floating, digits: int = 4) -> float:
    return round(float(value), digits)


def as_table(evaluation: Evaluation) -> str:
    """Plain text for a terminal: per mode the methods side by side, then the paired gains."""
    strata = list(evaluation.clips_by_stratum)
    head = "  ".join(f"{name[:9]:>9}" for name in strata)
    counts = ", ".join(f"{name} {count}" for name, count in evaluation.clips_by_stratum.items())
    lines = [
        f"{evaluation.width}x{evaluation.height}, {sum(evaluation.clips_by_stratum.values())} clips"
        f" ({counts}; {evaluation.static_left_out} static left out), frames {evaluation.frames}"
    ]
    for name, report in evaluation.modes.items():
        lines += ["", f"{name:<24}   PSNR    SSIM   edges  CPU s  {head}"]
        lines += [_method_line(method, mean, strata) for method, mean in report.methods.items()]
        lines += [_gain_line(gain, strata) for gain in report.gains]
    return "\n".join(lines)


def _method_line(method: str, mean: Mean, strata: list[str]) -> str:
    parts = "  ".join(f"{mean.psnr_db_by_stratum[name]:9.2f}" for name in strata)
    return (
        f"  {method:<22} {mean.psnr_db:6.2f}  {mean.ssim:.4f}  {mean.edge_energy:6.1%}"
        f" {mean.cpu_s:6.2f}  {parts}"
    )


def _gain_line(gain: Gain, strata: list[str]) -> str:
    parts = "  ".join(f"{gain.psnr_db_by_stratum[name]:+9.2f}" for name in strata)
    title = f"{gain.method} - {gain.over}"
    error = f"+-{gain.psnr_error_db:.2f}"
    return f"    {title:<26} {gain.psnr_db:+.2f} {error}  SSIM {gain.ssim:+.4f}  {parts}"
