"""Captions of procedural clips are facts in plain English."""

from __future__ import annotations

import pytest

from training.procedural.words import (
    colour_name,
    counted,
    heading,
    listed,
    sentence,
    travelling,
    with_article,
)


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((10, 10, 12), "black"),
        ((250, 250, 250), "white"),
        ((128, 128, 130), "grey"),
        ((230, 30, 30), "red"),
        ((110, 60, 20), "brown"),
        ((240, 220, 40), "yellow"),
        ((30, 90, 30), "dark green"),
        ((60, 90, 230), "blue"),
        ((250, 200, 210), "pale pink"),
    ],
)
def test_colours_have_their_everyday_names(colour: tuple[int, int, int], name: str) -> None:
    assert colour_name(colour) == name


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        ((1, 0), "to the right"),
        ((-1, 0.1), "to the left"),
        ((0, -2), "up"),
        ((1, 1), "down and to the right"),
    ],
)
def test_directions_are_named_as_seen(shift: tuple[float, float], words: str) -> None:
    assert heading(shift) == words


def test_pace_depends_on_distance_and_time() -> None:
    assert travelling("walks", (0.3, 0), 1.0) == "walks to the right"
    assert travelling("walks", (0.3, 0), 4.0) == "walks slowly to the right"
    assert travelling("walks", (0.3, 0), 0.3) == "walks quickly to the right"
    assert travelling("walks", (0.001, 0), 1.0) == "walks in place"


def test_phrases_are_english() -> None:
    assert with_article("orange car") == "an orange car"
    assert counted(2, "limb") == "two limbs"
    assert counted(1, "limb") == "one limb"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a"]) == "a"
    assert sentence("rain falls") == "Rain falls."
