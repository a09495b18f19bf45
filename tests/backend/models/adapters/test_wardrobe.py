"""Promises of wearing adapters: the sum is exact, taking off is exact to the bit, names tell."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from backend.models.adapters.factors import Adapter, Worn
from backend.models.adapters.files import read_adapter
from backend.models.adapters.fitting import weights_of
from backend.models.adapters.wardrobe import Wardrobe
from backend.models.layeranimate.bundle import LayerAnimateModel, build, tiny_config
from backend.models.layeranimate.generate import generate_clip
from shared.errors import AcetateError
from tests.backend.models.layeranimate.tiny import QUICK, clip_conditions, tiny_model

from .drawn import ATTENTION, CONVOLUTION, EVERY_KIND, FRAMES_CONVOLUTION, adapter_folder


def fresh_model() -> LayerAnimateModel:
    """A model of its own, packed as the loader packs it."""
    return build(tiny_config(4), seed=0).ready()


def drawn(folder: Path, seed: int = 0, alpha: float = 2.0) -> Adapter:
    return read_adapter(adapter_folder(folder, tiny_model(), seed=seed, alpha=alpha), f"s{seed}")


def snapshot(model: LayerAnimateModel) -> dict[str, Tensor]:
    return {
        f"{part}.{key}": value.clone()
        for part, network in model.parts().items()
        for key, value in network.state_dict().items()
    }


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_worn_weights_are_the_sum_of_all_changes_at_their_scales(tmp_path: Path) -> None:
    model = fresh_model()
    before = {key: value.clone() for key, value in weights_of(model.parts()).items()}
    first, second = drawn(tmp_path / "a", 0), drawn(tmp_path / "b", 1, alpha=1.0)
    Wardrobe(model).wearing([Worn(first, 0.5), Worn(second, -2.0)])
    after = weights_of(model.parts())
    for module in EVERY_KIND:
        a, b = first.factors[module], second.factors[module]
        wanted = before[module].flatten(1) + 0.5 * a.up.flatten(1) @ a.down.flatten(1)
        wanted = wanted - 2.0 * 0.5 * b.up.flatten(1) @ b.down.flatten(1)
        assert torch.allclose(after[module].flatten(1), wanted, atol=1e-6)
    untouched = set(before) - set(EVERY_KIND)
    assert all(torch.equal(before[key], after[key]) for key in untouched)


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (CONVOLUTION, (2, 128, 6, 7)),
        (FRAMES_CONVOLUTION, (2, 64, 6, 7)),
        (ATTENTION, (2, 5, 64)),
    ],
)
def test_a_merged_layer_computes_what_two_thin_layers_beside_it_compute(
    tmp_path: Path, module: str, shape: tuple[int, ...]
) -> None:
    model = fresh_model()
    layer = model.unet.get_submodule(module.removeprefix("unet."))
    adapter = drawn(tmp_path)
    factors = adapter.factors[module]
    x = torch.randn(shape)
    with torch.no_grad():
        beside = _thin(x, factors.down, factors.up)
        wanted = layer(x) + 0.7 * factors.strength * beside
        Wardrobe(model).wearing([Worn(adapter, 0.7)])
        assert torch.allclose(layer(x), wanted, atol=1e-4)


def _thin(x: Tensor, down: Tensor, up: Tensor) -> Tensor:
    """The low-rank path as peft runs it: into the bottleneck by the layer's own kind, and out."""
    functional = torch.nn.functional
    if down.dim() == 2:
        return functional.linear(functional.linear(x, down), up)
    if down.dim() == 4:
        return functional.conv2d(functional.conv2d(x, down, padding=1), up)
    wide = functional.conv2d(x, down.squeeze(-1), padding=(1, 0))
    return functional.conv2d(wide, up.squeeze(-1))


def test_taking_off_gives_back_every_bit_and_what_was_packed_stays_packed(tmp_path: Path) -> None:
    model = fresh_model()
    before = snapshot(model)
    places = {key: value.data_ptr() for key, value in weights_of(model.parts()).items()}
    wardrobe = Wardrobe(model)
    first, second = drawn(tmp_path / "a", 0), drawn(tmp_path / "b", 1)
    wardrobe.wearing([Worn(first)])
    worn = snapshot(model)
    wardrobe.wearing([Worn(second, 0.3), Worn(first)])
    wardrobe.wearing([Worn(first)])
    assert same(snapshot(model), worn)
    assert not same(worn, before)
    assert wardrobe.wearing() is model
    assert same(snapshot(model), before)
    now = {key: value.data_ptr() for key, value in weights_of(model.parts()).items()}
    assert now == places


def test_half_precision_weights_come_back_too(tmp_path: Path) -> None:
    model = fresh_model().to("cpu", torch.bfloat16).ready()
    before = snapshot(model)
    wardrobe = Wardrobe(model)
    wardrobe.wearing([Worn(drawn(tmp_path), 3.3)])
    assert not same(snapshot(model), before)
    wardrobe.wearing()
    assert same(snapshot(model), before)


def test_parts_that_rest_on_the_host_wear_adapters_when_they_are_brought(tmp_path: Path) -> None:
    model, wanted = fresh_model(), fresh_model()
    adapter = drawn(tmp_path)
    before = snapshot(model)
    Wardrobe(wanted).wearing([Worn(adapter)])
    model.placement.settle(model.parts(), torch.device("cpu"), ("unet", "layer_controlnet"))
    wardrobe = Wardrobe(model)
    wardrobe.wearing([Worn(adapter)])
    for _ in range(2):
        with model.placement.using("unet", "layer_controlnet"):
            assert same(snapshot(model), snapshot(wanted))
    wardrobe.wearing()
    with model.placement.using("unet", "layer_controlnet"):
        assert same(snapshot(model), before)


def test_no_two_sets_of_adapters_share_an_identity(tmp_path: Path) -> None:
    model = fresh_model()
    wardrobe = Wardrobe(model)
    first, second = drawn(tmp_path / "a", 0), drawn(tmp_path / "b", 1)
    sets = [
        [],
        [Worn(first)],
        [Worn(first, 0.5)],
        [Worn(second)],
        [Worn(first), Worn(second)],
        [Worn(first, 0.5), Worn(second, 0.5)],
    ]
    names = [wardrobe.wearing(worn).identity for worn in sets]
    assert len(set(names)) == len(sets)
    assert [wardrobe.wearing(worn).identity for worn in sets] == names
    assert wardrobe.wearing([Worn(first, 0.0)]).identity == names[0]


def test_a_misfit_or_an_overflow_leaves_the_model_bare(tmp_path: Path) -> None:
    model = fresh_model()
    before = snapshot(model)
    wardrobe = Wardrobe(model)
    good = drawn(tmp_path)
    huge = {module: _times(factors.down, 1e30) for module, factors in good.factors.items()}
    factors = {
        module: type(f)(huge[module], _times(f.up, 1e30), f.strength)
        for module, f in good.factors.items()
    }
    with pytest.raises(AcetateError) as caught:
        wardrobe.wearing([Worn(good), Worn(Adapter("huge", "h", factors))])
    assert caught.value.name == "adapter_unfit"
    assert same(snapshot(model), before)
    wide = Adapter("wide", "w", {ATTENTION: good.factors[CONVOLUTION]})
    with pytest.raises(AcetateError) as caught:
        wardrobe.wearing([Worn(wide)])
    assert caught.value.name == "adapter_unfit"
    assert wardrobe.wearing() is model


def _times(x: Tensor, factor: float) -> Tensor:
    return x * factor


def test_a_clip_in_an_adapter_differs_and_the_next_one_without_is_as_before(
    tmp_path: Path,
) -> None:
    model = fresh_model()
    conditions = clip_conditions(keys=1)
    plain = generate_clip(model, conditions, QUICK)
    wardrobe = Wardrobe(model)
    styled = generate_clip(wardrobe.wearing([Worn(drawn(tmp_path))]), conditions, QUICK)
    assert abs(styled - plain).max() > 1e-3
    assert (generate_clip(wardrobe.wearing(), conditions, QUICK) == plain).all()
