"""Frames to a layered clip: what comes out is consistent, and layers are the things."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from curation.bench.bars import BENCH
from curation.bench.measures import best_layer
from curation.bench.synthetic import BACKDROP, BALL
from curation.dataset.clip import LayeredClip
from curation.dataset.provenance import Annotation
from curation.stages.chain import ChainSettings, layered_clip, no_weights
from curation.stages.filters import FilterSettings, Reason, judge, measure_quality

from .conftest import clip


@cache
def _made() -> LayeredClip:
    return layered_clip(clip("twos", 8).frames, 24.0, ChainSettings(), BENCH)


def test_all_parts_of_a_clip_fit_together() -> None:
    made = _made()
    frames, height, width = made.labels.shape
    assert made.frames.shape == (frames, height, width, 3)
    assert made.labels.min() == 1
    assert made.labels.max() <= len(made.elements)
    assert {element.layer for element in made.elements} == set(range(len(made.layers)))
    assert made.tracks.points.shape == (len(made.tracks), frames, 2)
    assert made.tracks.elements.max() < len(made.elements)
    assert made.sketch is not None
    assert made.sketch.shape == made.labels.shape
    assert made.provenance.parameters_hash == ChainSettings().fingerprint()
    assert {note.kind for note in made.provenance.annotations} >= {"masks", "tracks", "sketch"}


def test_layers_are_the_things_that_move() -> None:
    things, layers = clip("twos", 8).things, _made().layer_labels()
    assert best_layer(layers[0], things[0] == BACKDROP) > 0.9
    assert best_layer(layers[0], things[0] == BALL) > 0.75


def test_layers_come_slowest_first_within_their_number() -> None:
    scores = [layer.score for layer in _made().layers]
    assert len(scores) <= 4
    assert scores[0] < 0.5 < scores[-1]


def test_an_unknown_way_to_make_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="motion or score"):
        layered_clip(clip("twos", 8).frames[:2], 24.0, ChainSettings(layers="magic"), BENCH)


def test_another_backend_takes_the_place_of_the_default_and_signs_for_it() -> None:
    def blank(picture: np.ndarray) -> np.ndarray:
        return np.full(picture.shape[:2], 255, np.uint8)

    signed = Annotation("sketch", "blank", "1", "CC0-1.0")
    parts = replace(no_weights(ChainSettings()), sketch=blank, annotations=(signed,))
    made = layered_clip(clip("twos", 8).frames[:2], 24.0, ChainSettings(), BENCH, parts)
    assert made.sketch is not None
    assert (made.sketch == 255).all()
    assert made.provenance.annotations == (signed,)


def test_settings_that_differ_have_another_fingerprint() -> None:
    assert ChainSettings().fingerprint() != ChainSettings(layers="score").fingerprint()


def test_a_good_clip_has_no_reason_against_it() -> None:
    assert judge(measure_quality(_made()), FilterSettings(frames=8)) == ()


def test_a_still_clip_in_bars_is_told_so() -> None:
    frames = np.repeat(clip("twos", 8).frames[:1], 4, 0)
    frames[:, :, :60] = 0
    reasons = judge(measure_quality(layered_clip(frames, 24.0, ChainSettings(), BENCH)))
    assert {Reason.SHORT, Reason.STATIC, Reason.BARS, Reason.ONE_LAYER} <= set(reasons)
    assert Reason.BLURRED not in reasons
