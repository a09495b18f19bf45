"""All figures of one made clip against its truth; called by measure.py and by the trainer.

What each figure counts is defined in the modules it comes from; here is where they look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from backend.measure.fidelity import edge_energy, psnr_db, ssim
from training.metrics.features import FeatureExtractor, RandomClipFeatures, RandomFrameFeatures
from training.metrics.flicker import flicker
from training.metrics.followed import trajectory_error
from training.metrics.lines import line_f_score, lines_of
from training.metrics.lpips import PerceptualDistance, random_lpips
from training.metrics.stillness import leakage, static_drift_px
from training.suites.clip import SuiteClip, grown
from training.suites.suite import Suite


@dataclass(frozen=True)
class FigureKind:
    """How a figure is called and read. `better` is 1 where more is better, -1 where less is."""

    name: str
    title: str
    unit: str
    better: int
    digits: int


KINDS: tuple[FigureKind, ...] = (
    FigureKind("psnr_db", "PSNR", "dB", 1, 2),
    FigureKind("ssim", "SSIM", "", 1, 4),
    FigureKind("lpips", "LPIPS", "", -1, 4),
    FigureKind("edge_energy", "edge energy", "of truth", 1, 3),
    FigureKind("epe_px", "track error", "px", -1, 2),
    FigureKind("tracks_kept", "tracks followed", "share", 1, 2),
    FigureKind("line_f_1px", "lines F @1 px", "", 1, 3),
    FigureKind("line_f_2px", "lines F @2 px", "", 1, 3),
    FigureKind("static_drift_px", "static drift", "px", -1, 3),
    FigureKind("leakage", "leakage", "share", -1, 4),
    FigureKind("flicker", "flicker", "levels", -1, 2),
)
"""In the order of every table. Line scores are of moving layers only, tracks are the asked ones."""

_LINE_RIM_PX = 4


@dataclass(frozen=True, eq=False)
class Judge:
    """What needs feature weights, the user's or random ones."""

    perceptual: PerceptualDistance = field(default_factory=random_lpips)
    per_frame: FeatureExtractor = field(default_factory=RandomFrameFeatures)
    per_clip: FeatureExtractor = field(default_factory=RandomClipFeatures)

    @property
    def identity(self) -> str:
        """Changes whenever a figure would for its features' sake."""
        return " ".join((self.perceptual.identity, self.per_frame.identity, self.per_clip.identity))

    def names(self) -> dict[str, str]:
        """How LPIPS, FID and FVD are called here: marked with an r where features are random."""
        return {
            "lpips": self.perceptual.name,
            "fid": "rFID" if self.per_frame.is_random else "FID",
            "fvd": "rFVD" if self.per_clip.is_random else "FVD",
        }


def figures_of(
    clip: SuiteClip, suite: Suite, made: np.ndarray, judge: Judge
) -> dict[str, float | None]:
    """Every figure of made frames uint8 [n, h, w, 3], the frames `suite.made(...)`.

    None where a figure has nothing to look at: no track, no line, no corner in a still layer.
    """
    frames = list(suite.made(len(clip.frames)))
    truth = clip.frames[frames]
    pairs = list(zip(made, truth, strict=True))
    return {
        "psnr_db": _mean(psnr_db, pairs),
        "ssim": _mean(ssim, pairs),
        "lpips": float(judge.perceptual(made, truth).mean()),
        "edge_energy": _mean(edge_energy, pairs),
    } | unjudged_figures(clip, suite, made)


def unjudged_figures(clip: SuiteClip, suite: Suite, made: np.ndarray) -> dict[str, float | None]:
    """The figures that the truth itself has a value of: how well each can be measured at all."""
    frames = list(suite.made(len(clip.frames)))
    moving, first = clip.moving(), clip.frames[0]
    asked = np.asarray(moving.any(axis=0))
    tracks, visible = _asked_tracks(clip, frames)
    error = trajectory_error([first, *made], tracks, visible)
    return {
        "epe_px": error.error_px,
        "tracks_kept": error.kept if tracks.shape[1] else None,
        "line_f_1px": _line_score(clip, frames, made, moving, 1),
        "line_f_2px": _line_score(clip, frames, made, moving, 2),
        "static_drift_px": static_drift_px(list(made), first, ~grown(asked)),
        "leakage": leakage(list(made), first, asked),
        "flicker": flicker(list(made), list(clip.frames[frames])),
    }


def _asked_tracks(clip: SuiteClip, frames: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Tracks of all moving layers at the first and the made frames: [f, n, 2], [f, n]."""
    at = [0, *frames]
    moving = [layer for layer in clip.layers if not layer.is_static]
    none = np.zeros((len(at), 0, 2), np.float32)
    tracks = np.concatenate([none, *(layer.tracks[at] for layer in moving)], axis=1)
    visible = [np.zeros((len(at), 0), np.bool_), *(layer.visible[at] for layer in moving)]
    return tracks, np.concatenate(visible, axis=1)


def _line_score(
    clip: SuiteClip, frames: Sequence[int], made: np.ndarray, moving: np.ndarray, px: int
) -> float | None:
    """Mean over frames, near moving layers only."""
    scores: list[float] = []
    for frame, picture in zip(frames, made, strict=True):
        near = grown(moving[frame], _LINE_RIM_PX)
        asked = lines_of(clip.frames[frame]) & near
        score = line_f_score(lines_of(picture) & near, asked, px)
        if score is not None:
            scores.append(score)
    return float(np.mean(scores)) if scores else None


def _mean(
    measure: Callable[[np.ndarray, np.ndarray], float],
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
) -> float:
    return float(np.mean([measure(made, truth) for made, truth in pairs]))
