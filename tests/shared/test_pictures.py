"""Promises of pictures: PNG without loss, limits before decoding, exact compositing."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from shared.errors import AcetateError
from shared.pictures import (
    Picture,
    alpha_over,
    decode_picture,
    decode_png,
    encode_png,
    png_size,
)

RGBA = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9).map(lambda s: (*s, 4))
)


def pairs_of_pictures() -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=9).map(lambda s: (*s, 4))
    return shapes.flatmap(
        lambda shape: st.tuples(hnp.arrays(np.uint8, shape), hnp.arrays(np.uint8, shape))
    )


def png_header(width: int, height: int) -> bytes:
    body = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + body + struct.pack(">I", zlib.crc32(b"IHDR" + body))
    return b"\x89PNG\r\n\x1a\n" + chunk


@given(RGBA)
@settings(max_examples=60, deadline=None)
def test_png_round_trip_is_bit_equal_even_under_transparency(pixels: np.ndarray) -> None:
    data = encode_png(pixels)
    assert png_size(data) == (pixels.shape[1], pixels.shape[0])
    assert np.array_equal(decode_png(data), pixels)
    assert encode_png(pixels.copy()) == data


def test_grey_and_rgb_pictures_can_be_written() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    rgb = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(grey)))), grey)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(rgb)))), rgb)


def test_sixty_megapixels_are_refused_before_decoding() -> None:
    with pytest.raises(AcetateError) as caught:
        decode_png(png_header(10_000, 6_000))
    assert caught.value.code == "E114"
    with pytest.raises(AcetateError) as caught:
        decode_picture(png_header(10_000, 6_000))
    assert caught.value.code in ("E114", "E115")


def test_sides_beyond_the_limit_are_refused() -> None:
    with pytest.raises(AcetateError) as caught:
        decode_png(png_header(100_000, 2))
    assert caught.value.code == "E107"


@pytest.mark.parametrize("cut", [0, 7, 20, 60])
def test_a_truncated_png_is_a_bad_picture(cut: int) -> None:
    data = encode_png(np.full((16, 16, 4), 77, np.uint8))
    with pytest.raises(AcetateError) as caught:
        decode_png(data[:cut])
    assert caught.value.code == "E115"


def test_other_formats_are_refused() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "BMP")
    with pytest.raises(AcetateError) as caught:
        decode_picture(buffer.getvalue())
    assert caught.value.code == "E115"


@given(pairs_of_pictures())
@settings(max_examples=100, deadline=None)
def test_alpha_over_matches_exact_arithmetic(pair: tuple[np.ndarray, np.ndarray]) -> None:
    below, above = pair
    result = alpha_over(below, above).astype(np.float64)
    alpha_above, alpha_below = above[..., 3:] / 255, below[..., 3:] / 255
    alpha = alpha_above + alpha_below * (1 - alpha_above)
    mixed = above[..., :3] * alpha_above + below[..., :3] * alpha_below * (1 - alpha_above)
    colour = np.divide(mixed, alpha, out=np.zeros_like(mixed), where=alpha > 0)
    seen = alpha[..., 0] > 0
    assert np.abs(result[..., 3] / 255 - alpha[..., 0]).max() <= 0.5 / 255 + 1e-9
    assert np.abs(result[..., :3] - colour)[seen].max(initial=0) <= 0.5 + 1e-6


@given(pairs_of_pictures())
@settings(max_examples=50, deadline=None)
def test_opaque_replaces_and_transparent_keeps(pair: tuple[np.ndarray, np.ndarray]) -> None:
    below, above = pair[0], pair[1].copy()
    above[..., 3] = 255
    assert np.array_equal(alpha_over(below, above), above)
    above[..., 3] = 0
    assert np.array_equal(alpha_over(below, above), below)


def test_alpha_over_reads_any_memory_layout_and_changes_no_input() -> None:
    random = np.random.default_rng(3)
    below = random.integers(0, 256, (12, 14, 4)).astype(np.uint8)
    above = random.integers(0, 256, (12, 14, 4)).astype(np.uint8)
    expected = alpha_over(below, above)
    kept = below.copy(), above.copy()
    slices = alpha_over(below[2:9, 3:11], above[2:9, 3:11])
    assert np.array_equal(slices, expected[2:9, 3:11])
    flipped = alpha_over(below[:, ::-1], above[:, ::-1])
    assert np.array_equal(flipped, expected[:, ::-1])
    assert np.array_equal(below, kept[0])
    assert np.array_equal(above, kept[1])


def test_canvas_shows_only_what_lies_inside_the_camera() -> None:
    pixels = np.arange(4 * 5 * 4, dtype=np.uint8).reshape(4, 5, 4)
    canvas = Picture(pixels, -2, 1).on_canvas(6, 4)
    assert np.array_equal(canvas[1:4, 0:3], pixels[0:3, 2:5])
    assert not canvas[0].any()
    assert not canvas[:, 3:].any()
    assert not Picture(pixels, 50, 50).on_canvas(6, 4).any()


@given(RGBA, st.integers(-5, 5), st.integers(-5, 5))
@settings(max_examples=50, deadline=None)
def test_cropping_keeps_everything_that_is_seen(pixels: np.ndarray, x: int, y: int) -> None:
    picture = Picture(pixels, x, y)
    whole, cropped = picture.on_canvas(12, 12), picture.cropped().on_canvas(12, 12)
    seen = whole[..., 3] > 0
    assert np.array_equal(whole[seen], cropped[seen])
    assert not cropped[~seen][:, 3].any()
    assert picture.is_empty == picture.cropped().is_empty
