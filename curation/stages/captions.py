"""Captions from what was measured, where nobody and no model has written one."""

from __future__ import annotations

import cv2
import numpy as np

_STILL_PX = 0.3
_FAST_PX = 8.0
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")


def clip_caption(camera: np.ndarray, scores: list[float], frames: np.ndarray) -> str:
    """One sentence: still or moving, where the camera goes, how many things move, main colours.

    camera: float [steps, 2], median way of the backdrop, pixels per frame; scores: of the layers;
    frames: RGB uint8 [frames, h, w, 3]. Starts as the captions of the official demos do.
    """
    pan = camera.mean(axis=0) if len(camera) else np.zeros(2)
    moving = sum(score > _STILL_PX for score in scores)
    parts = ["an anime scene"]
    if np.linalg.norm(pan) > _STILL_PX:
        parts.append(f"the camera moves {_heading(-pan)}")
        moving = max(0, moving - 1)
    if moving:
        word = _COUNTS[min(moving, len(_COUNTS) - 1)]
        speed = " fast" if max(scores) > _FAST_PX else ""
        parts.append(f"{word} {'thing moves' if moving == 1 else 'things move'}{speed}")
    elif len(parts) == 1:
        parts.append("nothing moves")
    parts.append(f"mostly {' and '.join(main_colours(frames[0], None))}")
    return ", ".join(parts) + "."


def layer_caption(picture: np.ndarray, mask: np.ndarray, score: float) -> str:
    """One sentence on a layer: its main colours and how it moves. mask: bool [h, w]."""
    if not mask.any():
        return ""
    how = "still" if score <= _STILL_PX else "moving fast" if score > _FAST_PX else "moving"
    what = "a backdrop" if mask.mean() > 0.5 else "a thing"
    return f"{what}, {' and '.join(main_colours(picture, mask))}, {how}."


def main_colours(picture: np.ndarray, mask: np.ndarray | None, most: int = 2) -> list[str]:
    """Names of the commonest colours of an RGB uint8 picture [h, w, 3]."""
    pixels = picture[mask] if mask is not None else picture.reshape(-1, 3)
    hsv = cv2.cvtColor(pixels[None], cv2.COLOR_RGB2HSV)[0].astype(np.int32)
    hue, saturation, value = hsv.T
    names = np.array([name for _, name in _HUES])
    edges = np.array([edge for edge, _ in _HUES])
    chosen = names[np.searchsorted(edges, hue, side="right") - 1]
    chosen = np.where(saturation < 40, "grey", chosen)
    chosen = np.where((saturation < 40) & (value > 200), "white", chosen)
    chosen = np.where(value < 50, "black", chosen)
    found, counts = np.unique(chosen, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:most]
    return [str(found[k]) for k in order if counts[k] >= 0.1 * len(chosen)] or [
        str(found[order[0]])
    ]


_HUES = (
    (0, "red"),
    (10, "orange"),
    (22, "yellow"),
    (36, "green"),
    (85, "cyan"),
    (100, "blue"),
    (130, "violet"),
    (150, "pink"),
    (170, "red"),
)


def _heading(way: np.ndarray) -> str:
    x, y = way
    if abs(x) >= abs(y):
        return "right" if x > 0 else "left"
    return "down" if y > 0 else "up"
