"""What was encoded before is used only for exactly the clips, rules and weights it was made of."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from shared.errors import AcetateError
from tests.training.layeranimate.moving import RULES, samples_of, tiny_module
from training.layeranimate.latent_cache import MANIFEST, CachedSamples, CacheKey, write_cache
from training.layeranimate.objective import LayerAnimateModule
from training.layeranimate.sample_settings import ControlMix
from training.layeranimate.samples import LayerAnimateSamples
from training.run.feed import stacked

VARIANTS = 2
_ONLY = {
    "score": ControlMix(score=1, trajectory=0, sketch=0),
    "sketch": ControlMix(score=0, trajectory=0, sketch=1),
}


@pytest.fixture(scope="module")
def module() -> LayerAnimateModule:
    return tiny_module()


def _written(
    folder: Path, module: LayerAnimateModule, source: LayerAnimateSamples
) -> tuple[Path, CacheKey]:
    key = CacheKey.of(source, module.vae, VARIANTS)
    return write_cache(folder, source, module, key), key


def test_cached_samples_are_kept_draws_with_fresh_noise(
    tmp_path: Path, module: LayerAnimateModule
) -> None:
    source = samples_of(1, msgspec.structs.replace(RULES, sample_posterior=True))
    folder, key = _written(tmp_path, module, source)
    cached = CachedSamples(folder, source, key)
    assert len(cached) == len(source)
    first, again = (cached.sample(0, np.random.default_rng(3)) for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    other = cached.sample(0, np.random.default_rng(4))
    assert not torch.equal(first["noise"], other["noise"])
    batch = stacked([first, other])
    assert "video" not in batch
    with torch.no_grad():
        assert bool(torch.isfinite(module(batch)).all())


@pytest.mark.parametrize("control", ["score", "sketch"])
def test_a_cached_sample_has_the_loss_of_its_pictures_but_for_half_precision(
    tmp_path: Path, module: LayerAnimateModule, control: str
) -> None:
    rules = msgspec.structs.replace(RULES, flip=0.0, mask_dropout=0.0, single_key=1.0)
    rules = msgspec.structs.replace(rules, max_stride=0)
    rules = msgspec.structs.replace(rules, mix=_ONLY[control], sketch_context=1.0)
    source = samples_of(1, rules)  # nothing is left to draw but what is drawn anew each time
    folder, key = _written(tmp_path, module, source)
    cached = CachedSamples(folder, source, key).sample(0, np.random.default_rng(0))
    plain = source.sample(0, np.random.default_rng(0))
    for name in ("timestep", "noise", "text", "image"):
        plain[name] = cached[name]
    with torch.no_grad():
        pair = [module(stacked([sample])) for sample in (plain, cached)]
    torch.testing.assert_close(pair[1], pair[0], rtol=1e-3, atol=0)


def test_other_clips_rules_weights_or_counts_look_for_another_folder(
    module: LayerAnimateModule,
) -> None:
    source = samples_of(2)
    other_rules = samples_of(2, msgspec.structs.replace(RULES, flip=0.25))
    names = {
        CacheKey.of(source, module.vae, 2).name,
        CacheKey.of(source, module.vae, 3).name,
        CacheKey.of(samples_of(3), module.vae, 2).name,
        CacheKey.of(other_rules, module.vae, 2).name,
        CacheKey.of(source, tiny_module(seed=1).vae, 2).name,
    }
    assert len(names) == 5
    assert CacheKey.of(samples_of(2), tiny_module().vae, 2).name in names


def test_a_folder_under_a_wrong_name_is_refused(tmp_path: Path, module: LayerAnimateModule) -> None:
    source = samples_of(1)
    folder, _ = _written(tmp_path, module, source)
    other = CacheKey.of(source, tiny_module(seed=1).vae, VARIANTS)
    folder.rename(tmp_path / other.name)
    with pytest.raises(AcetateError) as caught:
        CachedSamples(tmp_path / other.name, source, other)
    assert caught.value.name == "bad_latents"


def test_damage_is_named_and_an_unfinished_cache_is_finished(
    tmp_path: Path, module: LayerAnimateModule
) -> None:
    source = samples_of(1)
    folder, key = _written(tmp_path, module, source)
    shard = folder / "000000.safetensors"
    whole = shard.read_bytes()
    (folder / MANIFEST).unlink()
    with pytest.raises(AcetateError):
        CachedSamples(folder, source, key)
    shard.unlink()
    write_cache(tmp_path, source, module, key)
    assert shard.read_bytes() == whole
    shard.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(AcetateError) as caught:
        CachedSamples(folder, source, key).sample(0, np.random.default_rng(0))
    assert caught.value.name == "bad_latents"
    shard.unlink()
    with pytest.raises(AcetateError) as caught:
        CachedSamples(folder, source, key)
    assert caught.value.name == "bad_latents"


def test_clips_with_one_key_and_with_two_share_a_batch(
    tmp_path: Path, module: LayerAnimateModule
) -> None:
    source = samples_of(1, msgspec.structs.replace(RULES, single_key=0.5))
    key = CacheKey.of(source, module.vae, 8)
    cached = CachedSamples(write_cache(tmp_path, source, module, key), source, key)
    drawn = [cached.sample(0, np.random.default_rng(seed)) for seed in range(12)]
    assert {bool(sample["two_keys"]) for sample in drawn} == {True, False}
    with torch.no_grad():
        assert bool(torch.isfinite(module(stacked(drawn))).all())
