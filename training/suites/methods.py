"""What a suite compares: what any tool could do, layer motion, and models; frames out of a clip.

Every method gets the clip and the task and looks only at what the task gives away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from backend.layer_motion.engine import animate_gap
from backend.layer_motion.task import GapResult, GapTask
from shared.pictures import Picture
from training import baselines
from training.procedural.render import composite
from training.suites.clip import SuiteClip, SuiteLayer, opaque
from training.suites.suite import Control, Suite

Make = Callable[[SuiteClip, Suite], np.ndarray]
"""Makes the frames `suite.made(...)` of a clip: uint8 [n, h, w, 3]."""

HOLD, FADE, FLOW, RIGID = "hold", "cross-fade", "flow-warp", "rigid-warp"
LAYER_MOTION, MINI = "layer-motion", "mini"
BASELINES = (HOLD, FADE, FLOW, RIGID)


@dataclass(frozen=True)
class Method:
    """A named way to make frames.

    `identity` changes with its weights; code counts elsewhere. `on_top_of`: the method whose
    frames it begins with and whose time it takes too.
    """

    name: str
    make: Make
    identity: str = ""
    applies: Callable[[Suite], bool] = lambda _suite: True
    on_top_of: str = ""


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
        return _composited(clip, suite, [result for _, result in _moved(clip, suite)])

    return Method(LAYER_MOTION, make)


def mini_method(weights: Path | None = None) -> Method:
    """Layer motion with the sketch expert on top; only where sketches steer, the rest is equal.

    Raises `model_missing` or `model_corrupt`.
    """
    from backend.mini.expert import load_expert, refine_gap

    expert = load_expert(weights)

    def make(clip: SuiteClip, suite: Suite) -> np.ndarray:
        refined = [
            refine_gap(task, result, expert) if task and result else None
            for task, result in _moved(clip, suite)
        ]
        return _composited(clip, suite, refined)

    return Method(
        MINI, make, expert.sha256, lambda suite: suite.control is Control.SKETCH, LAYER_MOTION
    )


@lru_cache(maxsize=1)
def _moved(clip: SuiteClip, suite: Suite) -> tuple[tuple[GapTask | None, GapResult | None], ...]:
    """Layer motion's tasks and drawings of a clip; the expert asks for the same ones again."""
    tasks = layer_tasks(clip, suite)
    return tuple((task, animate_gap(task) if task else None) for task in tasks)


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
    first, last = (opaque(clip.frames[index]) for index in (0, -1))
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
