"""One clip at a glance: four moments of everything that was found in it, as one small WebP.

After `spec/curation.md` 4.4: at most 60 KB.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageDraw

from curation.dataset.clip import LayeredClip
from curation.review.colours import flow_colours, label_colours, painted_labels

MOMENTS = 4
CELL_WIDTH_PX = 240
LIMIT_BYTES = 60 << 10
_QUALITIES = (80, 65, 50, 35, 20, 8)
_TAIL = 6  # frames that a track's tail is long
_MOST_TRACKS = 150
_GUTTER_PX = 62
_LOOP_WIDTH_PX, _LOOP_FPS = 240, 8

Cell = Callable[[int], np.ndarray]


def contact_sheet(clip: LayeredClip) -> bytes:
    """A WebP with one row for each kind of annotation that the clip has."""
    moments = np.unique(np.linspace(0, len(clip.frames) - 1, MOMENTS).round().astype(int))
    rows = [(name, [_cell(draw(int(moment))) for moment in moments]) for name, draw in _rows(clip)]
    height, width = rows[0][1][0].shape[:2]
    sheet = np.full((len(rows) * (height + 2), _GUTTER_PX + len(moments) * (width + 2), 3), 24)
    sheet = sheet.astype(np.uint8)
    for index, (_, cells) in enumerate(rows):
        for column, cell in enumerate(cells):
            top, left = index * (height + 2), _GUTTER_PX + column * (width + 2)
            sheet[top : top + height, left : left + width] = cell
    picture = Image.fromarray(sheet)
    pen = ImageDraw.Draw(picture)
    for index, (name, _) in enumerate(rows):
        pen.text((4, index * (height + 2) + 4), name, fill=(220, 220, 220))
    return _small_webp(picture)


def _rows(clip: LayeredClip) -> list[tuple[str, Cell]]:
    layers = clip.layer_labels()
    rows: list[tuple[str, Cell]] = [
        ("picture", lambda t: clip.frames[t]),
        (
            f"{len(clip.elements)} elements",
            lambda t: painted_labels(clip.frames[t], clip.labels[t], len(clip.elements)),
        ),
        (
            "layers",
            lambda t: _scored(painted_labels(clip.frames[t], layers[t], len(clip.layers)), clip),
        ),
    ]
    flow, sketch = clip.flow, clip.sketch
    if flow is not None:
        rows.append(("flow", lambda t: flow_colours(flow[min(t, len(flow) - 1)])))
    if len(clip.tracks):
        rows.append((f"{len(clip.tracks)} tracks", lambda t: _tracked(clip, t)))
    if sketch is not None:
        rows.append(("sketch", lambda t: np.repeat(sketch[t][..., None], 3, axis=-1)))
    return rows


def _cell(picture: np.ndarray) -> np.ndarray:
    height = round(picture.shape[0] * CELL_WIDTH_PX / picture.shape[1])
    return cv2.resize(picture, (CELL_WIDTH_PX, height), interpolation=cv2.INTER_AREA)


def _scored(painted: np.ndarray, clip: LayeredClip) -> np.ndarray:
    """Each layer's score in its colour, in the top left corner."""
    scale = painted.shape[1] / CELL_WIDTH_PX
    picture = Image.fromarray(painted)
    pen = ImageDraw.Draw(picture)
    size = round(11 * scale)
    for index, layer in enumerate(clip.layers):
        colour = label_colours(len(clip.layers))[index + 1]
        place = (4 * scale, (3 + 12 * index) * scale)
        text = f"{layer.score:.2f}"
        pen.text(
            place,
            text,
            fill=tuple(colour.tolist()),
            font_size=size,
            stroke_width=2,
            stroke_fill=(0, 0, 0),
        )
    return np.asarray(picture)


def _tracked(clip: LayeredClip, moment: int) -> np.ndarray:
    picture = (clip.frames[moment] // 2 + 40).astype(np.uint8)
    colours = label_colours(len(clip.elements))
    chosen = np.linspace(0, len(clip.tracks) - 1, min(_MOST_TRACKS, len(clip.tracks))).astype(int)
    first = max(0, moment - _TAIL)
    for index in chosen:
        if not clip.tracks.visible[index, moment]:
            continue
        colour = colours[int(clip.tracks.elements[index]) + 1].tolist()
        tail = np.rint(clip.tracks.points[index, first : moment + 1] * 4).astype(np.int32)
        cv2.polylines(picture, [tail], False, colour, 2, cv2.LINE_AA, shift=2)
        x, y = (int(value) for value in tail[-1])
        cv2.circle(picture, (x, y), 10, colour, -1, cv2.LINE_AA, shift=2)
    return picture


def loop(clip: LayeredClip) -> bytes:
    """The clip's frames as an endless WebP of 8 frames per second, 240 pixels wide."""
    step = max(1, round(clip.fps / _LOOP_FPS))
    frames = [Image.fromarray(_cell(frame)) for frame in clip.frames[::step]]
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        quality=40,
        duration=round(1000 * step / clip.fps),
        loop=0,
    )
    return buffer.getvalue()


def _small_webp(picture: Image.Image) -> bytes:
    data = b""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=4)
        data = buffer.getvalue()
        if len(data) <= LIMIT_BYTES:
            return data
    half = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
    return _small_webp(half)
