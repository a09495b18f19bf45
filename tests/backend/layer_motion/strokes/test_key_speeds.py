"""Promises for keys beside others: what gathers or settles rests there, what turns keeps size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from backend import raster
from backend.layer_motion.engine import animate_gap
from backend.layer_motion.task import GapTask, Neighbour
from shared.strokes import Drawing

from ..drawn import outline, strokes

WIDTH, HEIGHT = 320, 240
TIMES = (0.25, 0.5, 0.75)

Drawn = Callable[[float], Drawing]


def among(drawn: Drawn, keys: int, gap: int) -> GapTask:
    """One gap of a layer with that many keys, all others around it."""
    one, other = drawn(gap), drawn(gap + 1)
    shown = [raster.draw(d, width=WIDTH, height=HEIGHT, margin_px=160) for d in (one, other)]
    return GapTask(
        WIDTH,
        HEIGHT,
        shown[0],
        shown[1],
        TIMES,
        first_strokes=one,
        last_strokes=other,
        before=tuple(Neighbour(float(key - gap), drawn(key)) for key in range(gap - 1, -1, -1)),
        behind=tuple(Neighbour(float(key - gap), drawn(key)) for key in range(gap + 2, keys)),
    )


def drawings(task: GapTask) -> list[Drawing]:
    """The in-betweens, all of strokes."""
    found = [drawing for drawing in animate_gap(task).strokes if drawing is not None]
    assert len(found) == len(TIMES)
    return found


# Crouch, leap, flight and landing: where a body is at its keys, and how tall.
_LEAP = ((46, 160, 40), (42, 167, 34), (92, 130, 56), (160, 84, 44), (236, 160, 42), (241, 165, 38))


def leaping(key: float) -> Drawing:
    across, down, tall = _LEAP[int(key)]
    return strokes(outline((0.0, 0.0), (0.6, 0.5)) * (44, tall) + np.array([across, down]))


@pytest.mark.parametrize("gap", [0, 4])
def test_who_crouches_or_settles_stays_between_both_poses(gap: int) -> None:
    """The leap beside it is ten times as fast, and begins and ends at the inner key."""
    poses = np.array([pose(leaping(key)) for key in (gap, gap + 1)])
    span = np.ptp(poses, axis=0)
    found = np.array([pose(drawing) for drawing in drawings(among(leaping, 6, gap))])
    assert (found > poses.min(axis=0) - 0.1 * span).all()
    assert (found < poses.max(axis=0) + 0.1 * span).all()


def test_who_turns_back_for_a_leap_rests_at_both_keys_before_it() -> None:
    height = [pose(drawing)[1] for drawing in (leaping(0), *drawings(among(leaping, 6, 0)))]
    shares = (np.array(height) - height[0]) / (pose(leaping(1))[1] - height[0])
    assert shares[1] < 0.3
    assert shares[3] > 0.7


def pose(drawing: Drawing) -> tuple[float, float, float]:
    """Where the middle is, and how tall."""
    across, down = drawing.points.mean(axis=0)
    return float(across), float(down), float(np.ptp(drawing.points[:, 1]))


def lantern(angle: float) -> Drawing:
    """A bar with a mark on it, hung 90 px below what it swings about."""
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    parts = [outline((0, 90), (16, 34)), outline((0, 76), (6, 5))]
    return strokes(*(part @ turn + (160, 40) for part in parts))


def swinging(key: float) -> Drawing:
    """A quarter of a swing from key to key."""
    return lantern(0.62 * float(np.cos(np.pi / 2 * key)))


@pytest.mark.parametrize("gap", [0, 1, 2, 3])
def test_what_swings_keeps_its_size_between_its_keys(gap: int) -> None:
    task = among(swinging, 5, gap)
    bar = slice(*swinging(0).offsets[:2])
    whole = swinging(0).points
    for drawing in drawings(task):
        for part in (bar, slice(None)):
            about = drawing.points[part] - drawing.points[part].mean(axis=0)
            first = whole[part] - whole[part].mean(axis=0)
            grown = np.sqrt((about**2).sum() / (first**2).sum())
            assert grown == pytest.approx(1.0, abs=0.015)


def bone(start: np.ndarray, angle: float, length: float, wide: float) -> np.ndarray:
    """A limb as a closed outline with round ends, one of them about its start."""
    around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ring = wide * np.column_stack([np.cos(around), np.sin(around)])
    ring[:, 1] += np.where(np.sin(around) > 0, length, 0.0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ring @ turn.T + start


def throwing(key: float) -> Drawing:
    """An arm of three limbs that swing one behind the other, up to 40 degrees from key to key."""
    phase = np.pi / 2 * key
    bends = 0.5 * np.cos(phase), 0.6 * np.cos(phase - 0.9) - 0.4, 0.3 * np.cos(phase - 1.6)
    joint, limbs = np.array([160.0, 40.0]), []
    for angle, length, wide in zip(np.cumsum(bends), (60, 52, 22), (9, 7, 6), strict=True):
        limbs.append(bone(joint, float(angle), length, wide))
        joint = joint + length * np.array([-np.sin(angle), np.cos(angle)])
    return strokes(*limbs)


def sizes(limbs: list[np.ndarray]) -> list[float]:
    return [float(np.sqrt(((limb - limb.mean(axis=0)) ** 2).sum())) for limb in limbs]


@pytest.mark.parametrize("gap", [0, 1, 2, 3])
def test_limbs_that_keep_their_length_stay_joined(gap: int) -> None:
    """The round ends of two limbs lie about one joint: the outlines go on crossing there."""
    wanted = sizes(np.split(throwing(0).points, 3))
    for drawing in drawings(among(throwing, 5, gap)):
        limbs = np.split(drawing.points, 3)
        assert sizes(limbs) == pytest.approx(wanted, rel=0.06)
        for upper, lower in pairwise(limbs):
            foot, top = upper[:24].mean(axis=0), lower[24:].mean(axis=0)
            assert np.linalg.norm(foot - top) < 10  # 5 at the keys


def test_what_bends_as_it_swings_is_not_held_stiff() -> None:
    """A tail whose tip lags: through its keys it goes on bending as told by them."""

    def tail(key: float) -> Drawing:
        along = np.linspace(0, 1, 40)
        angle = 0.9 * np.sin(np.pi / 3 * (key - along))
        line = np.cumsum(np.column_stack([np.sin(angle), np.cos(angle)]) * 3.0, axis=0)
        side = np.array([4.0, 0.0])
        return strokes(np.concatenate([line + side, line[::-1] - side]) + np.array([160.0, 60.0]))

    task = among(tail, 6, 2)
    for drawing, time in zip(drawings(task), TIMES, strict=True):
        apart = np.linalg.norm(drawing.points - tail(2 + time).points, axis=1)
        assert apart.mean() < 1.5


def test_a_bent_arm_that_is_thrown_far_and_back_is_whole_all_the_way() -> None:
    """It rests at its keys, 150 degrees apart, with its elbow bent there by turns."""

    def arm(key: float) -> Drawing:
        raised, joint = round(key) % 2, np.array([160.0, 120.0])
        line = [joint]
        for angle, count in ((2.3 * raised, 20), (2.6 * raised - 0.9, 20)):
            step = 2.5 * np.array([np.sin(angle), np.cos(angle)])
            line += [line[-1] + step * (n + 1) for n in range(count)]
        across = np.gradient(np.array(line), axis=0)[:, ::-1] * (2.4, -2.4)
        return strokes(np.concatenate([line + across, (line - across)[::-1]]))

    def area(drawing: Drawing) -> float:
        x, y = drawing.points.astype(float).T
        return abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) / 2

    at_rest = area(arm(0))
    for gap in (1, 2):
        for drawing in drawings(among(arm, 5, gap)):
            assert area(drawing) > 0.8 * at_rest
            assert np.ptp(drawing.points, axis=0).max() > 60


@pytest.mark.parametrize(("keys", "gap"), [(4, 0), (4, 1), (4, 2), (3, 1)])
def test_what_falls_from_rest_gathers_speed(keys: int, gap: int) -> None:
    """Part of it is flung aside meanwhile, so that no shift of the whole explains its way."""

    def falling(key: float) -> Drawing:
        fall = np.array([0.0, 10.0 * key * key])
        stone, splinter = outline((140, 30), (20, 14)), outline((190, 30), (8, 8))
        return strokes(stone + fall, splinter + fall * (0.4, 1.0) + (14.0 * key, 0.0))

    for drawing, time in zip(drawings(among(falling, keys, gap)), TIMES, strict=True):
        apart = np.linalg.norm(drawing.points - falling(gap + time).points, axis=1)
        assert apart.max() < 0.5


def ribbon(key: float) -> Drawing:
    """A band along which a wave runs, a third of its period from key to key."""
    along = np.linspace(0, 1, 50)
    line = np.stack([60 + 200 * along, 120 + 14 * np.sin(2 * np.pi * (key / 3 - 1.2 * along))], 1)
    side = np.array([0.0, 5.0])
    return strokes(np.concatenate([line + side, line[::-1] - side]))


def test_a_wave_goes_on_through_its_keys() -> None:
    """Most points slow down at some key or turn back there; all the same none waits for others."""
    for gap in (2, 3):
        for drawing, time in zip(drawings(among(ribbon, 7, gap)), TIMES, strict=True):
            apart = np.linalg.norm(drawing.points - ribbon(gap + time).points, axis=1)
            assert apart.mean() < 2.8  # of 14; 3.2 where each waits at its own extreme


def test_a_wave_on_a_body_that_travels_goes_on_with_its_path_known() -> None:
    """Held by its path the body only beats up and down, as if each key were an extreme."""

    def fish(key: float) -> Drawing:
        drawn = ribbon(key)
        return replace(drawn, points=drawn.points + np.array([30 * key, 0], np.float32))

    def at(key: float) -> np.ndarray:
        return np.array([[60 + 30 * key, 120]], np.float32)

    task = among(fish, 7, 3)
    held = replace(
        task,
        tracks=np.stack([at(3 + time) for time in (0.0, *TIMES, 1.0)]),
        before=tuple(replace(key, points=at(3 + key.time)) for key in task.before),
        behind=tuple(replace(key, points=at(3 + key.time)) for key in task.behind),
    )
    for drawing, time in zip(drawings(held), TIMES, strict=True):
        apart = np.linalg.norm(drawing.points - fish(3 + time).points, axis=1)
        assert apart.mean() < 1.2  # 2.4 where it waits at its keys


@pytest.mark.parametrize("drawn_as", ["two outlines", "two outlines and a web", "one outline"])
def test_fingers_that_move_one_after_the_other_wait_however_they_are_drawn(drawn_as: str) -> None:
    """One rises from key 0 to key 1, the other from key 1 to key 2."""

    def hand(key: float) -> Drawing:
        risen = 40.0 * np.array([key >= 1, key >= 2])
        fingers = [
            outline((100 + 60 * n, 120), (10, 30)) - (0.0, float(up)) for n, up in enumerate(risen)
        ]
        palm = outline((130, 200), (50, 16))
        web = np.stack([np.linspace(104, 156, 6), 165.0 - np.repeat(risen, 3)], axis=1)
        if drawn_as == "one outline":
            return strokes(np.concatenate(fingers), palm)
        return strokes(*fingers, palm, *([web] if "web" in drawn_as else []))

    for gap, waiting in ((0, slice(120, 240)), (1, slice(0, 120))):
        for drawing in drawings(among(hand, 4, gap)):
            assert np.abs(drawing.points[waiting] - hand(gap).points[waiting]).max() < 0.5


def test_a_blow_before_does_not_make_a_swing_of_what_grows_and_shrinks_after_it() -> None:
    """A letter falls, is squashed, grows and shrinks: it grows no farther than it is drawn."""
    keys = ((-8, 0, 44), (-4, 110, 44), (-3, 166, 24), (0, 136, 54), (4, 154, 36), (8, 144, 46))
    drawn = [strokes(outline((160.0, down), (30, tall))) for _, down, tall in keys]
    beside = [Neighbour(time / 4, one) for (time, _, _), one in zip(keys, drawn, strict=True)]
    task = replace(
        among(lambda gap: drawn[3 + int(gap)], 2, 0),
        before=(beside[2], beside[1], beside[0]),
        behind=(beside[5],),
    )
    heights = [float(np.ptp(drawing.points[:, 1])) for drawing in drawings(task)]
    assert max(heights) < float(np.ptp(drawn[3].points[:, 1]))
