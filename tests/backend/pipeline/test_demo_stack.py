"""Flat key frames taken apart into layers: exact at the keys, whole and clean behind them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.pipeline.demo_stack import Slot, Stack, take_apart
from shared.pictures import alpha_over

HEIGHT, WIDTH = 48, 80


def wall() -> np.ndarray:
    """A smooth two-colour backdrop: float [h, w, 3]."""
    across = np.linspace(0, 1, WIDTH)[None, :, None]
    down = np.linspace(0, 1, HEIGHT)[:, None, None]
    return np.array([40, 120, 200.0]) + across * [120, 0, -60] + down * [0, 60, 0]


def disc(x: float, y: float, radius: float) -> np.ndarray:
    """Soft coverage of a disc: float [h, w], 0..1."""
    across, down = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    return np.clip(radius - np.hypot(across - x, down - y) + 0.5, 0, 1)


def frame_with(*discs: np.ndarray, noise: int = 0) -> np.ndarray:
    """The wall with red discs in front: uint8 [h, w, 3]."""
    picture = wall()
    for cover in discs:
        picture = picture * (1 - cover[..., None]) + np.array([210, 30, 30]) * cover[..., None]
    rng = np.random.default_rng(5)
    return np.clip(
        np.rint(picture + rng.integers(-noise, noise + 1, picture.shape)), 0, 255
    ).astype(np.uint8)


def composite(stack: Stack, key: int) -> np.ndarray:
    """Alpha-over of the whole stack at one key: uint8 [h, w, 3]."""
    canvas = np.dstack([stack.ground[key], np.full((HEIGHT, WIDTH), 255, np.uint8)])
    for _, pictures in stack.cuts:
        canvas = alpha_over(canvas, pictures[key])
    return canvas[..., :3]


@pytest.mark.parametrize("noise", [0, 12])
@pytest.mark.parametrize("with_ground", [False, True])
def test_layers_over_each_other_give_the_key_frames_bit_equal(
    noise: int, *, with_ground: bool
) -> None:
    one, other = disc(30, 24, 12), disc(42, 20, 7)
    frames = np.stack([frame_with(one, other, noise=noise)])
    front = other > 0.5
    slots = [Slot(0, ((one > 0.5) & ~front)[None]), Slot(1, front[None])]
    if with_ground:
        slots.append(Slot(2, ~(slots[0].masks | slots[1].masks)))
    stack = take_apart(frames, slots)
    assert np.array_equal(composite(stack, 0), frames[0])
    assert (stack.ground_slot is not None) == with_ground


def test_a_layer_leaves_neither_itself_nor_its_fringe_behind() -> None:
    cover = disc(30, 24, 12)
    stack = take_apart(frame_with(cover)[None], [Slot(0, (cover > 0.5)[None])])
    assert np.abs(stack.ground[0].astype(float) - wall()).max() < 30


def test_the_other_key_uncovers_a_still_backdrop() -> None:
    covers = disc(20, 24, 10), disc(58, 24, 10)
    frames = np.stack([frame_with(cover) for cover in covers])
    stack = take_apart(frames, [Slot(0, np.stack([cover > 0.5 for cover in covers]))])
    assert stack.is_still
    # below the threshold of the matte a mixed pixel may stay with the wall
    assert np.abs(stack.ground.astype(float) - wall()).max() < 12


def test_the_other_key_uncovers_a_backdrop_that_pans() -> None:
    rng = np.random.default_rng(8)
    blotches = cv2.GaussianBlur(rng.normal(128, 60, (96, 200, 3)), (0, 0), 3)
    scenery = np.clip((blotches - 128) * 6 + 128, 0, 255)
    covers = [disc(16, 16, 9), disc(48, 20, 9)]
    covers = [cv2.resize(cover, (160, 96)) > 0.5 for cover in covers]
    frames = [scenery[:, start : start + 160].copy() for start in (0, 40)]
    for frame, cover in zip(frames, covers, strict=True):
        frame[cover] = (210, 30, 30)
    pictures = np.stack(frames).astype(np.uint8)
    stack = take_apart(pictures, [Slot(0, np.stack(covers))])
    assert not stack.is_still
    hole = np.abs(stack.ground[1].astype(float) - scenery[:, 40:])[covers[1]]
    assert hole.mean() < 8


def test_edges_of_a_cut_are_soft_and_free_of_the_backdrop() -> None:
    cover = disc(30, 24, 12)
    stack = take_apart(frame_with(cover)[None], [Slot(0, (cover > 0.5)[None])])
    ((_, pictures),) = stack.cuts
    alpha = pictures[0, ..., 3] / 255
    assert np.abs(alpha - cover).mean() < np.abs((cover > 0.5) - cover).mean() / 2
    shown = pictures[0][alpha > 0.5][:, :3].astype(float)
    assert np.abs(shown - [210, 30, 30]).max() < 40


def test_a_layer_goes_on_under_what_lies_on_its_middle_but_not_elsewhere() -> None:
    low, high, far = disc(30, 24, 14), disc(30, 24, 5), disc(66, 24, 8)
    frames = frame_with(low, high, far)[None]
    masks = [(low > 0.5) & (high <= 0.5), high > 0.5, far > 0.5]
    stack = take_apart(frames, [Slot(index, mask[None]) for index, mask in enumerate(masks)])
    pictures = {slot.number: cut[0] for slot, cut in stack.cuts}
    assert (pictures[0][masks[1]][:, 3] == 255).all()
    assert not pictures[0][masks[2]][:, 3].any()


def test_bars_along_the_sides_belong_to_no_layer_and_bleed_into_none() -> None:
    cover = disc(40, 24, 10)
    frame = frame_with(cover)
    frame[:, :12], frame[:, -12:] = 0, 0
    ground = cover <= 0.5
    ground[:, :12], ground[:, -12:] = False, False
    stack = take_apart(frame[None], [Slot(0, (cover > 0.5)[None]), Slot(1, ground[None])])
    assert stack.ground_slot is not None
    assert stack.ground_slot.number == 1
    assert stack.bars[:, :12].all()
    assert not stack.bars[:, 12:-12].any()
    assert np.abs(stack.ground[0] - wall())[:, 14:-14].max() < 30


def test_masks_that_jpeg_has_frayed_still_give_the_frame() -> None:
    cover = disc(30, 24, 12)
    frame = frame_with(cover, noise=5)
    mask = np.where(cover > 0.5, 255, 0).astype(np.uint8)
    _, data = cv2.imencode(".jpg", mask, [cv2.IMWRITE_JPEG_QUALITY, 60])
    read = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    assert read is not None
    frayed = read > 127
    stack = take_apart(frame[None], [Slot(0, frayed[None]), Slot(1, ~frayed[None])])
    assert np.array_equal(composite(stack, 0), frame)
