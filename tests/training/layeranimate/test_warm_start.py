"""Training begins with released folders and base checkpoints, and says what it took from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from backend.models.layeranimate.bundle import LayerAnimateModel, build
from backend.models.layeranimate.checkpoint import save_model
from backend.models.layeranimate.configs import LayerAnimateConfig
from shared.errors import AcetateError
from tests.training.layeranimate.moving import FRAMES, drawn, samples_of
from training.layeranimate.batch import LayerBatch
from training.layeranimate.objective import LayerAnimateModule
from training.layeranimate.task import tiny_network
from training.layeranimate.warm_start import from_base, from_folder
from training.run.feed import stacked

_OLD_NAMES = {"linear_1": "0", "linear_2": "2"}


def _config(with_references: bool = False) -> LayerAnimateConfig:
    """Sizes that a file without settings tells by its shapes: the resampler's cannot be tiny."""
    config = tiny_network(FRAMES)
    resampler = replace(config.resampler, head_channels=64, video_length=16)
    dual = config.autoencoder if with_references else None
    return replace(config, resampler=resampler, dual=dual)


def _base_tensors(model: LayerAnimateModel) -> dict[str, Tensor]:
    """A model's tensors under the names and prefixes of a base checkpoint, without what is new."""
    found: dict[str, Tensor] = {}
    for key, value in model.unet.state_dict().items():
        if key.startswith("masked_layer_fusion"):
            continue
        for new, old in _OLD_NAMES.items():
            key = key.replace(f"embed.{new}", f"embed.{old}")
            key = key.replace(f"embedding.{new}", f"embedding.{old}")
        found[f"model.diffusion_model.{key}"] = value
    autoencoder = model.dual if model.dual is not None else model.autoencoder
    for prefix, part in (("first_stage_model", autoencoder), ("image_proj_model", model.resampler)):
        found |= {f"{prefix}.{key}": value for key, value in part.state_dict().items()}
    found["cond_stage_model.model.positional_embedding"] = torch.zeros(77, 4)
    found["betas"] = torch.zeros(1000)
    return {key: value.clone().contiguous() for key, value in found.items()}


def test_a_released_folder_is_taken_whole(tmp_path: Path) -> None:
    model = build(tiny_network(FRAMES), seed=5)
    save_model(model, tmp_path)
    found, report = from_folder(tmp_path)
    for name, part in model.parts().items():
        assert report.loaded[name] == len(part.state_dict())
        for key, value in part.state_dict().items():
            assert torch.equal(found.parts()[name].state_dict()[key], value)


@pytest.mark.parametrize("with_references", [False, True])
def test_a_base_checkpoint_fills_all_but_what_is_new(tmp_path: Path, with_references: bool) -> None:
    base = build(_config(with_references), seed=5)
    file = tmp_path / "base.safetensors"
    save_file(_base_tensors(base), file)
    found, report = from_base(file, seed=1)
    assert replace(found.config.unet.trunk, dropout=0.0) == base.config.unet.trunk
    for key, value in found.unet.state_dict().items():
        if not key.startswith("masked_layer_fusion"):
            assert torch.equal(value, base.unet.state_dict()[key])
    assert torch.equal(found.resampler.latents, base.resampler.latents)
    source = base.dual if base.dual is not None else base.autoencoder
    weight = "encoder.conv_in.weight"
    assert torch.equal(found.autoencoder.state_dict()[weight], source.state_dict()[weight])
    assert (found.dual is not None) == with_references
    assert all(key.startswith("masked_layer_fusion") for key in report.initialised["unet"])
    assert report.left == {"cond_stage_model": 1, "betas": 1}
    assert any("copied from the UNet" in line for line in report.lines())


def test_the_branch_begins_as_the_unets_encoder_and_changes_nothing_yet(tmp_path: Path) -> None:
    file = tmp_path / "base.safetensors"
    save_file(_base_tensors(build(_config(), seed=5)), file)
    model, report = from_base(file, seed=1)
    branch, unet = model.control.state_dict(), model.unet.state_dict()
    deep = "input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight"
    assert torch.equal(branch[deep], unet[deep])
    first = "input_blocks.0.0.weight"
    assert torch.equal(branch[first][:, :4], unet[first][:, 4:])
    assert not branch[first][:, 4:].any()
    assert set(report.initialised["layer_controlnet"]) == {
        key
        for key in branch
        if key.startswith(("motion_embedding", "sketch_embedding", "trajectory_embedding"))
    }
    module = LayerAnimateModule(model)
    batch = LayerBatch.of(stacked([drawn(samples_of(), 0, 1)]))
    with torch.no_grad():
        encoded = module.encode(batch)
        context = replace(encoded.context, image=encoded.context.image[:, :FRAMES])
        encoded = replace(encoded, context=context)
        x, times = torch.cat([encoded.clean, encoded.key_latents], dim=1), batch.steering.timestep
        layers = module.features(encoded, x, times)
        fused = module.unet(x, times, context, encoded.fps, layers)
        plain = module.unet(x, times, context, encoded.fps, None)
    assert torch.equal(fused, plain)


def test_a_base_without_a_part_of_the_unet_is_damaged(tmp_path: Path) -> None:
    tensors = _base_tensors(build(_config(), seed=5))
    del tensors["model.diffusion_model.middle_block.0.in_layers.2.weight"]
    save_file(tensors, tmp_path / "base.safetensors")
    with pytest.raises(AcetateError) as caught:
        from_base(tmp_path / "base.safetensors", seed=1)
    assert caught.value.name == "model_corrupt"
    assert "middle_block.0.in_layers.2.weight" in caught.value.detail


def test_a_checkpoint_that_may_hold_programs_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.ckpt"
    torch.save({"model.diffusion_model.out.2.bias": torch.zeros(4)}, file)
    with pytest.raises(AcetateError) as caught:
        from_base(file, seed=1)
    assert caught.value.name == "pickled_weights"
