"""UniMatch: the official file loads strictly, values are the published ones, matching is exact."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.models.registry.convert import convert
from curation.backends.unimatch import LICENCE, WEIGHTS, UniMatchFlow, load
from curation.backends.unimatch_network import matching
from curation.backends.unimatch_network.network import UniMatch
from curation.backends.unimatch_network.refinement import upsampled
from curation.backends.unimatch_network.windows import from_windows, shifted_mask, to_windows
from shared.errors import AcetateError

from .drawn_weights import drawn, picture, write

# What the published network gives, reckoned in float64, there and back, with the weights and the
# pictures 1 and 2 of `drawn_weights`, at every 24th row from 8 and every 36th column from 12.
PUBLISHED = [
    [
        [[26.896, 29.349, 14.485], [22.318, 25.791, 7.449], [10.427, 34.235, 0.984]],
        [[12.177, 7.746, 4.804], [-8.549, 2.266, -2.143], [-4.239, -3.173, 5.282]],
    ],
    [
        [[16.231, -5.186, 8.12], [-0.535, 7.661, 4.379], [5.424, 5.265, 5.99]],
        [[19.427, 5.018, 6.817], [0.054, -20.9, -12.241], [-7.288, -7.192, -4.308]],
    ],
]


def _convolution(key: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f"{key}.weight": shape, f"{key}.bias": shape[:1]}


def _encoder_shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "backbone.conv1.weight", (64, 3, 7, 7)
    for stage, inside, outside in ((1, 64, 64), (2, 64, 96), (3, 96, 128)):
        for block, first in ((0, inside), (1, outside)):
            key = f"backbone.layer{stage}.{block}"
            yield f"{key}.conv1.weight", (outside, first, 3, 3)
            yield f"{key}.conv2.weight", (outside, outside, 3, 3)
            if first != outside:
                yield from _convolution(f"{key}.downsample.0", outside, first, 1, 1).items()
    yield from _convolution("backbone.conv2", 128, 128, 1, 1).items()
    yield "backbone.trident_conv.weight", (128, 128, 3, 3)


def _transformer_shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    for layer in range(6):
        for part in ("self_attn", "cross_attn_ffn"):
            key = f"transformer.layers.{layer}.{part}"
            for name in ("q_proj", "k_proj", "v_proj", "merge"):
                yield f"{key}.{name}.weight", (128, 128)
            yield from _convolution(f"{key}.norm1", 128).items()
        yield f"{key}.mlp.0.weight", (1024, 256)
        yield f"{key}.mlp.2.weight", (128, 1024)
        yield from _convolution(f"{key}.norm2", 128).items()


def official_shapes() -> dict[str, tuple[int, ...]]:
    """Keys and shapes of the official model of two scales and six refinements."""
    shapes = dict(_encoder_shapes()) | dict(_transformer_shapes())
    for name in ("q_proj", "k_proj"):
        shapes |= _convolution(f"feature_flow_attn.{name}", 128, 128)
    shapes |= _convolution("refine_proj", 256, 128, 1, 1)
    shapes |= _convolution("refine.encoder.convc1", 256, 81, 1, 1)
    shapes |= _convolution("refine.encoder.convc2", 192, 256, 3, 3)
    shapes |= _convolution("refine.encoder.convf1", 128, 2, 7, 7)
    shapes |= _convolution("refine.encoder.convf2", 64, 128, 3, 3)
    shapes |= _convolution("refine.encoder.conv", 126, 256, 3, 3)
    for index, kernel in ((1, (1, 5)), (2, (5, 1))):
        for gate in "zrq":
            shapes |= _convolution(f"refine.gru.conv{gate}{index}", 128, 384, *kernel)
    shapes |= _convolution("refine.flow_head.conv1", 256, 128, 3, 3)
    shapes |= _convolution("refine.flow_head.conv2", 2, 256, 3, 3)
    shapes |= _convolution("refine.mask.0", 256, 128, 3, 3)
    return shapes | _convolution("refine.mask.2", 144, 256, 1, 1)


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return drawn(official_shapes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, weights: dict[str, torch.Tensor]) -> Path:
    """As it comes about: a trainer's file, converted under its own name."""
    folder = tmp_path_factory.mktemp("unimatch")
    pickled = (folder / WEIGHTS[0]).with_suffix(".pth")
    torch.save({"model": weights, "step": 100_000}, pickled)
    convert(pickled, folder)
    return folder


@pytest.fixture(scope="module")
def estimator(folder: Path) -> UniMatchFlow:
    return load(folder, "cpu")


def test_the_network_has_exactly_the_official_tensors() -> None:
    with torch.device("meta"):
        network = UniMatch()
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert shapes == official_shapes()
    # the paper's 7.4 million
    assert sum(math.prod(shape) for shape in shapes.values()) == 7_360_688


def test_flow_there_and_back_is_what_the_published_network_gives(estimator: UniMatchFlow) -> None:
    flows = np.stack(estimator.both_ways(picture(64, 96, 1), picture(64, 96, 2)))
    found = flows[:, 8::24, 12::36].transpose(0, 3, 1, 2)
    assert np.allclose(found, PUBLISHED, atol=0.02)


def test_one_way_is_the_first_of_both_ways(estimator: UniMatchFlow) -> None:
    pair = picture(64, 64, 3), picture(64, 64, 4)
    assert np.allclose(estimator(*pair), estimator.both_ways(*pair)[0], atol=0.02)


def test_pictures_of_any_size_give_flow_of_that_size(estimator: UniMatchFlow) -> None:
    flow = estimator(picture(45, 70, 1), picture(45, 70, 2))
    assert flow.shape == (45, 70, 2)
    assert flow.dtype == np.float32
    assert np.isfinite(flow).all()


def test_a_portrait_is_seen_lying_and_its_flow_stood_up_again(estimator: UniMatchFlow) -> None:
    lying = picture(40, 64, 1), picture(40, 64, 2)
    standing = estimator(*(part.transpose(1, 0, 2) for part in lying))
    assert np.array_equal(standing, estimator(*lying).transpose(1, 0, 2)[..., ::-1])


def test_flow_of_a_resized_picture_is_scaled_per_axis() -> None:
    class Steady(torch.nn.Module):
        def forward(self, first: torch.Tensor, second: torch.Tensor, *, both: bool) -> torch.Tensor:
            assert first.shape == second.shape == (1, 3, 64, 96)
            return torch.tensor([6.0, 4.0])[None, :, None, None].expand(1, 2, 64, 96)

    flow = UniMatchFlow(Steady(), "cpu")(picture(48, 80), picture(48, 80))  # pyright: ignore[reportArgumentType]
    assert np.allclose(flow, (6 * 80 / 96, 4 * 48 / 64))


def _told_apart(height: int, width: int) -> torch.Tensor:
    """Features in which every place has a direction of its own, [1, h * w, h, w]."""
    return 100.0 * torch.eye(height * width).view(1, -1, height, width)


def test_equal_pictures_match_themselves() -> None:
    features = _told_apart(6, 8)
    assert matching.global_match(features, features).abs().max() < 1e-4
    assert matching.local_match(features, features, 4).abs().max() < 1e-4


@pytest.mark.parametrize(("right", "down"), [(3, 0), (-2, 1), (0, -4)])
def test_a_moved_picture_matches_by_its_move(right: int, down: int) -> None:
    features = _told_apart(10, 12)
    moved = features.roll((down, right), (2, 3))
    expected = torch.tensor([right, down]).float()[:, None, None].expand(2, 2, 4)
    for flow in (
        matching.global_match(features, moved),
        matching.local_match(features, moved, 4),
    ):
        assert torch.allclose(flow[0, :, 4:6, 4:8], expected, atol=1e-3)


def test_likeness_around_a_place_goes_row_by_row() -> None:
    features = _told_apart(9, 9)
    alike = matching.correlation(
        features, features.roll((1, -2), (2, 3)), torch.zeros(1, 2, 9, 9), 4
    )
    assert int(alike[0, :, 4, 4].argmax()) == (1 + 4) * 9 + (-2 + 4)
    flow = torch.tensor([-2.0, 1.0])[None, :, None, None]
    alike = matching.correlation(features, features.roll((1, -2), (2, 3)), flow, 4)
    assert int(alike[0, :, 4, 4].argmax()) == 40


def test_a_large_table_of_likenesses_is_made_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    query, key, value = (torch.randn(2, 50, size) for size in (8, 8, 2))
    whole = matching.attended(query, key, value)
    monkeypatch.setattr(matching, "_AT_ONCE", 700)
    assert torch.allclose(matching.attended(query, key, value), whole, atol=1e-6)
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    assert torch.allclose(whole, expected, atol=1e-5)


def test_upsampling_keeps_constant_flow_inside_of_the_picture() -> None:
    flow = torch.tensor([1.5, -0.25])[None, :, None, None].expand(1, 2, 6, 7)
    grown = upsampled(flow, torch.randn(1, 144, 6, 7))
    assert grown.shape == (1, 2, 24, 28)
    expected = torch.tensor([6.0, -1.0])[:, None, None].expand(2, 16, 20)
    assert torch.allclose(grown[0, :, 4:-4, 4:-4], expected, atol=1e-5)


def test_windows_come_back_whole() -> None:
    features = torch.randn(2, 8, 12, 5)
    assert torch.equal(from_windows(to_windows(features, 4), 4, 8, 12), features)


def test_moved_windows_do_not_see_over_the_edge() -> None:
    mask = shifted_mask(8, 8, 2, torch.device("cpu"))
    assert mask.shape == (4, 16, 16)
    assert not mask[0].any()
    # the last window holds four corners of the picture, four places each
    assert (mask[3] == 0).sum(1).tolist() == [4] * 16
    assert (mask[1] == 0).sum(1).tolist() == [8] * 16


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(AcetateError) as caught:
        load(tmp_path, "cpu")
    assert caught.value.name == "weights_missing"
    assert "gmflow-scale2-regrefine6" in caught.value.text


def test_the_model_without_refinement_is_refused(
    tmp_path: Path, weights: dict[str, torch.Tensor]
) -> None:
    kept = {key: value for key, value in weights.items() if not key.startswith("refine")}
    write(tmp_path, WEIGHTS[1], kept)
    with pytest.raises(AcetateError) as caught:
        load(tmp_path, "cpu")
    assert caught.value.name == "weights_unfit"
    assert "refine" in caught.value.detail


def test_its_licence_lets_everybody_use_the_data() -> None:
    assert LICENCE == "MIT"
