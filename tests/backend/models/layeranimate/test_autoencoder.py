"""Autoencoders: frames stand alone in the plain one and look at the references in the other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.models.layeranimate.autoencoder import Posterior
from backend.models.layeranimate.dual_reference import DualAutoencoder

from .tiny import tiny_model


@pytest.fixture(autouse=True)
def _no_gradients() -> object:
    with torch.inference_mode():
        yield


def _dual() -> DualAutoencoder:
    dual = tiny_model().dual
    assert dual is not None
    return dual


def _drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_plain_frames_are_decoded_one_by_one_or_together_alike() -> None:
    vae, z = tiny_model().autoencoder, _drawn(3, 4, 4, 6)
    together = vae.decode(z)
    single = torch.cat([vae.decode(part) for part in z.split(1)])
    assert together.shape == (3, 3, 32, 48)
    torch.testing.assert_close(together, single, rtol=0, atol=1e-5)


def test_a_sample_depends_on_its_generator_only() -> None:
    posterior = Posterior(_drawn(1, 4, 2, 2), torch.zeros(1, 4, 2, 2))
    first, again, other = (posterior.sample(torch.Generator().manual_seed(s)) for s in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_frames_between_keys_are_decoded_clip_by_clip() -> None:
    dual = _dual()
    pairs = _drawn(2, 2, 3, 32, 48)
    z = _drawn(2 * 4, 4, 4, 6, seed=1)
    _, states = dual.encode_references(pairs)
    together = dual.decode(z, 4, states)
    for clip in range(2):
        own = [s[clip : clip + 1] for s in states]
        alone = dual.decode(z[4 * clip : 4 * clip + 4], 4, own)
        torch.testing.assert_close(together[4 * clip : 4 * clip + 4], alone, rtol=0, atol=1e-5)


def test_references_change_every_frame() -> None:
    dual = _dual()
    z = _drawn(4, 4, 4, 6)
    _, states = dual.encode_references(_drawn(1, 2, 3, 32, 48))
    change = (dual.decode(z, 4, states) - dual.decode(z, 4, None)).abs().amax(dim=(1, 2, 3))
    assert (change > 0).all()


def test_both_encoders_give_posteriors_of_one_shape() -> None:
    pictures = _drawn(2, 3, 32, 48)
    plain = tiny_model().autoencoder.encode(pictures)
    assert plain.mean.shape == _dual().encode(pictures).mean.shape == (2, 4, 4, 6)
