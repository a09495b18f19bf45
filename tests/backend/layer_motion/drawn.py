"""Small pictures, line maps and strokes for the tests of layer motion."""

from __future__ import annotations

import cv2
import numpy as np

from shared.pictures import Picture
from shared.strokes import Drawing

WIDTH, HEIGHT = 160, 96
_FINER = 8


def outline(
    centre: tuple[float, float], radii: tuple[float, float], bump: float = 0.25
) -> np.ndarray:
    """A closed, lopsided outline: float64 [120, 2] camera pixels."""
    angle = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    reach = 1 + bump * np.cos(angle) + 0.5 * bump * np.sin(2 * angle)
    return np.stack(
        [
            centre[0] + radii[0] * reach * np.cos(angle),
            centre[1] + radii[1] * reach * np.sin(angle),
        ],
        axis=1,
    )


def painted(points: np.ndarray, *, eye: np.ndarray | None = None, line_px: float = 1.6) -> Picture:
    """The outline filled and inked, with overscan of half a camera on every side."""
    size = (WIDTH * 2, HEIGHT * 2)
    fine = np.zeros((size[1] * _FINER, size[0] * _FINER, 4), np.uint8)
    corner = np.array([WIDTH // 2, HEIGHT // 2])
    shape = np.rint((points + corner) * _FINER * 16 - 8).astype(np.int32)
    cv2.fillPoly(fine, [shape], (220, 120, 60, 255), shift=4)
    width = max(1, round(line_px * _FINER))
    cv2.polylines(fine, [shape], True, (20, 20, 30, 255), width, shift=4)
    if eye is not None:
        place = np.rint((eye + corner) * _FINER).astype(int)
        cv2.circle(fine, (int(place[0]), int(place[1])), 2 * _FINER, (20, 20, 30, 255), -1)
    premultiplied = fine.astype(np.float32)
    premultiplied[..., :3] *= premultiplied[..., 3:] / 255
    small = cv2.resize(premultiplied, size, interpolation=cv2.INTER_AREA)
    small[..., :3] /= np.maximum(small[..., 3:] / 255, 1e-6)
    pixels = np.clip(np.rint(small), 0, 255).astype(np.uint8)
    pixels[pixels[..., 3] == 0] = 0
    return Picture(pixels, -int(corner[0]), -int(corner[1])).cropped()


def sketched(*lines: np.ndarray, line_px: float = 1.2) -> np.ndarray:
    """Line map float32 [HEIGHT, WIDTH] of closed lines."""
    fine = np.zeros((HEIGHT * _FINER, WIDTH * _FINER), np.uint8)
    for points in lines:
        shape = np.rint(points * _FINER * 16 - 8).astype(np.int32)
        cv2.polylines(fine, [shape], True, 255, max(1, round(line_px * _FINER)), shift=4)
    small = cv2.resize(fine.astype(np.float32) / 255, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)


def turned(points: np.ndarray, centre: np.ndarray, degrees: float) -> np.ndarray:
    """Points turned around a centre."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points - centre) @ matrix.T + centre


def strokes(*lines: np.ndarray) -> Drawing:
    """Closed, filled strokes with an even line."""
    points = np.concatenate(lines).astype(np.float32)
    counts = [len(line) for line in lines]
    total, number = len(points), len(lines)
    return Drawing(
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        points=points,
        radius=np.full(total, 1.0, np.float32),
        opacity=np.ones(total, np.float32),
        stroke_colour=np.tile(np.array([[0.1, 0.1, 0.1, 1]], np.float32), (number, 1)),
        fill_colour=np.tile(np.array([[0.9, 0.5, 0.2, 1]], np.float32), (number, 1)),
        point_colour=np.zeros((total, 4), np.float32),
        cyclic=np.ones(number, bool),
        holdout=np.zeros(number, np.uint8),
        round_caps=np.ones(number, bool),
        material=np.zeros(number, np.int32),
        layer_opacity=np.ones(1, np.float32),
    )


def premultiplied(picture: Picture) -> np.ndarray:
    """What the camera sees: float32 [HEIGHT, WIDTH, 4], 0..1."""
    canvas = picture.on_canvas(WIDTH, HEIGHT).astype(np.float32) / 255
    canvas[..., :3] *= canvas[..., 3:]
    return canvas


def difference(one: Picture, other: Picture) -> float:
    """Rms difference of premultiplied camera pixels, 0..1."""
    return float(np.sqrt(np.mean((premultiplied(one) - premultiplied(other)) ** 2)))


def middle(picture: Picture) -> np.ndarray:
    """Centre of the alpha mass in camera pixels: float64 [2]."""
    alpha = picture.pixels[..., 3].astype(float)
    across = alpha.sum(axis=0) @ (np.arange(picture.width) + 0.5) / alpha.sum()
    down = alpha.sum(axis=1) @ (np.arange(picture.height) + 0.5) / alpha.sum()
    return np.array([picture.x + across, picture.y + down])
