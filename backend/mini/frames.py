"""One moved drawing and its sketch as arrays for the network, and back; used by expert and trainer.

Arrays live on a window of the working canvas (the camera frame scaled to working height) whose
sides are multiples of the network's stride.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.mini.candidate import paint_sketch
from backend.mini.network import STRIDE
from shared.pictures import Picture

REACH_PX = 6  # nothing farther than this from art or strokes is corrected
_COVERED = 0.02
_STROKE = 0.3
_WORKING_LINE_PX = 1.2  # sketches of the training clips have lines of about this width
_FAINT, _FIRM = 0.15, 0.45  # corrections below and above are dropped and taken over


@dataclass(frozen=True, eq=False)
class Window:
    """A rectangle of the working canvas: left, top, width and height in working pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class LayerFrame:
    """What the network sees of one layer at one moment.

    `art`, `painted` float32 [h, w, 4] premultiplied 0..1; `sketch` float32 [h, w]; `allowed`
    bool [h, w]: where a correction may land; all cut to `window`. `canvas`: width and height of
    the working canvas.
    """

    art: np.ndarray
    painted: np.ndarray
    sketch: np.ndarray
    allowed: np.ndarray
    window: Window
    canvas: tuple[int, int]

    def inputs(self, *, last_key: bool) -> np.ndarray:
        """Network input float32 [10, h, w]."""
        flag = np.full_like(self.sketch, 1.0 if last_key else 0.0)
        planes = [self.art, self.painted, self.sketch[..., None], flag[..., None]]
        return np.ascontiguousarray(np.concatenate(planes, axis=2).transpose(2, 0, 1))


def premultiplied(pixels: np.ndarray) -> np.ndarray:
    """Straight uint8 [h, w, 4] to premultiplied float32 0..1."""
    values = pixels.astype(np.float32) / np.float32(255)
    values[..., :3] *= values[..., 3:]
    return values


def straight(values: np.ndarray) -> np.ndarray:
    """Premultiplied float32 0..1 to straight uint8 [h, w, 4], colourless where transparent."""
    alpha = values[..., 3:]
    colour = values[..., :3] / np.maximum(alpha, np.float32(1e-6))
    pixels = np.rint(np.concatenate([colour, alpha], axis=2) * 255).clip(0, 255).astype(np.uint8)
    pixels[pixels[..., 3] == 0] = 0
    return pixels


def layer_frame(picture: Picture, sketch: np.ndarray, scale: float = 1.0) -> LayerFrame | None:
    """Network view of a drawing and its sketch float32 [camera height, camera width].

    `scale`: working pixels per camera pixel, at most 1. None where neither shows anything.
    """
    height, width = sketch.shape
    art = premultiplied(picture.on_canvas(width, height))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        art = cv2.resize(art, size, interpolation=cv2.INTER_AREA)
        sketch = cv2.resize(_thickened(sketch, scale), size, interpolation=cv2.INTER_AREA)
    allowed = _allowed(art, sketch)
    if not allowed.any():
        return None
    window = _window(allowed)
    painted = paint_sketch(art, sketch)
    return LayerFrame(
        art=cut(art, window),
        painted=cut(painted, window),
        sketch=cut(sketch.astype(np.float32), window),
        allowed=cut(allowed, window),
        window=window,
        canvas=(art.shape[1], art.shape[0]),
    )


def _thickened(sketch: np.ndarray, scale: float) -> np.ndarray:
    """Lines wide enough that none is lost or torn when the sketch is made smaller."""
    strokes = (sketch > 0.5).astype(np.uint8)
    if not strokes.any():
        return sketch
    depth = cv2.distanceTransform(strokes, cv2.DIST_L2, 3)[strokes > 0]
    width_px = max(1.0, 4 * float(depth.mean()) - 2)  # depth grows 1, 2, .. to half the width
    side = 2 * round((_WORKING_LINE_PX / scale - width_px) / 2) + 1
    if side < 3:
        return sketch
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(np.ascontiguousarray(sketch), disc)


def _allowed(art: np.ndarray, sketch: np.ndarray) -> np.ndarray:
    marked = ((art[..., 3] > _COVERED) | (sketch > _STROKE)).astype(np.uint8)
    side = 2 * REACH_PX + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(marked, disc) > 0


def _window(allowed: np.ndarray) -> Window:
    rows = np.flatnonzero(allowed.any(axis=1))
    columns = np.flatnonzero(allowed.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return Window(
        left, top, _rounded_up(int(columns[-1]) + 1 - left), _rounded_up(int(rows[-1]) + 1 - top)
    )


def _rounded_up(size: int) -> int:
    return -(-size // STRIDE) * STRIDE


def cut(values: np.ndarray, window: Window) -> np.ndarray:
    """A window of an array [h, w, ...]; zero where the window reaches beyond it."""
    result = np.zeros((window.height, window.width, *values.shape[2:]), values.dtype)
    part = values[window.top : window.top + window.height, window.left : window.left + window.width]
    result[: part.shape[0], : part.shape[1]] = part
    return result


def enlarged_change(
    picture: Picture, frame: LayerFrame, change: np.ndarray, camera: tuple[int, int]
) -> tuple[np.ndarray, int, int]:
    """What a correction [h, w, 4] of the working canvas asks of a larger picture, and its place.

    `camera`: width and height in pixels. Returns premultiplied float32 [h, w, 4], left and top.
    Where the correction is firm the picture is exchanged for the enlarged corrected art, so that
    a removed limb leaves no outline behind; faint corrections mend anti-aliasing of the working
    size and would only soften crisp art, so they are dropped.
    """
    strength = np.abs(change).max(axis=2)
    share = ((strength - _FAINT) / (_FIRM - _FAINT)).clip(0, 1)
    share = share * share * (3 - 2 * share)
    share = cv2.blur(cv2.dilate(share, np.ones((3, 3), np.uint8)), (3, 3)) * frame.allowed
    both = np.concatenate([frame.art + change, share[..., None]], axis=2).astype(np.float32)
    shown = (
        min(frame.window.width, frame.canvas[0] - frame.window.left),
        min(frame.window.height, frame.canvas[1] - frame.window.top),
    )
    low, high, matrix = _enlargement(frame, shown, camera)
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    planes = [
        cv2.warpAffine(
            np.ascontiguousarray(part[: shown[1], : shown[0]]),
            matrix,
            size,
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for part in (both[..., :4], both[..., 4])
    ]
    left, top = int(low[0]), int(low[1])
    canvas = picture.on_canvas(*camera)[top : top + size[1], left : left + size[0]]
    exchanged = legal(planes[0]) - premultiplied(canvas)
    return exchanged * planes[1].clip(0, 1)[..., None], left, top


def _enlargement(
    frame: LayerFrame, shown: tuple[int, int], camera: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners of the window at camera size, and the map [2, 3] between pixel indices."""
    factor = np.array(camera) / np.array(frame.canvas)
    origin = np.array([frame.window.left, frame.window.top])
    low = np.floor(origin * factor).astype(int)
    high = np.minimum(np.ceil((origin + np.array(shown)) * factor).astype(int), camera)
    shift = (origin + 0.5) * factor - 0.5 - low
    return low, high, np.array([[factor[0], 0, shift[0]], [0, factor[1], shift[1]]])


def with_change(picture: Picture, change: np.ndarray, left: int, top: int) -> Picture:
    """A picture plus a premultiplied change float32 [h, w, 4] at a camera position.

    Pixels that the change would not alter by half a step keep their bytes; so does everything
    outside it. Returns the picture itself where nothing is altered.
    """
    height, width = change.shape[:2]
    visible = np.abs(change).max(axis=2) >= 0.5 / 255  # [h, w]
    if not visible.any():
        return picture
    x, y = min(picture.x, left), min(picture.y, top)
    right = max(picture.x + picture.width, left + width)
    bottom = max(picture.y + picture.height, top + height)
    pixels = np.zeros((bottom - y, right - x, 4), np.uint8)
    pixels[
        picture.y - y : picture.y - y + picture.height,
        picture.x - x : picture.x - x + picture.width,
    ] = picture.pixels
    part = pixels[top - y : top - y + height, left - x : left - x + width]
    changed = legal(premultiplied(part) + change)
    part[visible] = straight(changed)[visible]
    return Picture(pixels, x, y).cropped()


def legal(values: np.ndarray) -> np.ndarray:
    """Clamp premultiplied RGBA: alpha to 0..1, colour to 0..alpha."""
    alpha = values[..., 3:].clip(0, 1)
    return np.concatenate([np.minimum(values[..., :3].clip(0), alpha), alpha], axis=2)
