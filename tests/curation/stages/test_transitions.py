"""Dissolves and fades are left out of shots; what moves, flashes, smokes or darkens is not."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from curation.stages.cuts import Piece, find_cuts, pieces
from curation.stages.proposals import proposed_cuts
from curation.stages.transitions import find_transitions, outside
from shared.errors import AcetateError

from .conftest import clip

WIDTH, HEIGHT = 192, 112
FRAMES = 36


@cache
def painted(seed: int) -> np.ndarray:
    """A large painted picture: washes of colour, brush strokes, and some inked things."""
    rng = np.random.default_rng(seed)
    canvas = np.zeros((300, 700, 3), np.float32)
    for blur, weight in ((40, 2.5), (12, 1.0), (3, 0.5)):
        wash = cv2.GaussianBlur(rng.normal(size=canvas.shape).astype(np.float32), (0, 0), blur)
        canvas += weight * wash / wash.std()
    picture = (128 + 28 * canvas).clip(0, 255).astype(np.uint8)
    for _ in range(30):
        x, y, w, h = (int(v) for v in rng.integers((0, 0, 8, 8), (660, 270, 60, 40)))
        colour = tuple(int(v) for v in rng.integers(30, 230, 3))
        cv2.rectangle(picture, (x, y), (x + w, y + h), colour, -1)
        cv2.rectangle(picture, (x, y), (x + w, y + h), (20, 20, 30), 1)
    return picture


def shot(seed: int, pan: float = 0.0, frames: int = FRAMES) -> np.ndarray:
    """A camera over a painted picture, uint8 [frames, h, w, 3]."""
    ways = [np.array([[1, 0, -60 - pan * t], [0, 1, -60]], np.float32) for t in range(frames)]
    return np.stack([cv2.warpAffine(painted(seed), way, (WIDTH, HEIGHT)) for way in ways])


def mixed(before: np.ndarray, after: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Mixtures by shares [frames] or [frames, h, w] of the second."""
    part = share.reshape(*share.shape, *([1] * (4 - share.ndim)))
    return np.rint(before * (1 - part) + after * part).astype(np.uint8)


def dissolved(before: np.ndarray, after: np.ndarray, length: int) -> np.ndarray:
    """The last `length` frames of one shot mixed with the first ones of the next."""
    share = np.arange(1, length + 1) / (length + 1)
    between = mixed(before[-length:], after[:length], share)
    return np.concatenate([before[:-length], between, after[length:]])


def faded(frames: np.ndarray, length: int, colour: int = 0) -> np.ndarray:
    """Ends in `length` frames that turn to one colour."""
    share = np.concatenate(
        [np.zeros(len(frames) - length), np.arange(1, length + 1) / (length + 1)]
    )
    return mixed(frames, np.full_like(frames, colour), share)


def _ramp(rise: int, top: float = 1.0) -> np.ndarray:
    return top * ((np.arange(FRAMES) - 8) / rise).clip(0, 1)


def _close(found: list[Piece], first: int, end: int, most: int = 5) -> bool:
    """One transition, with no mixed frame left, and few good ones lost."""
    return (
        len(found) == 1
        and first - most <= found[0].first <= first
        and end <= found[0].end <= end + most
    )


@pytest.mark.parametrize(("length", "pans"), [(6, (0.0, 0.0)), (12, (0.0, 1.0)), (20, (1.0, 0.0))])
def test_a_dissolve_is_found_whole(length: int, pans: tuple[float, float]) -> None:
    frames = dissolved(shot(1, pans[0]), shot(2, pans[1]), length)
    assert _close(find_transitions(frames), FRAMES - length, FRAMES)


def test_a_dissolve_within_one_palette_is_found() -> None:
    frames = dissolved(clip("slow", 24).frames, film_end(), 10)
    found = find_transitions(frames)
    assert len(found) == 1
    assert found[0].first <= 16
    assert found[0].end >= 22


def film_end() -> np.ndarray:
    """Another scene of the same palette, the other way round: its houses stand elsewhere."""
    return clip("mid", 24).frames[:, :, ::-1]


@pytest.mark.parametrize("colour", [0, 255])
def test_a_fade_is_dropped_with_the_frames_that_show_nothing(colour: int) -> None:
    blank = np.full((5, HEIGHT, WIDTH, 3), colour, np.uint8)
    up = faded(shot(2)[::-1], 8, colour)[::-1]
    frames = np.concatenate([faded(shot(1), 10, colour), blank, up])
    assert _close(find_transitions(frames), FRAMES - 10, FRAMES + 13)
    only_out = np.concatenate([faded(shot(1), 10, colour), blank])
    assert _close(find_transitions(only_out), FRAMES - 10, FRAMES + 5)


@pytest.mark.parametrize("pan", [0.3, 1.0, 4.0, 12.0])
def test_a_pan_is_no_transition(pan: float) -> None:
    assert find_transitions(shot(3, pan)) == []


@pytest.mark.parametrize("kind", ["fast", "pan"])
def test_motion_is_no_transition(kind: str) -> None:
    assert find_transitions(clip(kind, 20).frames) == []


@pytest.mark.parametrize(("length", "ramp", "colour"), [(1, 0, 255), (2, 2, 255), (3, 4, 0)])
def test_a_flash_is_no_transition(length: int, ramp: int, colour: int) -> None:
    away = np.maximum(0, np.abs(np.arange(FRAMES) - 17) - length // 2)
    share = (1 - away / (ramp + 1)).clip(0, 1)
    frames = mixed(shot(1), np.full((FRAMES, HEIGHT, WIDTH, 3), colour), share)
    assert find_transitions(frames) == []


@pytest.mark.parametrize("left", [0.5, 0.2])
def test_a_layer_or_a_scene_that_darkens_is_no_transition(left: float) -> None:
    share = _ramp(20, 1 - left)
    black = np.zeros((FRAMES, HEIGHT, WIDTH, 3))
    assert find_transitions(mixed(shot(1), black, share)) == []
    half = np.zeros((HEIGHT, WIDTH))
    half[: HEIGHT // 2] = 1
    assert find_transitions(mixed(shot(1), black, share[:, None, None] * half)) == []


def test_smoke_that_drifts_by_is_no_transition() -> None:
    noise = np.random.default_rng(0).random((HEIGHT, WIDTH * 3)).astype(np.float32)
    cloud = cv2.GaussianBlur(noise, (0, 0), 10)
    cloud = (cloud - cloud.min()) / (cloud.max() - cloud.min())
    share = np.stack([cloud[:, 3 * t : 3 * t + WIDTH] for t in range(FRAMES)])
    share *= _ramp(16, 0.8)[:, None, None]
    frames = mixed(shot(1), np.full((FRAMES, HEIGHT, WIDTH, 3), 220), share)
    assert find_transitions(frames) == []


def test_a_hard_cut_is_no_transition_and_a_transition_no_cut() -> None:
    assert find_transitions(np.concatenate([shot(1), shot(2)])) == []
    assert outside([5, 30, 60], [Piece(28, 34)]) == [5, 60]


def test_frames_of_transitions_are_in_no_piece() -> None:
    assert pieces(100, [60], gone=[Piece(20, 30)]) == [
        Piece(0, 20),
        Piece(30, 60),
        Piece(60, 100),
    ]
    assert pieces(60, [], gone=[Piece(0, 30), Piece(55, 60)]) == [Piece(30, 55)]


def test_a_proposed_cut_counts_where_motion_leaves_a_little() -> None:
    frames = np.concatenate([clip("slow", 16).frames] * 2)
    left = np.full(31, 2.0)
    left[15] = 7.0
    frames[16:] = 255 - frames[16:]
    assert find_cuts(frames, left=left) == []
    assert find_cuts(frames, left=left, proposed={16}) == [16]
    left[14] = 6.0  # all that moves fast here
    assert find_cuts(frames, left=left, proposed={16}) == []


def test_pyscenedetect_proposes_cuts_where_it_is_installed() -> None:
    frames = np.concatenate([shot(1, 2.0), shot(2)])
    assert proposed_cuts(frames, "none") == set()
    pytest.importorskip("scenedetect", reason="PySceneDetect is an extra: acetate[shots]")
    assert proposed_cuts(frames, "scenedetect") == {FRAMES}


def test_a_proposer_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "scenedetect", None)
    monkeypatch.setitem(sys.modules, "scenedetect.detectors", None)
    with pytest.raises(AcetateError) as caught:
        proposed_cuts(shot(1), "scenedetect")
    assert caught.value.name == "engine_missing"
