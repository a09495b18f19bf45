"""All figures of one made clip against its truth; called by measure.py and by the trainer.

What each figure counts is defined in the modules it comes from; here is where they look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from backend.measure.fidelity import edge_energy, psnr_db, ssim
from training.metrics.features import FeatureExtractor, RandomClipFeatures, RandomFrameFeatures
from training.metrics.flicker import unexplained_change
from training.metrics.followed import trajectory_error
from training.metrics.lines import line_f_score, lines_of
from training.metrics.lpips import PerceptualDistance, random_lpips
from training.metrics.stillness import leakage, static_drift_px
from training.suites.clip import SuiteClip, grown
from training.suites.suite import Suite


@dataclass(frozen=True)
class FigureKind:
    """How a figure is called and read. `better`: 1 where more is better, -1 less, 0 neither."""

    name: str
    title: str
    unit: str
    better: int
    digits: int


KINDS: tuple[FigureKind, ...] = (
    FigureKind("psnr_db", "PSNR", "dB", 1, 2),
    FigureKind("ssim", "SSIM", "", 1, 4),
    FigureKind("lpips", "LPIPS", "", -1, 4),
    FigureKind("edge_energy", "edges", "of truth", 0, 3),
    FigureKind("epe_px", "track error", "px", -1, 2),
    FigureKind("tracks_kept", "tracks followed", "share", 0, 2),
    FigureKind("line_f_1px", "lines 1px", "", 1, 3),
    FigureKind("line_f_2px", "lines 2px", "", 1, 3),
    FigureKind("static_drift_px", "static drift", "px", -1, 3),
    FigureKind("leakage", "leakage", "share", -1, 4),
    FigureKind("flicker", "flicker", "levels", 0, 2),
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


@dataclass(frozen=True, eq=False)
class Reference:
    """What made frames are held against; equal for all suites that give away the same keys.

    truth     uint8 [n, h, w, 3], the frames to make; `first` the one before them
    asked     bool [h, w], where a layer that may move shows in any frame
    near      bool [n, h, w], around the moving layers of each frame
    lines     bool [n, h, w], the truth's lines there
    tracks    float32 [n + 1, p, 2] of all moving layers, at `first` and the frames to make
    visible   bool [n + 1, p]
    change    of the truth, that its motion does not explain, in grey levels
    """

    truth: np.ndarray
    first: np.ndarray
    asked: np.ndarray
    near: np.ndarray
    lines: np.ndarray
    tracks: np.ndarray
    visible: np.ndarray
    change: float


def reference_of(clip: SuiteClip, suite: Suite) -> Reference:
    """Everything of the truth that figures need, computed once."""
    frames = list(suite.made(len(clip.frames)))
    truth, moving = clip.frames[frames], clip.moving()
    near = np.stack([grown(moving[frame], _LINE_RIM_PX) for frame in frames])
    tracks, visible = _asked_tracks(clip, [0, *frames])
    return Reference(
        truth=truth,
        first=clip.frames[0],
        asked=np.asarray(moving.any(axis=0)),
        near=near,
        lines=np.stack([lines_of(frame) for frame in truth]) & near,
        tracks=tracks,
        visible=visible,
        change=unexplained_change(list(truth)),
    )


def figures_of(reference: Reference, made: np.ndarray, judge: Judge) -> dict[str, float | None]:
    """Every figure of made frames uint8 [n, h, w, 3].

    None where a figure has nothing to look at: no track, no line, no corner in a still layer.
    """
    pairs = list(zip(made, reference.truth, strict=True))
    return {
        "psnr_db": _mean(psnr_db, pairs),
        "ssim": _mean(ssim, pairs),
        "lpips": float(judge.perceptual(made, reference.truth).mean()),
        "edge_energy": _mean(edge_energy, pairs),
    } | own_figures(reference, made)


def own_figures(reference: Reference, made: np.ndarray) -> dict[str, float | None]:
    """The figures that the truth itself has a value of: how well each can be measured at all."""
    frames, first = list(made), reference.first
    error = trajectory_error([first, *frames], reference.tracks, reference.visible)
    lines = np.stack([lines_of(frame) for frame in frames]) & reference.near
    return {
        "epe_px": error.error_px,
        "tracks_kept": error.kept if reference.tracks.shape[1] else None,
        "line_f_1px": _line_score(lines, reference.lines, 1),
        "line_f_2px": _line_score(lines, reference.lines, 2),
        "static_drift_px": static_drift_px(frames, first, ~grown(reference.asked)),
        "leakage": leakage(frames, first, reference.asked),
        "flicker": unexplained_change(frames) - reference.change,
    }


def _asked_tracks(clip: SuiteClip, frames: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Tracks of all moving layers at some frames: [f, p, 2] and [f, p]."""
    at = list(frames)
    moving = [layer for layer in clip.layers if not layer.is_static]
    none = np.zeros((len(at), 0, 2), np.float32)
    tracks = np.concatenate([none, *(layer.tracks[at] for layer in moving)], axis=1)
    visible = [np.zeros((len(at), 0), np.bool_), *(layer.visible[at] for layer in moving)]
    return tracks, np.concatenate(visible, axis=1)


def _line_score(made: np.ndarray, asked: np.ndarray, tolerance_px: int) -> float | None:
    """Mean over the frames that have a line."""
    scores = [line_f_score(*pair, tolerance_px) for pair in zip(made, asked, strict=True)]
    told = [score for score in scores if score is not None]
    return float(np.mean(told)) if told else None


def _mean(
    measure: Callable[[np.ndarray, np.ndarray], float],
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
) -> float:
    return float(np.mean([measure(made, truth) for made, truth in pairs]))
