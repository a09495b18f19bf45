"""One eager expert with random weights, and sketched gaps to try it on."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
import torch

from backend.layer_motion.engine import animate_gap
from backend.layer_motion.task import GapResult, GapTask
from backend.mini.expert import Expert, load_expert
from backend.mini.network import NetworkConfig, SketchExpertNet
from backend.mini.weights import save_weights
from training.modes import MODES, Mode, layer_task
from training.procedural import Stratum, make_clip, render

WORKING_HEIGHT = 96


@pytest.fixture(scope="session")
def weights_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights that change every pixel they may change."""
    torch.manual_seed(0)
    network = SketchExpertNet(NetworkConfig((8, 12, 16), (1, 1, 1)))
    for parameter in network.head.parameters():
        torch.nn.init.normal_(parameter, 0, 0.3)
    folder = tmp_path_factory.mktemp("mini")
    save_weights(network, folder, working_height=WORKING_HEIGHT)
    return folder


@pytest.fixture(scope="session")
def eager(weights_folder: Path) -> Expert:
    """The expert with those weights."""
    return load_expert(weights_folder)


def mode(name: str) -> Mode:
    """A mode of the evaluation by its name."""
    return next(mode for mode in MODES if mode.name == name)


@lru_cache
def moved(
    name: str, stratum: Stratum = "deform", size: tuple[int, int] = (160, 96)
) -> tuple[GapTask, GapResult]:
    """A layer of one procedural clip in a mode, and what layer motion makes of it."""
    task = layer_task(render(make_clip(9, strata=(stratum,)), *size), 0, mode(name))
    return task, animate_gap(task)
