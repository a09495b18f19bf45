"""Which key shows what: the one whose lines the sketch confirms there, and no other's ghost."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.layer_motion.engine import animate_gap
from backend.layer_motion.key_shares import KeyShares, by_lines, even
from backend.layer_motion.task import GapTask
from shared.pictures import Picture

SIZE = (96, 160)  # rows, columns
TIMES = tuple(step / 8 for step in range(1, 8))


def upright(x: float) -> np.ndarray:
    return np.stack([np.full(60, x), np.linspace(18, 78, 60)], axis=1)


def share_at(values: np.ndarray | None, x: int) -> float:
    assert values is not None
    return float(values[48, x])


def test_a_key_shows_the_places_where_its_lines_met_the_sketch() -> None:
    sketch = np.concatenate([upright(40), upright(120)])
    first = np.concatenate([upright(40), upright(123)])  # missed the right line
    last = np.concatenate([upright(43), upright(120)])  # missed the left one
    values = by_lines([first, last], sketch, 0.5, SIZE, alike_px=0.4)
    assert share_at(values, 40) < 0.05
    assert share_at(values, 120) > 0.95
    assert share_at(values, 80) == pytest.approx(0.5, abs=0.05)


def test_lines_that_are_not_drawn_count_against_a_key_too() -> None:
    both = np.concatenate([upright(40), upright(120)])
    values = by_lines([both, upright(120)], upright(120), 0.5, SIZE, alike_px=0.4)
    assert share_at(values, 40) > 0.95


@pytest.mark.parametrize("time", [0.2, 0.7])
def test_lines_that_both_keys_meet_are_shared_by_time(time: float) -> None:
    values = by_lines([upright(40.1), upright(39.9)], upright(40), time, SIZE, alike_px=0.4)
    assert values == pytest.approx(np.full(SIZE, time), abs=0.02)


def test_art_out_of_view_leaves_no_choice() -> None:
    assert by_lines([upright(-20), upright(40)], upright(40), 0.5, SIZE, alike_px=0.4) is None


def test_shares_go_on_beyond_the_frame_and_become_steep() -> None:
    shares = KeyShares(np.array([[0.1, 0.6]], np.float32), (80.0, 96.0))
    beyond = np.array([[[-50.0, 10.0], [300.0, 10.0]]], np.float32)
    assert shares.at(beyond) == pytest.approx(np.array([[0.1, 0.6]]))
    assert shares.steep().at(beyond) == pytest.approx(np.array([[0.0, 0.7]]))
    assert not even(1.0, (160, 96)).is_mixed


def face(turn: float) -> np.ndarray:
    """A head whose patch slides over it with the turn (-1..1), half hidden at either end."""
    art = np.zeros((96, 160, 4), np.uint8)
    head, ink = (80, 48), (20, 20, 30, 255)
    cv2.circle(art, head, 36, (225, 180, 150, 255), -1, cv2.LINE_AA)
    patch = np.zeros_like(art)
    cv2.circle(patch, (round(80 + 38 * turn), 46), 13, (255, 255, 255, 255), -1, cv2.LINE_AA)
    cv2.circle(patch, (round(80 + 38 * turn), 46), 13, ink, 2, cv2.LINE_AA)
    inside = np.zeros((96, 160), np.uint8)
    cv2.circle(inside, head, 34, 255, -1)
    shown = (inside > 0) & (patch[..., 3] > 127)
    art[shown] = patch[shown]
    cv2.circle(art, head, 36, ink, 2, cv2.LINE_AA)
    return art


def lines(art: np.ndarray) -> np.ndarray:
    dark = (art[..., :3].max(axis=2) < 90) & (art[..., 3] > 127)
    return dark.astype(np.float32)


def test_a_turning_head_shows_no_ghost_half_way() -> None:
    """There either key's patch is half of what the sketch shows, and was seen beside the other."""
    turns = np.linspace(-0.8, 0.8, 9)
    sketches = {moment: lines(face(turn)) for moment, turn in enumerate(turns)}
    keys = Picture(face(turns[0])), Picture(face(turns[-1]))
    shown = animate_gap(GapTask(160, 96, *keys, TIMES, sketches=sketches)).pictures[3]
    rows, columns = np.mgrid[:96, :160]
    inner = np.hypot(rows - 48, columns - 80) < 33
    apart = np.abs(shown.on_canvas(160, 96).astype(int) - face(0.0))[..., :3].max(axis=2)
    assert (apart[inner] > 60).mean() < 0.1  # evenly mixed: 0.28
