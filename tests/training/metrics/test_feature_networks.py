"""FID's and FVD's networks: sizes as published, units as PyTorch's own layers, faults named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from safetensors.torch import save_file

from shared.errors import AcetateError
from training.metrics import i3d, inception
from training.metrics.branching import Pool, Split, Step, Unit, fold, run, shapes
from training.metrics.features import FeatureExtractor

from .texture import texture


def _learned(steps: tuple[Step, ...], convolution: str) -> int:
    """Parameters that are learned: the norms' statistics do not count."""
    table = shapes(steps, convolution)
    return sum(int(np.prod(s)) for k, s in table.items() if "running" not in k)


def _weights(steps: tuple[Step, ...], convolution: str) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    found: dict[str, torch.Tensor] = {}
    for key, shape in shapes(steps, convolution).items():
        if len(shape) > 1:
            scale = (2 / int(np.prod(shape[1:]))) ** 0.5
            found[key] = torch.randn(shape, generator=generator) * scale
        else:
            found[key] = torch.rand(shape, generator=generator) + 0.5
    return found


def test_the_networks_have_the_published_sizes() -> None:
    assert _learned(inception.NETWORK, inception.CONVOLUTION) == 21_785_568
    assert _learned(i3d.NETWORK, i3d.CONVOLUTION) == 12_697_264


def test_a_unit_equals_the_usual_layers() -> None:
    steps: tuple[Step, ...] = (Unit("one", 3, 5, (3, 3), 2, (1, 1)),)
    tensors = _weights(steps, "conv")
    x = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(1))
    y = F.conv2d(x, tensors["one.conv.weight"], stride=2, padding=1)
    mean, variance, gain, shift = (
        tensors[f"one.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    expected = torch.relu(F.batch_norm(y, mean, variance, gain, shift, eps=1e-3))
    made = run(steps, fold(steps, tensors, "conv", Path("x")), x)
    torch.testing.assert_close(made, expected)


def test_same_padding_gives_the_sizes_of_tensorflow() -> None:
    steps: tuple[Step, ...] = (Unit("one", 1, 1, (7, 7, 7), 2), Pool("max", (1, 3, 3), (1, 2, 2)))
    folded = fold(steps, _weights(steps, "conv3d"), "conv3d", Path("x"))
    assert run(steps, folded, torch.zeros(1, 1, 15, 224, 20)).shape == (1, 1, 8, 56, 5)


def test_branches_join_in_order() -> None:
    mean, largest = Pool("avg", (3, 3), (1, 1), (1, 1)), Pool("max", (3, 3), (1, 1), (1, 1))
    x = torch.ones(1, 1, 4, 4)
    x[0, 0, 0, 0] = 5
    y = run((Split(((mean,), (largest,))),), {}, x)
    assert y.shape == (1, 2, 4, 4)
    assert float(y[0, 0, 0, 0]) == 2  # padding is not counted: (5 + 1 + 1 + 1) / 4
    assert float(y[0, 1, 1, 1]) == 5


_IGNORED = {
    "fc.weight": torch.zeros(1008, 1),
    "fc.bias": torch.zeros(1008),
    "Conv2d_1a_3x3.bn.num_batches_tracked": torch.zeros((), dtype=torch.int64),
}
"""What the usual port of FID's weights holds beside its features; the classifier here narrower."""

INCEPTION_FACTS = {
    "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
    "Conv2d_4a_3x3.bn.running_var": (192,),
    "Mixed_5b.branch_pool.conv.weight": (32, 192, 1, 1),
    "Mixed_5d.branch5x5_2.conv.weight": (64, 48, 5, 5),
    "Mixed_6a.branch3x3.conv.weight": (384, 288, 3, 3),
    "Mixed_6a.branch3x3dbl_3.bn.weight": (96,),
    "Mixed_6b.branch7x7_2.conv.weight": (128, 128, 1, 7),
    "Mixed_6e.branch7x7dbl_4.conv.weight": (192, 192, 7, 1),
    "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
    "Mixed_7b.branch3x3_1.conv.weight": (384, 1280, 1, 1),
    "Mixed_7c.branch3x3dbl_3b.conv.weight": (384, 384, 3, 1),
}
I3D_FACTS = {
    "Conv3d_1a_7x7.conv3d.weight": (64, 3, 7, 7, 7),
    "Conv3d_2c_3x3.bn.running_mean": (192,),
    "Mixed_3b.b1b.conv3d.weight": (128, 96, 3, 3, 3),
    "Mixed_4e.b2a.conv3d.weight": (32, 512, 1, 1, 1),
    "Mixed_4f.b0.conv3d.weight": (256, 528, 1, 1, 1),
    "Mixed_5b.b2b.conv3d.weight": (128, 32, 3, 3, 3),
    "Mixed_5c.b3b.bn.bias": (128,),
    "logits.conv3d.weight": (400, 1024, 1, 1, 1),
    "logits.conv3d.bias": (400,),
}
"""Keys and shapes of the published ports, from their definitions."""


def test_keys_and_shapes_are_those_of_the_published_ports() -> None:
    image = shapes(inception.NETWORK, inception.CONVOLUTION)
    assert len(image) == 94 * 5
    assert INCEPTION_FACTS.items() <= image.items()
    video = shapes(i3d.NETWORK, i3d.CONVOLUTION)
    assert len(video) == 57 * 5 + 2
    assert I3D_FACTS.items() <= video.items()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"Mixed_9z.branch1x1.conv.weight": torch.zeros(1)}, "unknown tensors: Mixed_9z"),
        ({"Mixed_7c.branch1x1.conv.weight": torch.zeros(320, 2048)}, "another shape: Mixed_7c"),
        ({"fc.weight": torch.zeros(1000, 1)}, "1008 classes"),
        ({"AuxLogits.fc.bias": torch.zeros(1000)}, "1008 classes"),
    ],
)
def test_other_networks_are_refused_by_name(
    tmp_path: Path, changed: dict[str, torch.Tensor], told: str
) -> None:
    path = tmp_path / "inception.safetensors"
    table = shapes(inception.NETWORK, inception.CONVOLUTION)
    half = {key: torch.zeros(shape, dtype=torch.float16) for key, shape in table.items()}
    save_file(half | _IGNORED | changed, path)
    with pytest.raises(AcetateError, match=told) as refused:
        inception.InceptionFeatures(path)
    assert refused.value.name == "model_corrupt"


def test_files_of_the_users_become_extractors(tmp_path: Path) -> None:
    image, video = tmp_path / "inception.safetensors", tmp_path / "i3d.safetensors"
    save_file(_weights(inception.NETWORK, inception.CONVOLUTION) | _IGNORED, image)
    save_file(_weights(i3d.NETWORK, i3d.CONVOLUTION), video)
    frames = np.stack([texture(seed, 40, 56) for seed in range(9)])
    per_frame: FeatureExtractor = inception.InceptionFeatures(image)
    per_clip: FeatureExtractor = i3d.I3dFeatures(video)
    made = per_frame(frames[:1])
    assert made.shape == (1, 2048)
    assert np.isfinite(made).all()
    assert per_clip(frames).shape == (1, 400)
    with pytest.raises(AcetateError, match="needs 9"):
        per_clip(frames[:8])
    with pytest.raises(AcetateError) as error:
        inception.InceptionFeatures(video)
    assert error.value.name == "model_corrupt"
