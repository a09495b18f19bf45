"""Lays a key's rough sketch where its own finished art has the lines; sketch_fit, sketch_sense.

A rough strays from the drawing it means, but at a key that drawing is there, finished. What is
sketched between the keys can then be followed from lines that lie right and have no gaps.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial import KDTree

from .line_points import LinePoints, across, ridges
from .warp import Art

_FINENESS = 2.0
_PAD_PX = 8
_SOLID = 0.6  # alpha from which a pixel's colour counts as the art's
_FILL_PX = 4.0  # width of the window that reaches from the middle of a line to the fill beside it
_THIN_PX = 4.0
_FAINT = 0.05
_REACH_PX = 2.5
_HEADING_PX = 2.5
_MIN_POINTS = 12
_APART_PX = 0.4
_MEDIAN = 0.6745  # median of the magnitude of a normal variable of rms 1


def key_lines(art: Art, scale: float) -> LinePoints:
    """The middle of a key's outlines, and the edges of what has none, in working pixels.

    An outline between a fill and nothing is no ridge of darkness: the fill raises one side. What
    counts is how much darker a pixel is than the lightest fill near it.
    """
    width, height = art.box.width, art.box.height
    fine = scale * _FINENESS
    size = max(4, round(width * fine)), max(4, round(height * fine))
    way = cv2.INTER_AREA if fine < 1 else cv2.INTER_LINEAR
    pixels = cv2.copyMakeBorder(
        cv2.resize(art.pixels, size, interpolation=way),
        _PAD_PX, _PAD_PX, _PAD_PX, _PAD_PX, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0),
    )  # fmt: skip
    drawn, plain = ridges(_strokes(pixels)), ridges(_edges(pixels))
    if len(drawn) and len(plain):
        apart = KDTree(drawn.place).query(plain.place)[0] > _REACH_PX * _FINENESS
        plain = LinePoints(plain.place[apart], plain.heading[apart])
    stretch = np.array([width / size[0], height / size[1]])
    corner = np.array([art.box.left, art.box.top])
    place = np.concatenate([drawn.place, plain.place])
    heading = np.concatenate([drawn.heading, plain.heading])
    return LinePoints((corner + (place - _PAD_PX) * stretch) * scale, heading, _FINENESS)


def _strokes(pixels: np.ndarray) -> np.ndarray:
    """How far pixels [h, w, 4] are covered by lines darker than the fills beside them: [h, w].

    What is thin all over, a line without any fill, is darker than nothing.
    """
    alpha = pixels[..., 3]
    darkness = alpha - pixels[..., :3].mean(axis=2)
    solid = alpha > _SOLID
    straight = np.where(solid, darkness / np.maximum(alpha, 1e-3), 1.0).astype(np.float32)
    lightest = cv2.erode(straight, _window(_FILL_PX))
    fill = cv2.dilate(np.where(solid, lightest, 0.0).astype(np.float32), _window(_FILL_PX))
    bulk = cv2.dilate(cv2.erode(alpha, _window(_THIN_PX)), _window(_FILL_PX))
    cover = np.clip(darkness - bulk * fill, 0.0, 1.0)
    shown = cover[cover > _FAINT]
    full = float(np.percentile(shown, 90)) if len(shown) else 1.0
    return np.minimum(cover / full, 1.0).astype(np.float32)


def _window(size_px: float) -> np.ndarray:
    """A round structuring element of about a size in working pixels."""
    side = 2 * round(size_px * _FINENESS / 2) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def _edges(pixels: np.ndarray) -> np.ndarray:
    """How steeply colour or alpha changes [h, w], 1 at most."""
    across = cv2.Sobel(pixels, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    down = cv2.Sobel(pixels, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    strength = np.sqrt((across**2 + down**2).sum(axis=2))
    return strength / max(float(strength.max()), 1e-6)


def stray_px(sketch: LinePoints, lines: LinePoints) -> float:
    """How far a key's sketch strays from the lines of its own art: rms, by the median.

    0 where too little lies near them to tell, and where it keeps a distance from them, as from the
    two edges of a line lighter than its fill: no tremble does that, nor does the sketch mean them.
    """
    if len(sketch) < _MIN_POINTS or len(lines) < _MIN_POINTS:
        return 0.0
    far, nearest = KDTree(_features(lines)).query(_features(sketch))
    near = np.flatnonzero(far < 2 * _REACH_PX)
    if len(near) < max(_MIN_POINTS, len(sketch) / 2):
        return 0.0
    match = np.asarray(nearest)[near]
    place, line = sketch.place[near], lines.place[match]
    sideways = across(lines.heading[match])
    inward = np.sign((sideways * (sketch.place.mean(axis=0) - place)).sum(axis=1))
    beside = ((place - line) * sideways).sum(axis=1) * inward
    middle = float(np.median(beside))
    if abs(middle) > _APART_PX:
        return 0.0
    return float(np.median(np.abs(beside - middle))) / _MEDIAN


def laid_on(sketch: LinePoints, lines: LinePoints) -> LinePoints:
    """The lines that a sketch means, and what of the sketch lies on no line."""
    chosen = _near(lines, sketch)
    loose = KDTree(lines.place).query(sketch.place)[0] > _REACH_PX
    return LinePoints(
        np.concatenate([lines.place[chosen], sketch.place[loose]]),
        np.concatenate([lines.heading[chosen], sketch.heading[loose]]),
        sketch.per_px,
    )


def _near(points: LinePoints, others: LinePoints) -> np.ndarray:
    """Which points [n] have another one of about their heading close by."""
    return KDTree(_features(others)).query(_features(points))[0] < _REACH_PX


def _features(points: LinePoints) -> np.ndarray:
    return np.hstack([points.place, points.heading * _HEADING_PX])
