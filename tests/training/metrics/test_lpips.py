"""LPIPS: the three layouts load, equal a plain computation, and damaged files are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from shared.errors import AcetateError
from training.metrics.backbones import ALEX, BACKBONES, activations, table, widths
from training.metrics.lpips import SCALE, SHIFT, load_lpips, random_lpips

from .texture import shifted, texture


def _weights(name: str) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    steps = BACKBONES[name]
    found = {
        f"features.{key}": torch.randn(shape, generator=generator) * 0.05
        for key, shape in table(steps).items()
    }
    for index, width in enumerate(widths(steps)):
        found[f"lin{index}.model.1.weight"] = torch.rand(1, width, 1, 1, generator=generator)
    return found


def test_the_backbones_have_the_sizes_of_their_papers() -> None:
    counts = {
        name: sum(int(np.prod(shape)) for shape in table(steps).values())
        for name, steps in BACKBONES.items()
    }
    assert counts == {"alex": 2_469_696, "vgg": 14_714_688, "squeeze": 722_496}
    assert widths(BACKBONES["vgg"]) == [64, 128, 256, 512, 512]
    assert widths(BACKBONES["squeeze"]) == [64, 128, 256, 384, 384, 512, 512]


def test_taps_have_the_known_sizes() -> None:
    tensors = {key: torch.zeros(shape) for key, shape in table(ALEX).items()}
    taps = activations(ALEX, tensors, torch.zeros(1, 3, 64, 64))
    assert [tuple(tap.shape[1:]) for tap in taps] == [
        (64, 15, 15),
        (192, 7, 7),
        (384, 3, 3),
        (256, 3, 3),
        (256, 3, 3),
    ]


@pytest.mark.parametrize("name", ["alex", "squeeze"])
def test_weights_of_either_naming_load(name: str, tmp_path: Path) -> None:
    plain, reference = tmp_path / "plain.safetensors", tmp_path / "reference.safetensors"
    weights = _weights(name)
    weights["classifier.1.weight"] = torch.zeros(2, 2)
    save_file(weights, plain)
    renamed = {key.replace("features.", "net.slice1."): value for key, value in weights.items()}
    heads = {k.replace("lin", "lins.", 1): v for k, v in weights.items() if k.startswith("lin")}
    scaling = {f"scaling_layer.{name}": torch.ones(1, 3, 1, 1) for name in ("shift", "scale")}
    save_file(renamed | {k: v.clone() for k, v in heads.items()} | scaling, reference)
    made, truth = texture(0, 48, 64)[None], texture(1, 48, 64)[None]
    one, other = load_lpips(plain), load_lpips(reference)
    assert one.name == "LPIPS"
    assert one.identity != other.identity
    np.testing.assert_array_equal(one(made, truth), other(made, truth))
    assert float(one(made, truth)[0]) > 0


def test_the_distance_equals_a_plain_computation(tmp_path: Path) -> None:
    path = tmp_path / "alex.safetensors"
    weights = _weights("alex")
    save_file(weights, path)
    pictures = [texture(seed, 64, 64) for seed in (0, 1)]
    normalised = [
        (torch.from_numpy(p.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1 - _row(SHIFT))
        / _row(SCALE)
        for p in pictures
    ]
    tensors = {k.removeprefix("features."): v for k, v in weights.items() if k[0] == "f"}
    expected = 0.0
    for index, (a, b) in enumerate(
        zip(*(activations(ALEX, tensors, x) for x in normalised), strict=True)
    ):
        a, b = (torch.nn.functional.normalize(x, dim=1, eps=1e-10) for x in (a, b))
        head = weights[f"lin{index}.model.1.weight"]
        expected += float(torch.nn.functional.conv2d((a - b) ** 2, head).mean())
    made = load_lpips(path)(pictures[0][None], pictures[1][None])
    assert float(made[0]) == pytest.approx(expected, rel=1e-4)


def _row(values: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(values)[None, :, None, None]


def test_random_features_are_marked_and_grow_with_the_fault() -> None:
    distance = random_lpips()
    assert distance.name == "rLPIPS"
    truth = texture()[None]
    assert float(distance(truth, truth)[0]) == 0
    small, large = (float(distance(shifted(truth[0], d, 0)[None], truth)[0]) for d in (0.5, 4))
    assert 0 < small < large


def test_damaged_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(AcetateError) as missing:
        load_lpips(tmp_path / "none.safetensors")
    assert missing.value.name == "model_missing"
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no tensors")
    headless = tmp_path / "headless.safetensors"
    save_file({k: v for k, v in _weights("alex").items() if k != "lin3.model.1.weight"}, headless)
    other = tmp_path / "other.safetensors"
    save_file({"features.0.weight": torch.zeros(4, 3, 3, 3)}, other)
    more = tmp_path / "more.safetensors"
    save_file(_weights("alex") | {"lin0.model.1.bias": torch.zeros(1)}, more)
    for path in (broken, headless, other, more):
        with pytest.raises(AcetateError) as error:
            load_lpips(path)
        assert error.value.name == "model_corrupt"
