"""Scores one gallery shot: the engine with and without controls, and what any tool could do.

Called by the evaluation, in worker processes too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np

from backend.measure.fidelity import PSNR_CAP_DB, edge_energy, psnr_db, ssim
from training import baselines
from training.gallery import material
from training.gallery.shot import GalleryShot

CONTROLLED, FREE, FLOW, FADE, HOLD = "controls", "no controls", "flow-warp", "cross-fade", "hold"
METHODS = (CONTROLLED, FREE, FLOW, FADE, HOLD)
_AROUND = 0.012  # of the picture's height: how far around moving art its surroundings count
_FAINT = (16.0, 72.0)  # contrast of a line that is seen but not drawn at full strength
_LINE_WIDTH = 1 / 60  # of the picture's height: wider dark shapes are no lines


class Score(msgspec.Struct, frozen=True):
    """Means over the judged frames.

    `moving_psnr_db`: only where moving layers show in the truth or in a neighbouring key.
    `edge_energy`: rms gradient against the truth's. `faint_lines`: area of half-strong dark lines
    against the truth's; clearly above 1 where outlines are seen double.
    """

    psnr_db: float
    moving_psnr_db: float
    ssim: float
    edge_energy: float
    faint_lines: float


class ShotScores(msgspec.Struct, frozen=True, kw_only=True):
    """One shot: scores by method, how the engine filled each layer, and seconds for a take.

    `controlled`: whether any layer has a control; without, both takes of the engine are one.
    """

    name: str
    title: str
    corresponds: bool
    controlled: bool
    frames: list[int]
    scores: dict[str, Score]
    layers: dict[str, dict[str, str]]
    engines: dict[str, str]
    seconds: dict[str, float]

    def gain_db(self, method: str, over: str = FLOW) -> float:
        """PSNR of one method above another's."""
        return self.scores[method].psnr_db - self.scores[over].psnr_db


@dataclass(frozen=True, eq=False)
class Measured:
    """Scores, and the frames they were taken of: method (or `truth`) -> one per judged frame."""

    scores: ShotScores
    frames: dict[str, list[np.ndarray]]
    moving: list[np.ndarray]  # bool [h, w], where moving layers show


def measure_shot(
    shot: GalleryShot, width: int, height: int, folder: Path = material.SHOTS
) -> Measured:
    """Run everything on one shot. Raises `not_found`, `bad_package`, `size` and the pipeline's."""
    cv2.setNumThreads(1)
    given = material.load(shot.name, width, height, folder)
    judged = list(shot.judged)
    keys = material.shared_keys(given.request)
    takes = {
        CONTROLLED: material.generate(given.request, given.blobs, judged),
        FREE: material.generate(material.without_controls(given.request), given.blobs, judged),
    }
    frames = {"truth": material.drawn_frames(given.truth, given.truth_blobs, judged)}
    frames |= {method: take.frames for method, take in takes.items()}
    drawn = material.drawn_frames(given.request, given.blobs, keys)
    frames |= _plain_frames(dict(zip(keys, drawn, strict=True)), judged)
    moving = _moving(given, keys, judged)
    scores = {method: _score(frames[method], frames["truth"], moving) for method in METHODS}
    return Measured(
        ShotScores(
            name=shot.name,
            title=shot.title,
            corresponds=shot.corresponds,
            controlled=any(layer.controls for layer in given.request.layers),
            frames=judged,
            scores=scores,
            layers={method: take.methods for method, take in takes.items()},
            engines={method: take.engine for method, take in takes.items()},
            seconds={method: round(take.seconds, 2) for method, take in takes.items()},
        ),
        frames,
        moving,
    )


def _around(keys: Sequence[int], frame: int) -> tuple[int, int, float]:
    """The shared keys before and behind a frame, and where it lies between them, 0..1."""
    at = min(max(bisect_right(keys, frame), 1), len(keys) - 1)
    first, last = keys[at - 1], keys[at]
    return first, last, (frame - first) / (last - first)


def _plain_frames(
    drawn: dict[int, np.ndarray], judged: Sequence[int]
) -> dict[str, list[np.ndarray]]:
    """The baselines between the shared keys around each frame."""
    pairs = [_around(sorted(drawn), frame) for frame in judged]
    between: dict[str, Callable[[np.ndarray, np.ndarray, Sequence[float]], list[np.ndarray]]]
    between = {FLOW: baselines.flow_between, FADE: baselines.fade_between}
    found = {HOLD: [drawn[first] for first, _, _ in pairs]}
    for method, make in between.items():
        found[method] = []
        for first, last in sorted({pair[:2] for pair in pairs}):
            times = [time for one, other, time in pairs if (one, other) == (first, last)]
            found[method] += make(drawn[first], drawn[last], times)
    return found


def _moving(
    given: material.Material, keys: Sequence[int], judged: Sequence[int]
) -> list[np.ndarray]:
    truths = material.drawn_frames(given.truth, given.truth_blobs, judged, moving_only=True)
    drawn = material.drawn_frames(given.request, given.blobs, keys, moving_only=True)
    shown = {key: frame[..., 3] > 0 for key, frame in zip(keys, drawn, strict=True)}
    reach = 2 * max(1, round(_AROUND * given.request.height)) + 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    masks: list[np.ndarray] = []
    for frame, truth in zip(judged, truths, strict=True):
        first, last, _ = _around(keys, frame)
        mask = (truth[..., 3] > 0) | shown[first] | shown[last]
        masks.append(cv2.dilate(mask.astype(np.uint8), brush) > 0)
    return masks


def _score(
    frames: Sequence[np.ndarray], truths: Sequence[np.ndarray], moving: Sequence[np.ndarray]
) -> Score:
    pairs = list(zip(frames, truths, strict=True))
    masked = [
        psnr_db(frame[mask][None], truth[mask][None]) if mask.any() else PSNR_CAP_DB
        for (frame, truth), mask in zip(pairs, moving, strict=True)
    ]
    return Score(
        psnr_db=_mean([psnr_db(*pair) for pair in pairs]),
        moving_psnr_db=_mean(masked),
        ssim=_mean([ssim(*pair) for pair in pairs], 5),
        edge_energy=_mean([edge_energy(*pair) for pair in pairs]),
        faint_lines=_mean([_faint_area(a) / max(_faint_area(b), 1.0) for a, b in pairs]),
    )


def _faint_area(frame: np.ndarray) -> float:
    """Pixels of thin dark marks that are neither strong nor nothing (black top hat)."""
    grey = cv2.cvtColor(np.ascontiguousarray(frame[..., :3]), cv2.COLOR_RGB2GRAY)
    side = 2 * max(1, round(_LINE_WIDTH * len(grey) / 2)) + 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    ridge = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, brush)
    # The strongest mark around tells a faint line from the soft rim of a strong one.
    strongest = cv2.dilate(ridge, brush)
    return float(((ridge > _FAINT[0]) & (strongest < _FAINT[1])).sum())


def _mean(values: Sequence[float], digits: int = 4) -> float:
    return round(float(np.mean(values)), digits)
