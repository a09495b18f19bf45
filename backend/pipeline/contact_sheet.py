"""Draws a result on one page: layers as rows, frames as columns; used by `output_folder`."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from shared.blobs import Blobs
from shared.pictures import alpha_over, decode_png
from shared.result import ResultManifest

MAX_COLUMNS = 8
CELL_WIDTH_PX = 224
_LABEL_PX, _HEADER_PX, _GUTTER_PX = 168, 46, 6
_PAPER, _INK, _FAINT, _ACCENT = (245, 244, 240), (40, 38, 36), (128, 124, 118), (176, 74, 32)
_CHECKER = (222, 206)


def contact_sheet(manifest: ResultManifest, blobs: Blobs) -> np.ndarray:
    """One labelled page of about `MAX_COLUMNS` frames: uint8 [h, w, 3].

    Top row: the composite. Below it the layers, highest first, over a checkerboard. Generated
    pictures carry a coloured edge, the artist's own none.
    """
    columns = _columns(manifest.end - manifest.start + 1)
    cell = (CELL_WIDTH_PX, max(16, round(CELL_WIDTH_PX * manifest.height / manifest.width)))
    rows_count = 1 + len(manifest.layers)
    page = Image.new(
        "RGB",
        (
            _LABEL_PX + len(columns) * (cell[0] + _GUTTER_PX),
            _HEADER_PX + rows_count * (cell[1] + _GUTTER_PX),
        ),
        _PAPER,
    )
    draw = ImageDraw.Draw(page)
    _write_header(draw, manifest, columns, cell)
    rows = [("composite", f"{manifest.engine}", manifest.composite, frozenset[int]())]
    rows += [
        (layer.name, f"{layer.role.value}: {layer.method}", layer.frames, frozenset(layer.painted))
        for layer in reversed(manifest.layers)
    ]
    for number, (name, note, hashes, painted) in enumerate(rows):
        top = _HEADER_PX + number * (cell[1] + _GUTTER_PX)
        _write_label(draw, name, note, top)
        for column, index in enumerate(columns):
            left = _LABEL_PX + column * (cell[0] + _GUTTER_PX)
            pixels = _thumbnail(decode_png(blobs.get(hashes[index])), cell)
            page.paste(Image.fromarray(pixels), (left, top))
            if manifest.start + index in painted:
                box = (left, top, left + cell[0] - 1, top + cell[1] - 1)
                draw.rectangle(box, outline=_ACCENT, width=2)
    return np.asarray(page)


def _columns(frames_count: int) -> list[int]:
    """Indices of the frames shown, spread evenly from the first to the last."""
    count = min(frames_count, MAX_COLUMNS)
    return sorted({round(i) for i in np.linspace(0, frames_count - 1, count)})


def _thumbnail(pixels: np.ndarray, cell: tuple[int, int]) -> np.ndarray:
    """A picture over a checkerboard at cell size: uint8 [h, w, 3]."""
    # Shrunk with premultiplied alpha, so that transparent pixels bleed no colour into edges.
    alpha = pixels[..., 3:].astype(np.float32) / 255
    premultiplied = np.concatenate([pixels[..., :3] * alpha, alpha * 255], axis=-1)
    small = cv2.resize(premultiplied, cell, interpolation=cv2.INTER_AREA)
    coverage = np.maximum(small[..., 3:], 1e-3) / 255
    straight = np.concatenate([small[..., :3] / coverage, small[..., 3:]], axis=-1)
    above = np.clip(np.rint(straight), 0, 255).astype(np.uint8)
    return alpha_over(_checkerboard(cell), above)[..., :3]


def _checkerboard(cell: tuple[int, int]) -> np.ndarray:
    width, height = cell
    odd = (np.arange(height)[:, None] // 8 + np.arange(width)[None] // 8) % 2
    grey = np.where(odd, *_CHECKER).astype(np.uint8)
    return np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1)


def _write_header(
    draw: ImageDraw.ImageDraw,
    manifest: ResultManifest,
    columns: list[int],
    cell: tuple[int, int],
) -> None:
    seconds = sum(manifest.timings.values())
    text = (
        f"{manifest.width}x{manifest.height}  {manifest.fps:g} fps  frames {manifest.start}-"
        f"{manifest.end}  engine {manifest.engine}  seed {manifest.seed}  {seconds:.1f} s"
    )
    draw.text((10, 6), text, fill=_INK, font=_font(15))
    for column, index in enumerate(columns):
        left = _LABEL_PX + column * (cell[0] + _GUTTER_PX)
        draw.text((left, 28), f"frame {manifest.start + index}", fill=_FAINT, font=_font(12))


def _write_label(draw: ImageDraw.ImageDraw, name: str, note: str, top: int) -> None:
    draw.text((10, top + 4), _fitted(name, 15), fill=_INK, font=_font(15))
    draw.text((10, top + 26), _fitted(note, 12), fill=_FAINT, font=_font(12))


def _fitted(text: str, size: int) -> str:
    """The text, cut with dots where it would run into the pictures."""
    text, font = _drawable(text), _font(size)
    if font.getlength(text) <= _LABEL_PX - 20:
        return text
    while text and font.getlength(f"{text}...") > _LABEL_PX - 20:
        text = text[:-1]
    return f"{text}..."


def _drawable(text: str) -> str:
    """The text in the letters of the font that Pillow brings, which end with ASCII."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    letters = (c for c in plain if not unicodedata.combining(c))
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in letters)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
