"""Draws the in-betweens of one layer in one gap without any weights; called by the pipeline."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shared.pictures import Picture

from . import trajectory, warp
from .pose import AT_REST, Pose
from .task import GapResult, GapTask


def _no_check() -> None:
    return


def animate_gap(
    task: GapTask, *, crisp: bool = False, check: Callable[[], None] = _no_check
) -> GapResult:
    """Every wanted drawing of a gap, by the method the layer's controls allow.

    `crisp`: between two keys take outlines from the nearer key only (no double lines, a visible
    change in the middle). `check` is called before every drawing and may raise to stop.
    """
    first = warp.prepare(task.first, task.width, task.height)
    moments = len(task.times) + (1 if task.last is None else 2)
    if task.last is None:
        if task.tracks is None or not trajectory.usable(task.tracks, moments):
            return GapResult((task.first,) * len(task.times), "hold")
        poses = [Pose(matrix) for matrix in trajectory.motion(task.tracks)]
        limit = warp.frame_limit(task.width, task.height, first)
        return GapResult(
            tuple(_one(first, pose, limit, check) for pose in poses[1 : len(task.times) + 1]),
            "trajectory",
        )
    last = warp.prepare(task.last, task.width, task.height)
    limit = warp.frame_limit(task.width, task.height, first, last)
    pictures = []
    for moment, time in enumerate(task.times, start=1):
        check()
        one, other = AT_REST, AT_REST
        share = time
        if task.tracks is not None and trajectory.usable(task.tracks, moments):
            matrices = trajectory.motion(task.tracks)
            one = Pose(matrices[moment])
            other = Pose(matrices[moment] @ np.linalg.inv(matrices[-1]))
        patch = warp.blend(warp.sample(first, one, limit), warp.sample(last, other, limit), share)
        pictures.append(warp.to_picture(patch))
    return GapResult(tuple(pictures), "crossfade" if task.tracks is None else "trajectory")


def _one(art: warp.Art, pose: Pose, limit: warp.Box, check: Callable[[], None]) -> Picture:
    check()
    shift = warp.whole_shift(pose)
    if shift is not None:
        return warp.shifted(art, shift)
    return warp.to_picture(warp.sample(art, pose, limit))
