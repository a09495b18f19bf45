"""Draws a shot's contact sheet: truth, the engine's takes and flow warp, frame by frame.

Called by the evaluation; the lowest row shows a piece of each at 200 %.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.gallery.measure import CONTROLLED, FLOW, FREE, Measured

COLUMNS = 6
CELL_WIDTH_PX = 272
_LABEL_PX, _HEADER_PX, _GUTTER_PX = 118, 30, 4
_ZOOM = 2
_QUALITIES = (84, 76, 68, 58, 48)
_PAPER, _INK, _FAINT = (247, 245, 240), (40, 36, 40), (122, 116, 116)
ROWS = ("truth", CONTROLLED, FREE, FLOW)


def contact_sheet(measured: Measured) -> np.ndarray:
    """One page, uint8 [h, w, 3]: rows as `ROWS`, at most `COLUMNS` judged frames."""
    frames = measured.scores.frames
    columns = sorted({round(i) for i in np.linspace(0, len(frames) - 1, COLUMNS)})
    height, width = measured.frames["truth"][0].shape[:2]
    cell = CELL_WIDTH_PX, round(CELL_WIDTH_PX * height / width)
    across = len(columns) * (cell[0] + _GUTTER_PX)
    zoomed = across // len(ROWS) - _GUTTER_PX, round(1.35 * cell[1])
    down = len(ROWS) * (cell[1] + _GUTTER_PX)
    size = _LABEL_PX + across, _HEADER_PX + down + zoomed[1] + 2 * _GUTTER_PX + 18
    page = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(page)
    for column, index in enumerate(columns):
        left = _LABEL_PX + column * (cell[0] + _GUTTER_PX)
        draw.text((left + 2, 10), f"frame {frames[index]}", fill=_FAINT, font=_font(12))
        for row, method in enumerate(ROWS):
            top = _HEADER_PX + row * (cell[1] + _GUTTER_PX)
            page.paste(_small(measured.frames[method][index], cell), (left, top))
    for row, method in enumerate(ROWS):
        _label(draw, measured, method, _HEADER_PX + row * (cell[1] + _GUTTER_PX))
    _paste_zoom(page, draw, measured, zoomed, _HEADER_PX + down + _GUTTER_PX)
    return np.asarray(page)


def as_jpeg(page: np.ndarray, limit_bytes: int) -> bytes:
    """The page as JPEG of the best quality that fits; the last try may be larger."""
    data = b""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        Image.fromarray(page).save(buffer, "JPEG", quality=quality, optimize=True)
        data = buffer.getvalue()
        if len(data) <= limit_bytes:
            break
    return data


def _label(draw: ImageDraw.ImageDraw, measured: Measured, method: str, top: int) -> None:
    draw.text((8, top + 4), method, fill=_INK, font=_font(14))
    score = measured.scores.scores.get(method)
    if score is not None:
        text = f"{score.psnr_db:.1f} dB\nSSIM {score.ssim:.3f}\nedges {score.edge_energy:.0%}"
        draw.multiline_text((8, top + 26), text, fill=_FAINT, font=_font(12))


def _paste_zoom(
    page: Image.Image,
    draw: ImageDraw.ImageDraw,
    measured: Measured,
    cell: tuple[int, int],
    top: int,
) -> None:
    """The same piece of every row at 200 %, around moving art of the middle frame."""
    index = len(measured.scores.frames) // 2
    left, upper = _focus(measured, index, (cell[0] // _ZOOM, cell[1] // _ZOOM))
    draw.text((8, top + 4), "200 %", fill=_INK, font=_font(14))
    draw.text((8, top + 24), f"frame {measured.scores.frames[index]}", fill=_FAINT, font=_font(12))
    for column, method in enumerate(ROWS):
        frame = measured.frames[method][index]
        piece = frame[upper : upper + cell[1] // _ZOOM, left : left + cell[0] // _ZOOM, :3]
        large = cv2.resize(piece, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_NEAREST)
        x = _LABEL_PX + column * (cell[0] + _GUTTER_PX)
        page.paste(Image.fromarray(large), (x, top))
        draw.text((x + 2, top + cell[1] + 2), method, fill=_FAINT, font=_font(12))


def _focus(measured: Measured, index: int, size: tuple[int, int]) -> tuple[int, int]:
    """Left and top of the window with most detail of moving art in the truth."""
    truth = cv2.cvtColor(
        np.ascontiguousarray(measured.frames["truth"][index][..., :3]), cv2.COLOR_RGB2GRAY
    )
    detail = np.abs(cv2.Laplacian(truth, cv2.CV_32F)) * measured.moving[index]
    height, width = truth.shape
    size = min(size[0], width), min(size[1], height)
    sums = cv2.integral(detail)
    boxes = (
        sums[size[1] :, size[0] :]
        - sums[: -size[1], size[0] :]
        - sums[size[1] :, : -size[0]]
        + sums[: -size[1], : -size[0]]
    )
    upper, left = np.unravel_index(int(boxes.argmax()), boxes.shape)
    return int(left), int(upper)


def _small(frame: np.ndarray, cell: tuple[int, int]) -> Image.Image:
    pixels = np.ascontiguousarray(frame[..., :3])
    return Image.fromarray(cv2.resize(pixels, cell, interpolation=cv2.INTER_AREA))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
