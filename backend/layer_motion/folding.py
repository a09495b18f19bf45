"""How much of a layer's art a pose turns over, and steps that turn none over.

For sketch_fit.py and sketch_sense.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from .plan import Scene, Step
from .pose import Box, Pose, pixel_centres, source_positions
from .warp import Art

_GRID = 48
TORN_SHARE = 0.02  # of the art turned over: the picture is torn
_SOFTER_CELLS = (1.5, 3.0, 6.0, 12.0)


def folded_shares(scene: Scene, art: Art | None, poses: Iterable[Pose | None]) -> list[float]:
    """Share 0..1 of a key's art that each pose folds over; poses of None are left out."""
    return [
        0.0 if pose.is_affine else _folded_share(scene, art, pose)
        for pose in poses
        if art is not None and pose is not None
    ]


def whole_steps(scene: Scene, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps that fold no art, where most drawings fold none as they are.

    A key's art is left out from where it first folds, going away from the key, as far as that of
    the other has not folded on its own way; else the few drawings that do fold are made softer.
    """
    firsts = folded_shares(scene, scene.first, (step.from_first for step in steps))
    lasts = folded_shares(scene, scene.last, (step.from_last for step in steps))
    if max([*firsts, *lasts], default=0.0) <= TORN_SHARE:
        return steps
    if len(firsts) == len(lasts) == len(steps):
        first_tears = np.maximum.accumulate(firsts) > TORN_SHARE
        last_tears = np.maximum.accumulate(lasts[::-1])[::-1] > TORN_SHARE
        steps = tuple(
            _of_whole_keys(step, first_is_torn=bool(first), last_is_torn=bool(last))
            for step, first, last in zip(steps, first_tears, last_tears, strict=True)
        )
    return _softened(scene, steps)


def _of_whole_keys(step: Step, *, first_is_torn: bool, last_is_torn: bool) -> Step:
    """The step without a key that is torn; with both where both are."""
    if last_is_torn and not first_is_torn:
        return replace(step, from_last=None, share=0.0)
    if first_is_torn and not last_is_torn:
        return replace(step, from_first=None, share=1.0)
    return step


def _softened(scene: Scene, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps with poses that fold made softer, of keys that fold in few drawings only."""
    firsts = [step.from_first for step in steps]
    lasts = [step.from_last for step in steps]
    if _folds_seldom(folded_shares(scene, scene.first, firsts)):
        firsts = [_softer(scene, scene.first, pose) for pose in firsts]
    if _folds_seldom(folded_shares(scene, scene.last, lasts)):
        lasts = [_softer(scene, scene.last, pose) for pose in lasts]
    return tuple(
        replace(step, from_first=first, from_last=last)
        for step, first, last in zip(steps, firsts, lasts, strict=True)
    )


def _folds_seldom(shares: Sequence[float]) -> bool:
    return bool(shares) and float(np.median(shares)) <= TORN_SHARE < max(shares)


def _softer(scene: Scene, art: Art | None, pose: Pose | None) -> Pose | None:
    return pose if art is None or pose is None else untangled(scene, art, pose)


def untangled(scene: Scene, art: Art, pose: Pose) -> Pose:
    """The pose with its field softened as far as the art no longer folds; affine at worst."""
    if pose.is_affine or pose.field is None or _folded_share(scene, art, pose) <= TORN_SHARE:
        return pose
    for sigma in _SOFTER_CELLS:
        softer = cv2.GaussianBlur(pose.field.offsets, (0, 0), sigma)
        eased = replace(pose, field=replace(pose.field, offsets=softer))
        if _folded_share(scene, art, eased) <= TORN_SHARE:
            return eased
    return Pose(pose.forward)


def _folded_share(scene: Scene, art: Art, pose: Pose) -> float:
    """Share 0..1 of the shown art that lies turned over."""
    frame = Box(0, 0, scene.task.width, scene.task.height)
    size = _GRID, max(2, round(_GRID * frame.height / frame.width))
    source = source_positions(pose, pixel_centres(frame, size)).astype(np.float64)
    across, down = np.diff(source, axis=1)[:-1], np.diff(source, axis=0)[:, :-1]
    turned = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0] <= 0
    x, y = np.moveaxis(source[:-1, :-1], 2, 0)
    box = art.box
    shown = (x >= box.left) & (x < box.right) & (y >= box.top) & (y < box.bottom)
    return float(turned[shown].mean()) if shown.any() else 0.0
