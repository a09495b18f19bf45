"""Wall seen between limbs is told by its colour; a figure in other colours is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from curation.stages.plain import PlainSettings, plain_backdrop

WALL, FIGURE, GAP, SHIRT = range(4)
COLOURS = np.array([(180, 170, 150), (20, 20, 20), (181, 171, 150), (150, 60, 60)], np.uint8)


def _figure() -> np.ndarray:
    """Regions [120, 200]: a figure before a wall, through which the wall shows once."""
    regions = np.full((120, 200), WALL)
    regions[30:90, 80:120] = FIGURE
    regions[40:60, 88:112] = GAP
    regions[65:85, 88:112] = SHIRT
    return regions


def _found(settings: PlainSettings, rests: tuple[bool, ...] = (True, False, False, False)) -> list:
    regions = _figure()
    grain = np.random.default_rng(1).integers(-2, 3, (*regions.shape, 1))
    picture = np.clip(COLOURS[regions].astype(int) + grain, 0, 255).astype(np.uint8)
    return plain_backdrop(picture, regions, np.array(rests), settings).tolist()


def test_wall_between_limbs_is_wall() -> None:
    assert _found(PlainSettings()) == [False, False, True, False]


@pytest.mark.parametrize(
    "settings",
    [PlainSettings(alike=0.0), PlainSettings(uneven=0.1), PlainSettings(most=0.01)],
    ids=["off", "uneven", "large"],
)
def test_what_could_be_anything_is_left_alone(settings: PlainSettings) -> None:
    assert not any(_found(settings))


def test_only_what_is_seen_to_rest_speaks_for_others() -> None:
    assert not any(_found(PlainSettings(), (False,) * 4))


def test_a_like_colour_far_away_says_nothing() -> None:
    regions = np.full((60, 400), FIGURE)
    regions[:, :40], regions[20:40, 300:330] = WALL, GAP
    picture = COLOURS[regions]
    rests = np.array([True, False, False])
    assert not plain_backdrop(picture, regions, rests, PlainSettings()).any()
    near = PlainSettings(reach=0.7)
    assert plain_backdrop(picture, regions, rests, near).tolist() == [False, False, True]
