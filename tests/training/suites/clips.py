"""A small layered clip whose every pixel is known: a textured square crosses a textured ground."""

from __future__ import annotations

import numpy as np

from curation.dataset.clip import Element, LayeredClip, LayerFacts, ScoreScale, Tracks
from curation.dataset.provenance import own_work
from tests.training.metrics.texture import texture
from training.suites.clip import SuiteClip
from training.suites.layered import of_layered

FRAMES, HEIGHT, WIDTH = 6, 64, 96
SIDE, STEP_PX, TOP, LEFT = 24, 4, 20, 14


def crossing(*, ground_label: int = 0, step_px: int = STEP_PX) -> LayeredClip:
    """The square moves right by `step_px` a frame; the ground is unlabelled, or element 2."""
    ground, square = texture(1, HEIGHT, WIDTH), texture(2, SIDE, SIDE)
    frames, labels = [], []
    for index in range(FRAMES):
        frame, label = ground.copy(), np.full((HEIGHT, WIDTH), ground_label, np.uint8)
        x = LEFT + step_px * index
        frame[TOP : TOP + SIDE, x : x + SIDE] = square
        label[TOP : TOP + SIDE, x : x + SIDE] = 1
        frames.append(frame)
        labels.append(label)
    elements = [Element("square", float(step_px), 0), Element("ground", 0.0, 1)]
    layers = [LayerFacts("square", float(step_px)), LayerFacts("ground", 0.0)]
    used = 2 if ground_label else 1
    return LayeredClip(
        clip_id="crossing",
        fps=24.0,
        frames=np.stack(frames),
        labels=np.stack(labels),
        elements=tuple(elements[:used]),
        layers=tuple(layers[:used]),
        score_scale=ScoreScale(512, 341),
        tracks=_tracks(step_px),
        caption="a square crosses",
        provenance=own_work("crossing", FRAMES),
    )


def crossing_suite_clip() -> SuiteClip:
    """The same as the suites see it, at its own size."""
    return of_layered(crossing(), WIDTH, HEIGHT, "crossing")


def _tracks(step_px: int) -> Tracks:
    starts = np.array(
        [[LEFT + 8, TOP + 8], [LEFT + 16, TOP + 8], [LEFT + 12, TOP + 16]], np.float32
    )
    times = np.arange(FRAMES, dtype=np.float32)[None, :, None]
    points = starts[:, None] + times * np.array([step_px, 0], np.float32)
    visible = np.ones(points.shape[:2], np.bool_)
    return Tracks(points, visible, np.zeros(len(starts), np.uint16))
