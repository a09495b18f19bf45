"""Builds what LayerAnimate needs for one window from a plan and its drawings; used by `paint`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backend.models.layeranimate.clip import NO_SCORE, ClipConditions
from backend.pipeline.artwork import Artwork
from backend.pipeline.frame_fit import FrameFit
from backend.pipeline.model_layers import Slot
from backend.pipeline.plan import ShotPlan
from backend.pipeline.separate import over_paper, visible_weights
from backend.pipeline.windows import Window
from shared.shot import Layer, MotionScore, Sketch, Trajectory


@dataclass(frozen=True, eq=False)
class KeyView:
    """The shot at one key frame of a window, at camera size.

    `picture` float32 [h, w, 3] in 0..255; `layers` uint8 [h, w, 4] per layer, lowest first.
    """

    picture: np.ndarray
    layers: tuple[np.ndarray, ...]

    @classmethod
    def of_layers(cls, layers: Sequence[np.ndarray]) -> KeyView:
        """The view of drawings that are all known: their stack on paper."""
        return cls(over_paper(layers), tuple(layers))


KeyViewAt = Callable[[int], KeyView]


def clip_conditions(
    plan: ShotPlan,
    artwork: Artwork,
    window: Window,
    slots: tuple[Slot, ...],
    fit: FrameFit,
    view_at: KeyViewAt,
) -> ClipConditions:
    """Conditions of one window. Masks are what is seen of each slot, as in the training data.

    Of several controls in one slot the most definite steers it: sketch, then path, then score
    (the model was trained with score -1 beside a sketch or a path).
    """
    keys = (window.first,) if window.last is None else (window.first, window.last)
    views = [view_at(frame) for frame in keys]
    frames = np.stack([fit.to_model(view.picture) / 255 for view in views])
    masks = np.stack([_slot_masks(view, slots, fit) for view in views], axis=1)
    sketches = [_slot_sketch(plan, artwork, slot, window, fit) for slot in slots]
    tracks = [
        _slot_tracks(plan, artwork, slot, window, fit) if sketch is None else _no_tracks(window)
        for slot, sketch in zip(slots, sketches, strict=True)
    ]
    scores = [
        _slot_score(plan, slot) if sketch is None and not points.shape[1] else NO_SCORE
        for slot, sketch, points in zip(slots, sketches, tracks, strict=True)
    ]
    return ClipConditions(
        frames=np.clip(frames, 0, 1).astype(np.float32),
        layer_masks=np.clip(masks, 0, 1).astype(np.float32),
        layer_static=np.array([slot.is_static for slot in slots], np.bool_),
        layer_validity=_seen(masks, slots),
        motion_scores=np.array(scores, np.float32),
        frames_count=len(window.times),
        sketch=_stacked_sketches(sketches, len(window.times), fit),
        tracks=tuple(tracks),
        fps=plan.request.fps,
        prompt=plan.request.look.prompt,
        negative_prompt=plan.request.look.negative_prompt,
    )


def _slot_masks(view: KeyView, slots: tuple[Slot, ...], fit: FrameFit) -> np.ndarray:
    """What is seen of each slot at a key frame: float32 [n, H, W]."""
    weights = visible_weights([layer[..., 3].astype(np.float32) / 255 for layer in view.layers])
    summed = [np.sum([weights[number] for number in slot.members], axis=0) for slot in slots]
    return np.stack([fit.to_model(mask.astype(np.float32)) for mask in summed])


def _seen(masks: np.ndarray, slots: tuple[Slot, ...]) -> np.ndarray:
    """Which slots are used: not still ones that no key frame shows, such as a covered backdrop."""
    is_shown = (masks > 0.5).any(axis=(1, 2, 3))
    return is_shown | np.array([not slot.is_static for slot in slots], np.bool_)


def _members(plan: ShotPlan, slot: Slot) -> list[Layer]:
    return [plan.layers[number].layer for number in slot.members]


def _slot_sketch(
    plan: ShotPlan, artwork: Artwork, slot: Slot, window: Window, fit: FrameFit
) -> np.ndarray | None:
    """Line drawings of a slot, 0 on a stroke and 1 on paper: float32 [T, H, W]; None without."""
    wanted = [
        layer
        for layer in _members(plan, slot)
        if not slot.is_static and any(isinstance(c, Sketch) for c in layer.controls)
    ]
    papers = np.ones((len(window.times), fit.height, fit.width), np.float32)
    used = False
    for layer in wanted:
        for frame, sketch in artwork.sketch_frames(layer).items():
            index = _moment_of(window, frame)
            if index is None:
                continue
            lines = fit.to_model(artwork.line_map(sketch))
            papers[index] = np.minimum(papers[index], 1 - np.clip(lines, 0, 1))
            used = True
    return papers if used else None


def _moment_of(window: Window, frame: int) -> int | None:
    """The model frame that a scene frame falls on, None outside the window."""
    times = np.asarray(window.times)
    half_step = (times[-1] - times[0]) / max(len(times) - 1, 1) / 2
    index = int(np.argmin(np.abs(times - frame)))
    # A sketch between two model frames still belongs to the nearer one.
    return index if abs(times[index] - frame) <= half_step + 1e-6 else None


def _slot_tracks(
    plan: ShotPlan, artwork: Artwork, slot: Slot, window: Window, fit: FrameFit
) -> np.ndarray:
    """Point tracks of a slot in model pixels: float32 [T, p, 2]."""
    found = [_no_tracks(window)]
    for layer in _members(plan, slot):
        if slot.is_static or not any(isinstance(c, Trajectory) for c in layer.controls):
            continue
        tracks = artwork.tracks(layer)
        if tracks is not None:
            found.append(fit.points_to_model(tracks.at(window.times)))
    return np.concatenate(found, axis=1).astype(np.float32)


def _no_tracks(window: Window) -> np.ndarray:
    return np.zeros((len(window.times), 0, 2), np.float32)


def _slot_score(plan: ShotPlan, slot: Slot) -> float:
    """The liveliest score of a slot's layers; still slots have score 0."""
    if slot.is_static:
        return 0.0
    scores = [
        control.score
        for layer in _members(plan, slot)
        for control in layer.controls
        if isinstance(control, MotionScore)
    ]
    return max(scores, default=NO_SCORE)


def _stacked_sketches(
    sketches: list[np.ndarray | None], clip_frames: int, fit: FrameFit
) -> np.ndarray | None:
    if all(sketch is None for sketch in sketches):
        return None
    blank = np.ones((clip_frames, fit.height, fit.width), np.float32)
    return np.stack([blank if sketch is None else sketch for sketch in sketches])
