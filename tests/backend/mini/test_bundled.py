"""The bundled weights: there, small, described, and better than layer motion on held-out clips."""

from __future__ import annotations

import json

import numpy as np

from backend.mini.expert import load_expert
from backend.mini.weights import CONFIG_FILE, NAME, WEIGHTS_FILE
from backend.weights import bundled
from training.measure import Score, Settings, measure_clip

_MODE = "animate/dense-sketch"


def test_the_bundled_weights_load_and_are_small() -> None:
    folder = bundled(NAME)
    assert (folder / WEIGHTS_FILE).stat().st_size < 10_000_000
    config = json.loads((folder / CONFIG_FILE).read_text())
    assert load_expert().sha256 == config["sha256"]


def test_the_card_says_what_the_weights_are() -> None:
    card = (bundled(NAME) / "card.md").read_text()
    for word in (load_expert().sha256, "seed", "Recipe", "Evaluation", "Log", "Apache-2.0"):
        assert word in card


def test_the_expert_gains_on_held_out_clips() -> None:
    found = [measure_clip(seed, Settings(modes=(_MODE,))) for seed in (7001, 7002, 7003)]
    pairs: list[tuple[Score, Score]] = [
        (clip.scores[_MODE]["mini"], clip.scores[_MODE]["layer-motion"]) for clip in found if clip
    ]
    assert len(pairs) >= 2
    assert np.mean([mini.psnr_db - base.psnr_db for mini, base in pairs]) > 0.2
    assert np.mean([mini.ssim - base.ssim for mini, base in pairs]) > 0
