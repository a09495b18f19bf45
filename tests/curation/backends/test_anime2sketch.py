"""Anime2Sketch: official files load strictly, and the network gives the published one's values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.models.registry.convert import convert
from curation.backends.anime2sketch import LICENCE, WEIGHTS, load
from curation.backends.anime2sketch_network import SketchNetwork
from shared.errors import AcetateError

from .drawn_weights import drawn, picture, write

# What the published generator gives at every 72nd pixel with the weights and picture of
# `drawn_weights`, at a sixteenth of its width.
PUBLISHED = [
    [0.81644, 0.21846, -0.60964, -0.47957, -0.53378, 0.34829, 0.61458, 0.54141],
    [-0.66197, 0.00934, -0.0806, -0.51163, 0.02276, -0.42587, -0.33037, -0.54395],
]
PUBLISHED_IMPROVED = [
    [0.0272, -0.39497, -0.27139, -0.69942, -0.11375, -0.39243, 0.01384, -0.10837],
    [-0.7477, -0.65801, -0.53652, 0.08144, -0.06278, -0.19243, 0.05112, -0.6628],
]


Weights = dict[str, torch.Tensor]


def official_shapes(width: int, *, improved: bool = False) -> dict[str, tuple[int, ...]]:
    """Keys and shapes of `netG.pth` (or of `improved.bin`) at any width; 64 is the official one."""
    widths = [width * factor for factor in (1, 2, 4, 8, 8, 8, 8, 8)]
    shapes: dict[str, tuple[int, ...]] = {}

    def add(key: str, *shape: int, bias: int) -> None:
        shapes[f"{key}.weight"], shapes[f"{key}.bias"] = shape, (bias,)

    add("model.model.0", width, 3, 4, 4, bias=width)
    add("model.model.3", 2 * width, 1, 4, 4, bias=1)
    at = "model.model.1.model"
    for outer, inner in pairwise(widths[:7]):
        add(f"{at}.1", inner, outer, 4, 4, bias=inner)
        if improved:
            shapes[f"{at}.5.smooth.kernel"] = (1, 1, 3, 3)
            add(f"{at}.5.conv", outer, 2 * inner, 3, 3, bias=outer)
            add(f"{at}.5.mlp.0", 4 * outer, outer, 1, 1, bias=4 * outer)
            add(f"{at}.5.mlp.2", outer, 4 * outer, 1, 1, bias=outer)
        else:
            add(f"{at}.5", 2 * inner, outer, 4, 4, bias=outer)
        at += ".3.model"
    add(f"{at}.1", widths[7], widths[6], 4, 4, bias=widths[7])
    add(f"{at}.3", widths[7], widths[6], 4, 4, bias=widths[6])
    return shapes


def small_weights(*, improved: bool) -> Weights:
    """Of the official layout at a sixteenth of its width."""
    shapes = official_shapes(4, improved=improved)
    blur = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])[None, None] / 16
    made = drawn(shapes)
    return {key: blur.clone() if key.endswith("kernel") else made[key] for key in made}


@pytest.mark.parametrize("improved", [False, True])
def test_the_network_has_exactly_the_official_tensors(improved: bool) -> None:
    with torch.device("meta"):
        network = SketchNetwork(smooth=improved)
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert shapes == official_shapes(64, improved=improved)


@pytest.mark.parametrize(("improved", "expected"), [(False, PUBLISHED), (True, PUBLISHED_IMPROVED)])
def test_it_draws_what_the_published_network_draws(
    improved: bool, expected: list[list[float]]
) -> None:
    network = SketchNetwork(4, smooth=improved)
    network.load_state_dict(small_weights(improved=improved))
    pixels = torch.from_numpy(picture(256, 256)).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        lines = network(pixels)[0, 0, 16::72, 24::72]
    assert np.allclose(lines.numpy(), np.reshape(expected, (4, 4)), atol=2e-4)


def test_an_official_file_becomes_safetensors_and_draws(tmp_path: Path) -> None:
    pickled = {f"module.{key}": value for key, value in small_weights(improved=False).items()}
    torch.save(pickled, tmp_path / "netG.pth")
    convert(tmp_path / "netG.pth", tmp_path / WEIGHTS[0])
    drawn_lines = load(tmp_path, "cpu")(picture(90, 160))
    assert drawn_lines.shape == (90, 160)
    assert drawn_lines.dtype == np.uint8
    assert np.ptp(drawn_lines) > 20


def test_the_improved_file_is_told_by_its_keys(tmp_path: Path) -> None:
    write(tmp_path, "improved.safetensors", small_weights(improved=True))
    assert load(tmp_path, "cpu")(picture(64, 48)).shape == (64, 48)


def test_missing_weights_are_named_with_the_folder(tmp_path: Path) -> None:
    with pytest.raises(AcetateError) as caught:
        load(tmp_path, "cpu")
    assert caught.value.name == "weights_missing"
    assert WEIGHTS[0] in caught.value.text
    assert str(tmp_path) in caught.value.detail


def _without_a_key(tensors: Weights) -> Weights:
    return {key: value for key, value in tensors.items() if key != "model.model.3.bias"}


def _with_another_width(tensors: Weights) -> Weights:
    return {**tensors, "model.model.3.weight": torch.zeros(10, 1, 4, 4)}


def _with_a_key_more(tensors: Weights) -> Weights:
    return {**tensors, "head.weight": torch.zeros(1)}


def _of_another_model(tensors: Weights) -> Weights:
    return {"conv.weight": torch.zeros(3)}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_without_a_key, "model.model.3.bias"),
        (_with_another_width, "[10, 1, 4, 4]"),
        (_with_a_key_more, "head.weight"),
        (_of_another_model, "model.model.0.weight"),
    ],
)
def test_a_file_of_another_layout_is_refused_with_the_first_difference(
    tmp_path: Path, spoil: Callable[[Weights], Weights], said: str
) -> None:
    write(tmp_path, WEIGHTS[0], spoil(small_weights(improved=False)))
    with pytest.raises(AcetateError) as caught:
        load(tmp_path, "cpu")
    assert caught.value.name == "weights_unfit"
    assert said in caught.value.detail


def test_a_cut_off_file_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, WEIGHTS[0], small_weights(improved=False))
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(AcetateError) as caught:
        load(tmp_path, "cpu")
    assert caught.value.name == "weights_unfit"


def test_its_licence_lets_everybody_use_the_data() -> None:
    assert LICENCE == "MIT"
