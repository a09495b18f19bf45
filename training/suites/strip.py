"""Side-by-side pictures of one clip: truth, every method, and on top what it was steered by."""

from __future__ import annotations

import io
from collections.abc import Mapping

import cv2
import numpy as np
from PIL import Image

from training.suites.clip import SuiteClip
from training.suites.suite import Control, Suite

COLUMNS = 5
CELL_WIDTH_PX = 208
WEBP_QUALITY = 72
_GAP_PX = 4
_LABEL_PX = 16
_PAPER, _INK = 250, 30
_TRACK = (214, 40, 120)
_SKETCH = np.array([20, 90, 220], np.float32)
_OUTLINE = (255, 140, 0)


def strip_of(clip: SuiteClip, suite: Suite, rows: Mapping[str, np.ndarray]) -> bytes:
    """One WebP: a row for the controls, then one for each entry of `rows`, uint8 [n, h, w, 3].

    Columns are `COLUMNS` of the made frames, evenly spaced; the control row lies over the truth.
    """
    made = list(suite.made(len(clip.frames)))
    picks = np.unique(np.rint(np.linspace(0, len(made) - 1, COLUMNS)).astype(int)).tolist()
    shown = {"asked": [_with_controls(clip, suite, made[pick]) for pick in picks]}
    shown |= {name: [frames[pick] for pick in picks] for name, frames in rows.items()}
    titles = [f"frame {made[pick]}" for pick in picks]
    lines = [_row(name, cells, titles) for name, cells in shown.items()]
    file = io.BytesIO()
    Image.fromarray(np.concatenate(lines)).save(file, "WEBP", quality=WEBP_QUALITY, method=3)
    return file.getvalue()


def _with_controls(clip: SuiteClip, suite: Suite, frame: int) -> np.ndarray:
    """The faded truth under outlines of moving layers and what steers them: uint8 [h, w, 3]."""
    picture = (clip.frames[frame].astype(np.float32) * 0.45 + 255 * 0.55).astype(np.uint8)
    for number, layer in enumerate(clip.layers):
        if layer.is_static:
            continue
        if suite.control is Control.SKETCH:
            ink = layer.sketches[frame][..., None].astype(np.float32) / 255
            picture = (picture * (1 - ink) + _SKETCH * ink).astype(np.uint8)
        elif suite.control is Control.TRAJECTORY:
            _draw_tracks(picture, layer.tracks, frame)
        else:
            _draw_score(picture, clip.labels[frame] == number + 1, layer.normal_score)
    return picture


def _draw_tracks(picture: np.ndarray, tracks: np.ndarray, frame: int) -> None:
    for path in tracks.transpose(1, 0, 2):
        line = np.rint(path * 8 - 4).astype(np.int32)  # eighth pixels, centres at integers
        cv2.polylines(picture, [line.reshape(-1, 1, 2)], False, _TRACK, 1, cv2.LINE_AA, 3)
        x, y = line[frame].tolist()
        cv2.circle(picture, (x, y), 20, _TRACK, -1, cv2.LINE_AA, 3)


def _draw_score(picture: np.ndarray, shown: np.ndarray, score: float) -> None:
    outlines, _ = cv2.findContours(
        shown.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    if not outlines:
        return
    cv2.drawContours(picture, outlines, -1, _OUTLINE, 1)
    largest = max(outlines, key=cv2.contourArea)
    x, y, width, height = cv2.boundingRect(largest)
    place = (x + max(0, width // 2 - 12), y + height // 2 + 4)
    cv2.putText(
        picture, f"{score:.2f}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.34, (120, 30, 0), 1, cv2.LINE_AA
    )


def _row(name: str, cells: list[np.ndarray], titles: list[str]) -> np.ndarray:
    """Cells side by side under their captions: uint8 [h, w, 3]."""
    parts: list[np.ndarray] = []
    for index, (cell, title) in enumerate(zip(cells, titles, strict=True)):
        text = f"{name}, {title}" if index == 0 else title
        picture = _captioned(_fitted(cell), text)
        parts += [picture, np.full((len(picture), _GAP_PX, 3), _PAPER, np.uint8)]
    row = np.concatenate(parts[:-1], axis=1)
    return np.concatenate([row, np.full((_GAP_PX, row.shape[1], 3), _PAPER, np.uint8)])


def _fitted(cell: np.ndarray) -> np.ndarray:
    height, width = cell.shape[:2]
    size = (CELL_WIDTH_PX, max(1, round(height * CELL_WIDTH_PX / width)))
    how = cv2.INTER_AREA if width > CELL_WIDTH_PX else cv2.INTER_CUBIC
    return cell if size == (width, height) else cv2.resize(cell, size, interpolation=how)


def _captioned(cell: np.ndarray, text: str) -> np.ndarray:
    bar = np.full((_LABEL_PX, cell.shape[1], 3), _PAPER, np.uint8)
    cv2.putText(
        bar, text, (2, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (_INK, _INK, _INK), 1, cv2.LINE_AA
    )
    return np.concatenate([bar, cell])
