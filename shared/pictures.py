"""Pictures with straight alpha and a place on the camera plane, and their PNG form.

Writing needs only zlib, so that the Blender extension can write pictures; reading uses Pillow,
which every other process has. Limits: 33 megapixels, 8 bits per channel.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np

from .errors import AcetateError

MAX_PIXELS = 33_000_000
MAX_SIDE = 16_384
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, eq=False)
class Picture:
    """An RGBA picture placed on the camera plane.

    `pixels`: uint8 [h, w, 4], straight alpha, display-referred sRGB. `x`, `y`: position of its
    top-left pixel in camera pixels (y down); negative where art lies beyond the border.
    """

    pixels: np.ndarray
    x: int = 0
    y: int = 0

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    def on_canvas(self, width: int, height: int) -> np.ndarray:
        """The part inside a camera frame: uint8 [height, width, 4]; outside the art all zero."""
        canvas = np.zeros((height, width, 4), np.uint8)
        left, top = max(self.x, 0), max(self.y, 0)
        right = min(self.x + self.width, width)
        bottom = min(self.y + self.height, height)
        if left < right and top < bottom:
            canvas[top:bottom, left:right] = self.pixels[
                top - self.y : bottom - self.y, left - self.x : right - self.x
            ]
        return canvas

    def cropped(self) -> Picture:
        """The same art without fully transparent margins (1x1 where nothing is drawn)."""
        alpha = self.pixels[..., 3]
        rows = np.flatnonzero(alpha.any(axis=1))
        columns = np.flatnonzero(alpha.any(axis=0))
        if not rows.size:
            return Picture(np.zeros((1, 1, 4), np.uint8), self.x, self.y)
        top, left = int(rows[0]), int(columns[0])
        pixels = self.pixels[top : rows[-1] + 1, left : columns[-1] + 1]
        return Picture(np.ascontiguousarray(pixels), self.x + left, self.y + top)

    @property
    def is_empty(self) -> bool:
        """True where no pixel has any alpha."""
        return not self.pixels[..., 3].any()


def encode_png(pixels: np.ndarray, *, level: int = 1) -> bytes:
    """Encode uint8 [h, w, 4] (RGBA), [h, w, 3] (RGB) or [h, w] (grey) as PNG.

    The same input gives the same bytes. The Sub filter suits flat art at zlib's fast levels.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise ValueError(f"cannot write {pixels.dtype} {pixels.shape} as PNG")
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    colour_type = {1: 0, 3: 2, 4: 6}[channels]
    rows = np.ascontiguousarray(pixels).reshape(height, width * channels)
    filtered = np.empty((height, width * channels + 1), np.uint8)
    filtered[:, 0] = 1
    filtered[:, 1 : channels + 1] = rows[:, :channels]
    np.subtract(rows[:, channels:], rows[:, :-channels], out=filtered[:, channels + 1 :])
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    body = zlib.compress(filtered.tobytes(), level)
    chunks = ((b"IHDR", header), (b"sRGB", b"\x00"), (b"IDAT", body), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def check_size(width: int, height: int) -> None:
    """Raise `picture_too_large` or `size` where a picture is outside the limits of this module."""
    if width < 1 or height < 1 or width > MAX_SIDE or height > MAX_SIDE:
        raise AcetateError("size", width=width, height=height)
    if width * height > MAX_PIXELS:
        raise AcetateError("picture_too_large", megapixels=round(width * height / 1e6))


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height from a PNG's header, without decoding. Raises `bad_picture`."""
    if len(data) < 24 or data[:8] != _SIGNATURE or data[12:16] != b"IHDR":
        raise AcetateError("bad_picture", where="not a PNG file")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def decode_png(data: bytes) -> np.ndarray:
    """Decode a PNG to uint8 [h, w, 4]. Checks the size before anything is allocated.

    Raises `bad_picture`, `size` or `picture_too_large`.
    """
    check_size(*png_size(data))
    return _decode(data, ("PNG",))


def decode_picture(data: bytes) -> np.ndarray:
    """Decode a PNG or JPEG to uint8 [h, w, 4]; same limits and errors as `decode_png`."""
    return _decode(data, ("PNG", "JPEG"))


def _decode(data: bytes, formats: tuple[str, ...]) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=formats) as image:
            check_size(*image.size)
            return np.asarray(image.convert("RGBA"))
    except UnidentifiedImageError as error:
        raise AcetateError("bad_picture", where="unknown format") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise AcetateError("bad_picture", where="damaged file", detail=str(error)) from error


def alpha_over(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Composite straight-alpha uint8 [h, w, 4] `above` over `below`; exact where alpha is 0 or 255.

    Integer arithmetic with rounding, so that any two callers get the same bits.
    """
    top_alpha = above[..., 3]
    result = np.array(below, order="C")
    # Whole pixels as words: a quarter of the elements, several times faster than by channel.
    words, top_words = result.view(np.uint32), np.ascontiguousarray(above).view(np.uint32)
    np.copyto(words[..., 0], top_words[..., 0], where=top_alpha == 255)
    mixed = (top_alpha > 0) & (top_alpha < 255)
    if mixed.any():
        result[mixed] = _mix(below[mixed].astype(np.uint32), above[mixed].astype(np.uint32))
    return result


def _mix(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    alpha_above, alpha_below = above[:, 3:], below[:, 3:]
    weight_above = alpha_above * 255
    weight_below = alpha_below * (255 - alpha_above)
    total = weight_above + weight_below
    colour = (above[:, :3] * weight_above + below[:, :3] * weight_below + total // 2) // total
    alpha = (total + 127) // 255
    return np.concatenate([colour, alpha], axis=1).astype(np.uint8)
