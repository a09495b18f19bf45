"""Promises of planning: which drawing is seen when, which gaps are filled, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.pipeline.plan import Gap, LayerPlan, ShotPlan, make_plan
from shared.errors import AcetateError
from shared.shot import (
    ArrayRef,
    Chart,
    Control,
    Key,
    Layer,
    Mode,
    MotionScore,
    PictureRef,
    Role,
    ShotRequest,
    Sketch,
    SketchFrame,
    Spacing,
)

PICTURE = PictureRef(blob="a" * 64, width=32, height=32)
SCORE = MotionScore(score=0.5)


def layer(
    drawn: tuple[int, ...],
    *controls: Control,
    empty: tuple[int, ...] = (),
    role: Role = Role.ANIMATE,
    exposure: int | None = None,
    name: str = "hero",
) -> Layer:
    keys = [Key(frame=frame, picture=PICTURE) for frame in drawn]
    keys += [Key(frame=frame) for frame in empty]
    ordered = tuple(sorted(keys, key=lambda key: key.frame))
    return Layer(name=name, order=0, role=role, keys=ordered, controls=controls, exposure=exposure)


def plan_of(
    *layers: Layer, start: int = 1, end: int = 9, mode: Mode = Mode.INTERPOLATE, exposure: int = 1
) -> ShotPlan:
    request = ShotRequest(
        width=64,
        height=32,
        fps=24,
        start=start,
        end=end,
        mode=mode,
        exposure=exposure,
        layers=layers,
    )
    return make_plan(request)


def seen(plan: LayerPlan) -> list[str]:
    """Per frame: `k5` the key of frame 5, `d5` the drawing made for frame 5, `-` nothing."""
    return [
        "-" if shown is None else f"{'k' if shown.is_key else 'd'}{shown.frame}"
        for shown in plan.shown
    ]


def ends(gap: Gap) -> tuple[int, int | None, int]:
    return gap.first.frame, gap.last.frame if gap.last else None, gap.stop


def test_a_gap_is_filled_and_its_keys_are_kept() -> None:
    (plan,) = plan_of(layer((1, 5)), end=5).layers
    assert seen(plan) == ["k1", "d2", "d3", "d4", "k5"]
    assert [ends(gap) for gap in plan.gaps] == [(1, 5, 5)]
    assert [plan.gaps[0].time_of(frame) for frame in plan.gaps[0].frames] == [0.25, 0.5, 0.75]


def test_on_twos_each_drawing_is_held_and_keys_restart_the_count() -> None:
    (plan,) = plan_of(layer((1, 6), exposure=2), end=8).layers
    assert seen(plan) == ["k1", "k1", "d3", "d3", "d5", "k6", "k6", "k6"]
    assert plan.gaps[0].frames == (3, 5)


def test_a_spacing_alone_moves_no_single_drawing() -> None:
    spaced = layer((1,), Spacing(chart=Chart.SLOW_IN), name="spaced")
    still, _ = plan_of(spaced, layer((1, 9))).layers
    assert not still.gaps


def test_the_shots_exposure_holds_where_a_layer_has_none() -> None:
    (plan,) = plan_of(layer((1, 7)), end=7, exposure=3).layers
    assert seen(plan) == ["k1", "k1", "k1", "d4", "d4", "d4", "k7"]


def test_nothing_is_seen_before_the_first_key_and_the_last_one_is_held() -> None:
    (plan,) = plan_of(layer((3, 5)), end=7).layers
    assert seen(plan) == ["-", "-", "k3", "d4", "k5", "k5", "k5"]


def test_an_empty_key_ends_what_is_seen() -> None:
    first, second = plan_of(layer((1, 9), empty=(4,)), layer((1, 9), name="b")).layers
    assert seen(first) == ["k1", "k1", "k1", "-", "-", "-", "-", "-", "k9"]
    assert not first.gaps
    assert second.gaps


def test_keys_beyond_the_range_anchor_its_gap() -> None:
    (plan,) = plan_of(layer((-3, 17)), start=1, end=4).layers
    assert seen(plan) == ["d1", "d2", "d3", "d4"]
    assert [ends(gap) for gap in plan.gaps] == [(-3, 17, 17)]
    assert plan.gaps[0].time_of(2) == 0.25


def test_a_single_key_is_held_without_a_control_and_moves_with_one() -> None:
    still, moving = plan_of(layer((1,), name="still"), layer((3,), SCORE)).layers
    assert set(seen(still)) == {"k1"}
    assert seen(moving)[2:] == ["k3", "d4", "d5", "d6", "d7", "d8", "d9"]
    assert [ends(gap) for gap in moving.gaps] == [(3, None, 9)]
    assert moving.gaps[0].time_of(9) == 1.0


def test_animate_goes_on_from_every_key_to_the_next_or_the_end() -> None:
    (plan,) = plan_of(layer((1, 5)), end=7, mode=Mode.ANIMATE).layers
    assert seen(plan) == ["k1", "d2", "d3", "d4", "k5", "d6", "d7"]
    assert [ends(gap) for gap in plan.gaps] == [(1, None, 4), (5, None, 7)]


def test_held_layers_have_no_gaps() -> None:
    held, _ = plan_of(layer((1, 5), role=Role.HOLD, name="held"), layer((1, 9))).layers
    assert not held.gaps
    assert seen(held) == ["k1"] * 4 + ["k5"] * 5


def test_a_sketch_on_a_held_frame_steers_but_is_not_shown() -> None:
    control = Sketch(frames=(SketchFrame(frame=4, strokes=ArrayRef(blob="b" * 64)),))
    (plan,) = plan_of(layer((1, 7), control, exposure=2), end=7).layers
    assert plan.gaps[0].frames == (3, 4, 5)
    assert seen(plan) == ["k1", "k1", "d3", "d3", "d5", "d5", "k7"]


@pytest.mark.parametrize(
    ("drawn", "start", "end", "mode", "code"),
    [
        ((1,), 1, 9, Mode.INTERPOLATE, "E102"),
        ((1, 2), 1, 2, Mode.INTERPOLATE, "E102"),
        ((1, 9), 20, 30, Mode.INTERPOLATE, "E102"),
        ((40, 50), 1, 9, Mode.INTERPOLATE, "E105"),
        ((40,), 1, 9, Mode.ANIMATE, "E105"),
        ((9,), 1, 9, Mode.ANIMATE, "E102"),
    ],
)
def test_a_shot_without_anything_to_fill_is_told(
    drawn: tuple[int, ...], start: int, end: int, mode: Mode, code: str
) -> None:
    with pytest.raises(AcetateError) as caught:
        plan_of(layer(drawn), start=start, end=end, mode=mode)
    assert caught.value.code == code
    assert caught.value.fix


def test_a_hold_longer_than_the_gap_is_no_error() -> None:
    (plan,) = plan_of(layer((1, 4), exposure=6), end=4).layers
    assert seen(plan) == ["k1", "k1", "k1", "k4"]


@given(
    st.lists(st.integers(-5, 25), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(-5, 25), max_size=2, unique=True),
    st.integers(1, 4),
    st.sampled_from(list(Mode)),
    st.booleans(),
)
def test_every_seen_drawing_is_a_key_or_wanted_by_exactly_one_gap(
    drawn: list[int], empty: list[int], exposure: int, mode: Mode, steered: bool
) -> None:
    empty = [frame for frame in empty if frame not in drawn]
    controls = (SCORE,) if steered else ()
    tested = layer(tuple(drawn), *controls, empty=tuple(empty), exposure=exposure, name="tested")
    plan = plan_of(tested, layer((-9, 40)), end=20, mode=mode).layers[0]
    keys = {key.frame: key for key in tested.keys}
    for frame, shown in zip(range(1, 21), plan.shown, strict=True):
        if frame in keys:
            assert (shown is None) == keys[frame].is_empty
        if shown is None:
            continue
        assert shown.frame <= frame
        if shown.is_key:
            assert not keys[shown.frame].is_empty
        else:
            assert sum(shown.frame in gap.frames for gap in plan.gaps) == 1
            assert frame - shown.frame < exposure
    for gap in plan.gaps:
        assert all(0 < gap.time_of(frame) <= 1 for frame in gap.frames)
        assert gap.last is None or all(gap.time_of(frame) < 1 for frame in gap.frames)
        assert list(gap.moments) == sorted(set(gap.moments))
