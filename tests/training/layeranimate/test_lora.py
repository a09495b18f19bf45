"""Promises of learned adapters: nothing else moves, merged is unmerged, off is off to the bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from backend.models.adapters.factors import Worn
from backend.models.adapters.files import read_adapter, write_adapter
from backend.models.adapters.settings import AdapterSettings
from backend.models.adapters.wardrobe import Wardrobe
from backend.models.layeranimate.bundle import LayerAnimateModel, build
from shared.errors import AcetateError
from training.layeranimate.batch import LayerBatch
from training.layeranimate.lora_layers import changes, learned_names, matrices, unwrap, wrap
from training.layeranimate.lora_settings import LoraOptions, Target
from training.layeranimate.objective import LayerAnimateModule, denoising_losses
from training.layeranimate.task import tiny_network
from training.run.task import Batch

from .drawn_batch import drawn_batch

DECODER = LoraOptions(rank=2, alpha=4.0, targets=("decoder", "fusion", "control"))


def fresh(seed: int = 0) -> LayerAnimateModel:
    return build(tiny_network(2), seed=seed)


def wrapped(options: LoraOptions = DECODER) -> tuple[LayerAnimateModule, list[str]]:
    module = LayerAnimateModule(fresh())
    paths = wrap(module, options, seed=5)
    module.requires_grad_(False)
    learned = set(learned_names(paths))
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name in learned)
    return module, paths


def predicted(module: LayerAnimateModule, batch: Batch) -> Tensor:
    parts = LayerBatch.of(batch)
    with torch.no_grad():
        encoded = module.encode(parts)
        return module.predict(encoded, parts.steering.noise, parts.steering.timestep)


def stir(module: LayerAnimateModule, paths: list[str]) -> None:
    """Numbers in both halves, as if something had been learned."""
    generator = torch.Generator().manual_seed(9)
    for change in changes(module, paths).values():
        with torch.no_grad():
            change.lora_B.normal_(0, 0.2, generator=generator)


def test_a_new_adapter_changes_nothing_and_only_it_learns() -> None:
    batch = drawn_batch(fresh())
    plain = predicted(LayerAnimateModule(fresh()), batch)
    module, paths = wrapped()
    assert torch.equal(predicted(module, batch), plain)
    module(batch).mean().backward()
    learned = set(learned_names(paths))
    for name, parameter in module.named_parameters():
        moves = parameter.grad is not None and bool(parameter.grad.any())
        # at the start the product of both halves leaves the first one without a gradient
        assert moves == (name in learned and name.endswith("lora_B")), name


def test_what_was_learned_runs_merged_as_it_ran_beside_the_weights(tmp_path: Path) -> None:
    batch = drawn_batch(fresh())
    module, paths = wrapped()
    stir(module, paths)
    beside = predicted(module, batch)
    write_adapter(tmp_path, matrices(module, paths), AdapterSettings(r=2, lora_alpha=4.0))
    model = fresh()
    dressed = Wardrobe(model).wearing([Worn(read_adapter(tmp_path, "style"))])
    merged = predicted(LayerAnimateModule(dressed), batch)
    plain = predicted(LayerAnimateModule(fresh()), batch)
    assert float((beside - plain).abs().max()) > 1e-2
    assert float((beside - merged).abs().max()) < 1e-4 * float(beside.abs().max())


def test_unwrapped_weights_are_those_from_before_to_the_bit() -> None:
    module, paths = wrapped()
    stir(module, paths)
    unwrap(module, paths)
    before = LayerAnimateModule(fresh()).state_dict()
    after = module.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_an_adapter_learns_what_it_is_shown() -> None:
    batch = drawn_batch(fresh())
    module, paths = wrapped(LoraOptions(rank=4, alpha=8.0, targets=("decoder", "fusion")))
    learned = [p for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=5e-3)
    losses = []
    for _ in range(6):
        optimiser.zero_grad()
        loss = module(batch).mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert paths
    assert losses[-1] < 0.97 * losses[0]


@pytest.mark.parametrize(
    ("target", "part", "without"),
    [
        ("decoder-attention", "unet.output_blocks.", "in_layers"),
        ("attention", "unet.", "in_layers"),
        ("decoder", "unet.out", "input_blocks"),
        ("fusion", "unet.masked_layer_fusion", "output_blocks"),
        ("control", "layer_controlnet.", "unet"),
        ("everything", "", "vae"),
    ],
)
def test_targets_choose_what_they_say(target: Target, part: str, without: str) -> None:
    module = LayerAnimateModule(fresh())
    paths = wrap(module, LoraOptions(rank=1, targets=(target,)), seed=0)
    assert paths
    assert all(path.startswith(part) and without not in path for path in paths)


def test_single_modules_can_be_named_and_a_choice_of_nothing_is_refused() -> None:
    module = LayerAnimateModule(fresh())
    options = LoraOptions(rank=1, targets=(), modules=("out.2",))
    assert wrap(module, options, seed=0) == ["unet.out.2"]
    with pytest.raises(AcetateError) as caught:
        wrap(module, LoraOptions(rank=1, targets=(), modules=("nothing",)), seed=0)
    assert caught.value.name == "usage"


def test_every_process_starts_with_the_same_adapter_and_another_seed_with_another() -> None:
    halves = []
    for seed in (1, 1, 2):
        module = LayerAnimateModule(fresh())
        paths = wrap(module, LoraOptions(rank=2, targets=("fusion",)), seed=seed)
        halves.append(matrices(module, paths)[paths[0]][0])
    assert torch.equal(halves[0], halves[1])
    assert not torch.equal(halves[0], halves[2])


def test_dropout_hides_inputs_in_training_only() -> None:
    module, paths = wrapped(LoraOptions(rank=2, targets=("fusion",), dropout=0.5))
    stir(module, paths)
    change = next(iter(changes(module, paths).values()))
    weight = torch.zeros(change.lora_B.shape[0], change.lora_A.shape[1])
    module.train()
    seen = (change(weight) != 0).any(dim=0)
    assert 0 < int(seen.sum()) < len(seen)
    module.eval()
    assert (change(weight) != 0).any(dim=0).all()


def test_denoising_is_the_loss() -> None:
    module, _ = wrapped()
    batch = drawn_batch(fresh())
    assert torch.equal(module(batch), denoising_losses(module, LayerBatch.of(batch)))
