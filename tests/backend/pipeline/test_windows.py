"""Promises of windows, slots and the model frame: everything fits, nothing is lost or distorted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.pipeline.frame_fit import fit_frame
from backend.pipeline.model_layers import assign_slots
from backend.pipeline.plan import LayerPlan, make_plan
from backend.pipeline.windows import Stretch, cut
from shared.shot import Role
from tests.backend.pipeline.shots import ShotBuilder


@given(
    st.integers(-10, 10),
    st.sets(st.integers(1, 150), min_size=1, max_size=120),
    st.integers(1, 5),
    st.integers(4, 20),
    st.booleans(),
)
def test_every_drawing_is_painted_once_between_keys_that_exist(
    first: int, offsets: set[int], margin: int, clip_frames: int, closed: bool
) -> None:
    frames = tuple(first + offset for offset in sorted(offsets))
    last = frames[-1] + margin if closed else None
    windows = cut(Stretch(first, last, frames), clip_frames)
    known = {first} | ({last} if last is not None else set())
    painted: list[int] = []
    for window in windows:
        assert len(window.times) == clip_frames
        assert window.first in known
        assert (window.last is None) == (not closed)
        assert window.last is None or window.last in known
        indices = [window.index_of(frame) for frame in window.frames]
        assert indices == sorted(indices)
        assert all(0 < index < clip_frames for index in indices)
        if window.last is not None:
            assert all(index < clip_frames - 1 for index in indices)
        known |= set(window.frames)
        painted += window.frames
    assert sorted(painted) == list(frames)


def test_a_gap_of_the_models_length_maps_frame_to_frame() -> None:
    (window,) = cut(Stretch(1, 16, tuple(range(2, 16))), 16)
    assert window.times == tuple(range(1, 17))
    assert [window.index_of(frame) for frame in window.frames] == list(range(1, 15))


def test_a_short_gap_takes_the_frames_nearest_in_time() -> None:
    (window,) = cut(Stretch(1, 5, (2, 3, 4)), 16)
    assert [window.index_of(frame) for frame in (2, 3, 4)] == [4, 7, 11]


def test_a_long_gap_is_painted_coarsely_first() -> None:
    windows = cut(Stretch(1, 41, tuple(range(2, 41))), 16)
    assert (windows[0].first, windows[0].last) == (1, 41)
    assert len(windows[0].frames) == 2
    assert [(w.first, w.last) for w in windows[1:]] == [(1, 14), (14, 28), (28, 41)]


@pytest.mark.parametrize(
    ("camera", "size"),
    [
        ((512, 320), (512, 320)),
        ((1920, 1080), (512, 320)),
        ((1080, 1920), (320, 512)),
        ((1024, 1024), (384, 384)),
        ((64, 64), (384, 384)),
    ],
)
def test_the_model_frame_suits_the_camera(camera: tuple[int, int], size: tuple[int, int]) -> None:
    fit = fit_frame(*camera, 512, 320)
    assert (fit.width, fit.height) == size


@given(st.integers(16, 4000), st.integers(16, 4000))
def test_the_picture_is_never_distorted_by_more_than_half_a_pixel(width: int, height: int) -> None:
    fit = fit_frame(width, height, 512, 320)
    assert fit.width % 64 == 0
    assert fit.height % 64 == 0
    scale = min(fit.width / width, fit.height / height)
    assert abs(fit.inner_width - width * scale) <= 0.5
    assert abs(fit.inner_height - height * scale) <= 0.5
    assert fit.left + fit.inner_width <= fit.width
    assert fit.top + fit.inner_height <= fit.height


def test_points_and_pixels_go_to_the_same_place_and_back() -> None:
    fit = fit_frame(320, 180, 128, 64)
    picture = np.zeros((180, 320, 3), np.float32)
    picture[80:100, 40:60] = 1
    small = fit.to_model(picture)
    assert small.shape == (fit.height, fit.width, 3)
    y, x = np.argwhere(small[..., 0] > 0.5).mean(axis=0) + 0.5
    assert np.allclose(fit.points_to_model(np.array([50.0, 90.0])), (x, y), atol=0.6)
    large = fit.to_camera(small)
    assert large.shape == picture.shape
    assert large[90, 50, 0] > 0.8
    assert large[20, 200, 0] < 0.1


def planned(*roles_and_groups: tuple[Role, str]) -> tuple[LayerPlan, ...]:
    builder = ShotBuilder()
    for number, (role, group) in enumerate(roles_and_groups):
        keys = {1: builder.disc((0.3, 0.5)), 9: builder.disc((0.7, 0.5))}
        builder.add(f"layer {number}", keys, role=role, group=group)
    return make_plan(builder.request()).layers


def test_few_layers_keep_a_slot_of_their_own() -> None:
    slots = assign_slots(planned((Role.BACKGROUND, ""), (Role.ANIMATE, "")), 4)
    assert [slot.members for slot in slots] == [(0,), (1,)]
    assert [slot.is_static for slot in slots] == [True, False]


def test_a_still_backdrop_gives_its_slot_to_moving_layers() -> None:
    layers = planned((Role.BACKGROUND, ""), *[(Role.ANIMATE, "")] * 4)
    slots = assign_slots(layers, 4)
    assert [slot.members for slot in slots] == [(1,), (2,), (3,), (4,)]


def test_a_still_strip_in_front_gives_its_slot_away_too() -> None:
    ends = (Role.BACKGROUND, "")
    slots = assign_slots(planned(ends, *[(Role.ANIMATE, "")] * 4, ends), 4)
    assert [slot.members for slot in slots] == [(1,), (2,), (3,), (4,)]
    slots = assign_slots(planned(ends, *[(Role.ANIMATE, "")] * 3, ends), 4)
    assert [slot.members for slot in slots] == [(1,), (2,), (3,), (4,)]


def test_a_users_group_shares_a_slot_before_neighbours_do() -> None:
    layers = planned(
        (Role.BACKGROUND, ""),
        (Role.ANIMATE, "hero"),
        (Role.ANIMATE, ""),
        (Role.ANIMATE, "hero"),
        (Role.ANIMATE, ""),
    )
    assert [slot.members for slot in assign_slots(layers, 4)] == [(0,), (1, 3), (2,), (4,)]


def test_still_neighbours_share_before_moving_ones() -> None:
    layers = planned(
        (Role.ANIMATE, ""),
        (Role.ANIMATE, ""),
        (Role.HOLD, ""),
        (Role.HOLD, ""),
        (Role.ANIMATE, ""),
    )
    slots = assign_slots(layers, 4)
    assert [slot.members for slot in slots] == [(0,), (1,), (2, 3), (4,)]
    assert slots[2].is_static


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 2**12))
def test_every_layer_has_exactly_one_slot(count: int, limit: int, choice: int) -> None:
    kinds = [(Role.ANIMATE, "g"), (Role.HOLD, ""), (Role.ANIMATE, ""), (Role.HOLD, "g")]
    picked = [kinds[(choice >> number) % 4] for number in range(count)]
    slots = assign_slots(planned((Role.ANIMATE, ""), *picked), limit)
    assert len(slots) <= limit
    members = [member for slot in slots for member in slot.members]
    assert sorted(members) == list(range(count + 1))
