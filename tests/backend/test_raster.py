"""The stroke rasteriser: crisp, straight alpha, exact colours, and the same pixels each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.raster import draw, draw_lines
from shared.errors import AcetateError
from shared.strokes import Drawing

RED = (204 / 255, 51 / 255, 26 / 255, 1.0)
CLEAR = (0.0, 0.0, 0.0, 0.0)


def _drawing(*strokes: Drawing) -> Drawing:
    """One drawing of several single strokes."""
    counts = [len(stroke.points) for stroke in strokes]
    names = [
        name for name in Drawing.__dataclass_fields__ if name not in ("offsets", "layer_opacity")
    ]
    joined = {name: np.concatenate([getattr(s, name) for s in strokes]) for name in names}
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return Drawing(offsets=offsets, layer_opacity=np.ones(1, np.float32), **joined)


def _stroke(
    points: list[tuple[float, float]] | np.ndarray,
    radius: float | list[float] = 2.0,
    *,
    line: tuple[float, ...] = RED,
    fill: tuple[float, ...] = CLEAR,
    cyclic: bool = False,
    holdout: int = 0,
) -> Drawing:
    count = len(points)
    return Drawing(
        offsets=np.array([0, count], np.int32),
        points=np.asarray(points, np.float32).reshape(-1, 2),
        radius=np.broadcast_to(np.asarray(radius, np.float32), (count,)).copy(),
        opacity=np.ones(count, np.float32),
        stroke_colour=np.array([line], np.float32),
        fill_colour=np.array([fill], np.float32),
        point_colour=np.zeros((count, 4), np.float32),
        cyclic=np.array([cyclic]),
        holdout=np.array([holdout], np.uint8),
        round_caps=np.array([True]),
        material=np.zeros(1, np.int32),
        layer_opacity=np.ones(1, np.float32),
    )


def _disc(
    x: float, y: float, size: float, *, fill: tuple[float, ...] = RED, holdout: int = 0
) -> Drawing:
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    points = np.stack([x + size * np.cos(angle), y + size * np.sin(angle)], axis=1)
    return _stroke(points, 0.0, line=CLEAR, fill=fill, cyclic=True, holdout=holdout)


def _canvas(drawing: Drawing, width: int = 64, height: int = 48) -> np.ndarray:
    return draw(drawing, width=width, height=height).on_canvas(width, height)


def test_an_opaque_fill_has_exactly_its_colour() -> None:
    pixels = _canvas(_disc(32, 24, 15))
    assert pixels[24, 32].tolist() == [204, 51, 26, 255]
    assert pixels[2, 2].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("value", range(0, 256, 15))
def test_every_colour_survives_linear_light(value: int) -> None:
    shade = value / 255
    pixels = _canvas(_disc(32, 24, 15, fill=(shade, 1 - shade, 128 / 255, 1.0)))
    assert pixels[24, 32].tolist() == [value, 255 - value, 128, 255]


def test_coverage_equals_the_area_of_the_shape() -> None:
    alpha = _canvas(_disc(32.3, 24.7, 15))[..., 3].astype(float) / 255
    assert alpha.sum() == pytest.approx(np.pi * 15**2, rel=0.005)


@pytest.mark.parametrize("radius", [0.5, 1.0, 2.5])
def test_a_line_is_as_wide_as_twice_its_radius(radius: float) -> None:
    alpha = _canvas(_stroke([(4, 20.3), (60, 20.3)], radius))[..., 3].astype(float) / 255
    assert alpha[:, 32].sum() == pytest.approx(2 * radius, abs=0.03)


def test_a_tapered_line_narrows_evenly() -> None:
    alpha = _canvas(_stroke([(4, 20), (60, 20)], [0.0, 6.0]))[..., 3].astype(float) / 255
    widths = alpha.sum(axis=0)
    assert widths[18] == pytest.approx(3.1, abs=0.25)
    assert widths[46] == pytest.approx(9.1, abs=0.25)


def test_a_tapered_line_covers_itself_once() -> None:
    zigzag = _stroke([(8, 8), (30, 40), (12, 40), (50, 8)], [3, 4, 3, 4])
    half = replace(zigzag, stroke_colour=np.array([[1, 0, 0, 0.5]], np.float32))
    alpha = _canvas(half)[..., 3]
    assert alpha.max() == 128


def test_a_single_point_is_a_dot() -> None:
    alpha = _canvas(_stroke([(20, 20)], 3.0))[..., 3].astype(float) / 255
    assert alpha.sum() == pytest.approx(np.pi * 9, rel=0.04)


def test_a_holdout_cuts_what_lies_below_and_not_above() -> None:
    both = _drawing(_disc(24, 24, 15), _disc(32, 24, 8, holdout=2), _disc(32, 24, 3))
    pixels = _canvas(both)
    assert pixels[24, 15, 3] == 255
    assert pixels[24, 27, 3] == 0
    assert pixels[24, 32, 3] == 255


def test_layer_opacity_scales_the_finished_layer() -> None:
    both = _drawing(_disc(24, 24, 12), _disc(30, 24, 12))
    faded = replace(both, layer_opacity=np.array([0.4], np.float32))
    pixels = _canvas(faded)
    assert set(np.unique(pixels[20:28, 20:34, 3])) == {102}
    assert pixels[24, 27, :3].tolist() == [204, 51, 26]


def test_point_opacity_fades_along_the_stroke() -> None:
    stroke = _stroke([(4, 20), (60, 20)], 4.0)
    fading = replace(stroke, opacity=np.array([1.0, 0.0], np.float32))
    alpha = _canvas(fading)[20, 8:56, 3].astype(int)
    assert (np.diff(alpha) <= 0).all()
    assert alpha[0] > 230
    assert alpha[-1] < 25


def test_point_colour_is_mixed_over_the_lines_own() -> None:
    stroke = _stroke([(4, 20), (60, 20)], 4.0, line=(0.0, 0.0, 0.0, 1.0))
    painted = replace(stroke, point_colour=np.array([[0, 1, 0, 1], [0, 1, 0, 1]], np.float32))
    assert _canvas(painted)[20, 30].tolist() == [0, 255, 0, 255]


def test_art_beyond_the_border_is_kept_up_to_the_margin() -> None:
    picture = draw(_disc(0, 24, 20), width=64, height=48, margin_px=10)
    assert picture.x == -10
    assert picture.width == 30
    assert draw(_disc(0, 24, 20), width=64, height=48).x == 0


def test_scale_draws_crisp_at_another_size() -> None:
    picture = draw(_disc(32, 24, 15), width=64, height=48, scale=4.0)
    area = picture.pixels[..., 3].astype(float).sum() / 255
    assert area == pytest.approx(16 * np.pi * 15**2, rel=0.005)
    assert (picture.x, picture.y) == (68, 36)


def test_nothing_drawn_gives_an_empty_picture() -> None:
    assert draw(_disc(500, 500, 5), width=64, height=48).is_empty
    empty = Drawing(
        **{
            name: value[:0] if name not in ("offsets", "layer_opacity") else value[:1]
            for name, value in vars(_disc(1, 1, 1)).items()
        }
    )
    assert draw(empty, width=64, height=48).is_empty
    assert not draw_lines(empty, width=64, height=48, line_px=1.5).any()


def test_the_same_drawing_gives_the_same_pixels() -> None:
    drawing = _drawing(_disc(24, 24, 15), _stroke([(3, 3), (60, 40), (8, 30)], [1, 3, 0.5]))
    first, second = (draw(drawing, width=64, height=48) for _ in range(2))
    np.testing.assert_array_equal(first.pixels, second.pixels)


def test_a_drawing_scaled_beyond_all_limits_is_refused() -> None:
    with pytest.raises(AcetateError, match=r"E107|E114"):
        draw(_disc(4000, 4000, 4000), width=8000, height=8000, scale=4.0)


def test_line_maps_have_one_width_whatever_the_brush() -> None:
    thick = draw_lines(_stroke([(4, 20), (60, 20)], 9.0), width=64, height=48, line_px=1.5)
    assert thick.dtype == np.float32
    assert thick[:, 30].sum() == pytest.approx(1.5, abs=0.03)
    assert thick.max() <= 1.0


def test_line_maps_leave_fills_and_holdouts_out() -> None:
    drawing = _drawing(
        _disc(32, 24, 15),
        _stroke([(4, 5), (60, 5)]),
        _stroke([(4, 40), (60, 40)], holdout=1),
    )
    lines = draw_lines(drawing, width=64, height=48, line_px=2.0)
    assert lines[5, 30] > 0.9
    assert not lines[15:].any()


def test_line_maps_of_fills_alone_show_their_outlines() -> None:
    lines = draw_lines(_disc(32, 24, 15), width=64, height=48, line_px=2.0)
    assert lines[24, 17] > 0.4
    assert lines[24, 32] == 0.0
