"""Lines: drawn strokes are found, and a shift counts only beyond the tolerance."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from training.metrics.lines import line_drawing, line_f_score, lines_of


def _drawn(offset_px: int = 0) -> np.ndarray:
    """Thin dark strokes on light paper, uint8 [90, 140, 3]."""
    picture = np.full((90, 140, 3), 235, np.uint8)
    cv2.circle(picture, (60 + offset_px, 45), 28, (20, 20, 20), 2, cv2.LINE_AA)
    cv2.line(picture, (100 + offset_px, 15), (100 + offset_px, 80), (20, 20, 20), 2)
    return picture


def test_strokes_are_lines_and_paper_is_not() -> None:
    drawing = line_drawing(_drawn())
    assert drawing[45, 100] < 0.2
    assert drawing[45, 60] == 1
    assert 0.01 < lines_of(_drawn()).mean() < 0.1


def test_equal_drawings_score_one() -> None:
    lines = lines_of(_drawn())
    assert line_f_score(lines, lines, 1) == 1


@pytest.mark.parametrize(("offset_px", "tolerance_px"), [(1, 1), (2, 2)])
def test_a_shift_within_the_tolerance_is_forgiven(offset_px: int, tolerance_px: int) -> None:
    score = line_f_score(lines_of(_drawn(offset_px)), lines_of(_drawn()), tolerance_px)
    assert score == pytest.approx(1, abs=0.02)


def test_precision_and_recall_weigh_the_same() -> None:
    asked, made = np.zeros((2, 40, 40), np.bool_)
    asked[10, :], made[10, :20] = True, True
    assert line_f_score(made, asked, 1) == pytest.approx(2 * 21 / 40 / (1 + 21 / 40))
    assert line_f_score(asked, made, 1) == line_f_score(made, asked, 1)


def test_far_lines_and_empty_drawings_score_nothing() -> None:
    asked, made = np.zeros((2, 40, 40), np.bool_)
    asked[5], made[30] = True, True
    assert line_f_score(made, asked, 2) == 0
    assert line_f_score(np.zeros_like(asked), asked, 2) == 0
    assert line_f_score(made, np.zeros_like(asked), 2) is None
