"""Promises about art that a pose turns over: it is noticed, and softened until it is whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from backend.layer_motion.folding import TORN_SHARE, folded_shares, untangled, whole_steps
from backend.layer_motion.plan import Scene, Step, open_scene
from backend.layer_motion.pose import AT_REST, Field, Pose
from backend.layer_motion.task import GapTask

from .drawn import HEIGHT, WIDTH, outline, painted

QUARTER_TURN = np.array([[0.0, -1.0, 120.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.fixture
def scene() -> Scene:
    """A blob in the middle of the camera."""
    art = painted(outline((70.0, 48.0), (30.0, 24.0)))
    return open_scene(GapTask(WIDTH, HEIGHT, art, None, (0.5, 1.0)), lambda: None)


def pulled(height_px: float) -> Pose:
    """The art pulled sideways by so much within a narrow bump in its middle."""
    x = np.arange(WIDTH) + 0.5
    offsets = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    offsets[..., 0] = height_px * np.exp(-(((x - 75.0) / 6.0) ** 2))
    return Pose(AT_REST.forward, Field(offsets, 0.0, 0.0, (1.0, 1.0)))


def test_an_affine_pose_folds_nothing(scene: Scene) -> None:
    assert folded_shares(scene, scene.first, [AT_REST, Pose(QUARTER_TURN)]) == [0.0, 0.0]


def test_a_steep_pull_folds_and_a_gentle_one_does_not(scene: Scene) -> None:
    gentle, steep = folded_shares(scene, scene.first, [pulled(2.0), pulled(30.0)])
    assert gentle == 0.0
    assert steep > TORN_SHARE


def test_missing_poses_and_missing_art_have_no_share(scene: Scene) -> None:
    assert folded_shares(scene, scene.first, [None, pulled(30.0)]) == folded_shares(
        scene, scene.first, [pulled(30.0)]
    )
    assert folded_shares(scene, None, [pulled(30.0)]) == []


def test_a_folding_pose_is_softened_until_it_no_longer_folds(scene: Scene) -> None:
    eased = untangled(scene, scene.first, pulled(12.0))
    assert folded_shares(scene, scene.first, [eased])[0] <= TORN_SHARE
    assert eased.reach > 0.0


def test_a_pose_that_folds_nothing_comes_back_itself(scene: Scene) -> None:
    gentle = pulled(2.0)
    assert untangled(scene, scene.first, gentle) is gentle


def test_what_cannot_be_softened_becomes_affine(scene: Scene) -> None:
    offsets = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    offsets[..., 0] = -3.0 * (np.arange(WIDTH) - WIDTH / 2)
    mirrored = Pose(AT_REST.forward, Field(offsets, 0.0, 0.0, (1.0, 1.0)))
    assert untangled(scene, scene.first, mirrored).is_affine


def between_keys(poses: Sequence[tuple[Pose | None, Pose]]) -> tuple[Step, ...]:
    """Whole steps between two keys; `poses`: those of the first's and of the last's art."""
    art = painted(outline((70.0, 48.0), (30.0, 24.0)))
    times = tuple(np.linspace(0, 1, len(poses) + 2)[1:-1])
    scene = open_scene(GapTask(WIDTH, HEIGHT, art, art, times), lambda: None)
    return whole_steps(scene, tuple(Step(first, last, 0.5) for first, last in poses))


def test_a_key_is_left_out_only_where_it_is_torn_or_was_torn_on_the_way() -> None:
    sound, torn = pulled(2.0), pulled(30.0)
    steps = between_keys([(sound, sound), (sound, torn), (sound, sound), (sound, sound)])
    assert [step.from_last is None for step in steps] == [True, True, False, False]
    assert [step.share for step in steps] == [0.0, 0.0, 0.5, 0.5]
    mirrored = between_keys([(sound, sound), (torn, sound), (sound, sound), (sound, sound)])
    assert [step.from_first is None for step in mirrored] == [False, True, True, True]
    assert [step.share for step in mirrored] == [0.5, 1.0, 1.0, 1.0]


def test_a_key_that_tore_on_its_way_does_not_come_back() -> None:
    sound, torn = pulled(2.0), pulled(30.0)
    steps = between_keys([(sound, sound), (sound, sound), (torn, sound), (sound, torn)])
    assert [step.from_last is None for step in steps] == [True, True, False, False]
    assert [step.from_first is None for step in steps] == [False] * 4


def test_the_few_drawings_that_fold_without_another_key_are_softened(scene: Scene) -> None:
    steps = tuple(Step(pose) for pose in (pulled(2.0), pulled(12.0), pulled(2.0)))
    poses = [step.from_first for step in whole_steps(scene, steps)]
    assert max(folded_shares(scene, scene.first, poses)) <= TORN_SHARE
    assert poses[0] is steps[0].from_first


def test_the_few_drawings_of_the_last_key_that_fold_are_softened(scene: Scene) -> None:
    given = [(None, pulled(by)) for by in (2.0, 12.0, 2.0)]
    poses = [step.from_last for step in between_keys(given)]
    assert max(folded_shares(scene, scene.first, poses)) <= TORN_SHARE
    assert poses[0] is given[0][1]
