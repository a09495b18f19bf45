"""What a suite compares: what any tool could do, layer motion, and models; frames out of a clip.

Every method gets the clip and the task and looks only at what the task gives away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backend.layer_motion.engine import animate_gap
from backend.layer_motion.task import GapResult, GapTask
from shared.pictures import Picture
from training import baselines
from training.procedural.render import composite
from training.suites.clip import SuiteClip, SuiteLayer
from training.suites.suite import Control, Suite

if TYPE_CHECKING:
    from backend.mini.expert import Expert

Make = Callable[[SuiteClip, Suite], np.ndarray]
"""Makes the frames `suite.made(...)` of a clip: uint8 [n, h, w, 3]."""

HOLD, FADE, FLOW, RIGID = "hold", "cross-fade", "flow-warp", "rigid-warp"
LAYER_MOTION, MINI = "layer-motion", "mini"
BASELINES = (HOLD, FADE, FLOW, RIGID)


@dataclass(frozen=True)
class Method:
    """A named way to make frames. `identity` changes with its weights; code counts elsewhere."""

    name: str
    make: Make
    identity: str = ""
    applies: Callable[[Suite], bool] = lambda _suite: True


def baseline_methods() -> tuple[Method, ...]:
    """Hold, cross-fade and flow warp between two keys, rigid warp along one true track a layer.

    The rigid warp is told the way of one point of each layer wherever the task steers layers at
    all, with sketches too: a bar, not a rival.
    """
    return (
        Method(HOLD, _hold),
        Method(FADE, _fade, applies=lambda suite: suite.last_key),
        Method(FLOW, _flow, applies=lambda suite: suite.last_key),
        Method(RIGID, _rigid, applies=lambda suite: suite.control is not Control.SCORE),
    )


def layer_motion_method() -> Method:
    """Acetate's geometry, without weights."""

    def make(clip: SuiteClip, suite: Suite) -> np.ndarray:
        tasks = layer_tasks(clip, suite)
        return _composited(clip, suite, [animate_gap(task) if task else None for task in tasks])

    return Method(LAYER_MOTION, make)


def mini_method(weights: Path | None = None) -> Method:
    """Layer motion with the sketch expert on top; the same frames where nothing is sketched.

    Raises `model_missing` or `model_corrupt`.
    """
    from backend.mini.expert import load_expert

    expert = load_expert(weights)

    def make(clip: SuiteClip, suite: Suite) -> np.ndarray:
        tasks = layer_tasks(clip, suite)
        return _composited(clip, suite, [_refined(task, expert) for task in tasks])

    # no network looks at a layer without a sketch
    return Method(MINI, make, expert.sha256, lambda suite: suite.control is Control.SKETCH)


def layer_tasks(clip: SuiteClip, suite: Suite) -> list[GapTask | None]:
    """Every layer as layer motion wants it; None for one that stays still."""
    return [None if layer.is_static else _task(clip, layer, suite) for layer in clip.layers]


def _task(clip: SuiteClip, layer: SuiteLayer, suite: Suite) -> GapTask:
    frames = len(clip.frames)
    sketches: dict[int, np.ndarray] = {}
    if suite.control is Control.SKETCH:
        sketches = {f: layer.sketches[f].astype(np.float32) / 255 for f in range(frames)}
    has_tracks = suite.control is Control.TRAJECTORY and layer.tracks.shape[1] > 0
    return GapTask(
        width=clip.width,
        height=clip.height,
        first=layer.first,
        last=layer.last if suite.last_key else None,
        times=tuple(clip.time(frame) for frame in suite.made(frames)),
        seconds=(frames - 1) / clip.fps,
        tracks=layer.tracks if has_tracks else None,
        sketches=sketches,
        motion_score=layer.normal_score if suite.control is Control.SCORE else None,
    )


def _refined(task: GapTask | None, expert: Expert) -> GapResult | None:
    from backend.mini.expert import refine_gap

    return refine_gap(task, animate_gap(task), expert) if task else None


def _composited(clip: SuiteClip, suite: Suite, results: Sequence[GapResult | None]) -> np.ndarray:
    """Alpha-over of all layers on the backdrop, still ones as the first key has them."""
    backdrop = clip.backdrop_for(last_key=suite.last_key)
    made: list[np.ndarray] = []
    for index in range(len(suite.made(len(clip.frames)))):
        pictures: list[Picture] = [
            layer.first if result is None else result.pictures[index]
            for layer, result in zip(clip.layers, results, strict=True)
        ]
        made.append(composite(backdrop, pictures)[..., :3])
    return np.stack(made)


def _hold(clip: SuiteClip, suite: Suite) -> np.ndarray:
    count = len(suite.made(len(clip.frames)))
    return np.repeat(clip.frames[:1], count, axis=0)


def _fade(clip: SuiteClip, suite: Suite) -> np.ndarray:
    return np.stack(baselines.fade_between(clip.frames[0], clip.frames[-1], _times(clip, suite)))


def _flow(clip: SuiteClip, suite: Suite) -> np.ndarray:
    first, last = (_opaque(clip.frames[index]) for index in (0, -1))
    made = baselines.flow_between(first, last, _times(clip, suite))
    return np.stack(made)[..., :3]


def _rigid(clip: SuiteClip, suite: Suite) -> np.ndarray:
    layers = [_rigid_layer(layer) for layer in clip.layers]
    backdrop = clip.backdrop_for(last_key=suite.last_key)
    made = [
        baselines.rigid_frame(backdrop, layers, frame, clip.time(frame), two_keys=suite.last_key)
        for frame in suite.made(len(clip.frames))
    ]
    return np.stack(made)[..., :3]


def _rigid_layer(layer: SuiteLayer) -> baselines.RigidLayer:
    """One with its first asked track; without a track, or still, it stays where it is."""
    if layer.is_static or not layer.tracks.shape[1]:
        still = np.zeros((layer.tracks.shape[0], 2), np.float32)
        return baselines.RigidLayer(layer.first, layer.first, still)
    return baselines.RigidLayer(layer.first, layer.last, layer.tracks[:, 0])


def _times(clip: SuiteClip, suite: Suite) -> list[float]:
    return [clip.time(frame) for frame in suite.made(len(clip.frames))]


def _opaque(frame: np.ndarray) -> np.ndarray:
    return np.concatenate([frame, np.full_like(frame[..., :1], 255)], axis=2)
