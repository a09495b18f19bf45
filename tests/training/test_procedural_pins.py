"""Clips of a seed stay what they are: data sets, caches and published figures depend on them."""

from __future__ import annotations

import hashlib

import numpy as np

from training.data.procedural_source import GENERATOR
from training.procedural import make_clip
from training.procedural.look import repainted
from training.procedural.studio import make_scene

# Whoever changes a generator on purpose raises the number in GENERATOR and renews these.
PINS = {
    "generator": "acetate.procedural/1",
    "evaluate": "66442ce6aefa6352",
    "train": "bddb6bdd16d78532",
    "studio": "317548f2e0be447d",
}


def _digest(parts: list[np.ndarray | str]) -> str:
    """Of texts, and of numbers to a millionth of the frame's height."""
    known = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            # Adding 0 turns a rounded -0 into 0.
            part = (np.round(part.astype(np.float64), 6) + 0.0).tobytes()
        known.update(part if isinstance(part, bytes) else part.encode())
    return known.hexdigest()[:16]


def _figures(stream: str) -> str:
    parts: list[np.ndarray | str] = []
    for seed in range(12):
        clip = make_clip(seed, stream="evaluate" if stream == "evaluate" else "train", frames=5)
        if stream == "train":
            clip = repainted(clip, seed)
        for layer in clip.layers:
            parts += [points for frame in range(5) for points in layer.outlines(clip.time(frame))]
            parts.append(
                str([(part.fill, part.line, part.sketched) for part in layer.figure.parts])
            )
        parts.append(str([clip.plate.top, clip.plate.bottom]))
    return _digest(parts)


def _scenes() -> str:
    parts: list[np.ndarray | str] = []
    for seed in range(30):
        scene = make_scene((0, seed), frames=5)
        for piece in scene.pieces:
            parts += [piece.shape.points, piece.shown.astype(np.float64)]
            parts += [] if piece.sway is None else [piece.sway]
            parts.append(str((piece.element, piece.shape.fill, piece.shape.line)))
        parts += [scene.matrices_px(16, 10), scene.caption]
    return _digest(parts)


def test_clips_of_a_seed_change_only_together_with_the_generators_number() -> None:
    found = {
        "generator": GENERATOR,
        "evaluate": _figures("evaluate"),
        "train": _figures("train"),
        "studio": _scenes(),
    }
    assert found == PINS
