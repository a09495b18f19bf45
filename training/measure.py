"""Scores every method on one procedural clip in every mode; called by the evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from backend.layer_motion.engine import animate_gap
from backend.layer_motion.task import GapResult, GapTask
from backend.measure.fidelity import edge_energy, psnr_db, ssim
from backend.mini.expert import Expert, load_expert, refine_gap
from training import baselines
from training.modes import MODES, Mode, layer_task, rough_style
from training.procedural import RenderedClip, make_clip, render
from training.procedural.render import composite

FRAMES = (1, 4, 7, 10, 13)  # bundled-model specification 2.3


@dataclass(frozen=True)
class Settings:
    """What to measure; travels to worker processes.

    `modes`: names of `training.modes.MODES`. `mini`: whether the sketch expert is scored too, with
    the bundled weights or those of `weights`.
    """

    width: int = 160
    height: int = 96
    frames: tuple[int, ...] = FRAMES
    modes: tuple[str, ...] = tuple(mode.name for mode in MODES)
    mini: bool = True
    weights: Path | None = None


@dataclass(frozen=True)
class Score:
    """Means over the scored frames of one clip; `cpu_s` is for the whole clip of one method."""

    psnr_db: float
    ssim: float
    edge_energy: float
    cpu_s: float


@dataclass(frozen=True)
class ClipScores:
    """One clip: mode -> method -> score. `stratum` is that of its most complex layer."""

    seed: int
    stratum: str
    scores: dict[str, dict[str, Score]]


def measure_clip(seed: int, settings: Settings) -> ClipScores | None:
    """Score one clip of the evaluation stream; None where every layer is static."""
    cv2.setNumThreads(1)
    clip = make_clip(seed)
    if clip.stratum == "static":
        return None
    rendered = render(clip, settings.width, settings.height)
    sketched = {False: rendered, True: _roughly(rendered, settings)}
    plain = {
        last_key: _plain_scores(rendered, settings, last_key=last_key) for last_key in (True, False)
    }
    expert = load_expert(settings.weights) if settings.mini else None
    scores = {
        mode.name: plain[mode.last_key]
        | _engine_scores(sketched[mode.rough], mode, settings, expert)
        for mode in MODES
        if mode.name in settings.modes
    }
    return ClipScores(seed, clip.stratum, scores)


def _roughly(rendered: RenderedClip, settings: Settings) -> RenderedClip:
    """The same clip with rough sketches; itself where no mode asks for them."""
    if not any(mode.rough and mode.name in settings.modes for mode in MODES):
        return rendered
    style = rough_style(settings.height)
    return render(rendered.clip, settings.width, settings.height, sketch=style)


def _plain_scores(
    rendered: RenderedClip, settings: Settings, *, last_key: bool
) -> dict[str, Score]:
    """The methods that no control but one tracked point can change."""
    frames = settings.frames
    methods: dict[str, Callable[[], list[np.ndarray]]] = {
        "hold": lambda: baselines.hold(rendered, frames),
        "rigid-warp": lambda: baselines.rigid_warp(rendered, frames, two_keys=last_key),
    }
    if last_key:
        methods["cross-fade"] = lambda: baselines.cross_fade(rendered, frames)
        methods["flow-warp"] = lambda: baselines.flow_warp(rendered, frames)
    return {name: _timed(rendered, frames, make) for name, make in methods.items()}


def _timed(
    rendered: RenderedClip, frames: tuple[int, ...], make: Callable[[], list[np.ndarray]]
) -> Score:
    start = time.process_time()
    pictures = make()
    return _score(rendered, frames, pictures, time.process_time() - start)


def _engine_scores(
    rendered: RenderedClip, mode: Mode, settings: Settings, expert: Expert | None
) -> dict[str, Score]:
    start = time.process_time()
    tasks = [layer_task(rendered, layer, mode) for layer in range(len(rendered.layers))]
    results = [animate_gap(task) for task in tasks]
    motion_s = time.process_time() - start
    frames = settings.frames
    scores = {
        "layer-motion": _score(rendered, frames, _composites(rendered, results, frames), motion_s)
    }
    if expert is not None:
        start = time.process_time()
        refined = _refine(tasks, results, expert)
        mini_s = motion_s + time.process_time() - start
        scores["mini"] = _score(rendered, frames, _composites(rendered, refined, frames), mini_s)
    return scores


def _refine(tasks: list[GapTask], results: list[GapResult], expert: Expert) -> list[GapResult]:
    return [refine_gap(task, result, expert) for task, result in zip(tasks, results, strict=True)]


def _composites(
    rendered: RenderedClip, results: list[GapResult], frames: tuple[int, ...]
) -> list[np.ndarray]:
    """Alpha-over of the engine's layers; drawing number i of a gap is frame i + 1."""
    return [
        composite(rendered.plate, [result.pictures[frame - 1] for result in results])
        for frame in frames
    ]


def _score(
    rendered: RenderedClip, frames: tuple[int, ...], pictures: list[np.ndarray], cpu_s: float
) -> Score:
    truths = [rendered.composites[frame] for frame in frames]
    pairs = list(zip(pictures, truths, strict=True))
    return Score(
        psnr_db=float(np.mean([psnr_db(*pair) for pair in pairs])),
        ssim=float(np.mean([ssim(*pair) for pair in pairs])),
        edge_energy=float(np.mean([edge_energy(*pair) for pair in pairs])),
        cpu_s=cpu_s,
    )
