"""Sliced decoding gives what decoding the whole clip gives, however small the slices are."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backend.models.layeranimate.configs import AutoencoderConfig
from backend.models.layeranimate.dual_reference import ClipBlock, DualAutoencoder
from backend.models.layeranimate.frame_slices import GroupMoments
from backend.models.layeranimate.sliced_decode import DecodeSlices, decode_in_slices
from shared.errors import AcetateError
from tests.golden.fill import filled
from tests.golden.vectors import GoldenSet, relative_error

FRAMES = 5
CONFIG = AutoencoderConfig(channels=32, channel_mult=(1, 2, 4, 4), num_res_blocks=1)


@pytest.fixture(autouse=True)
def _no_gradients() -> object:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def dual() -> DualAutoencoder:
    torch.manual_seed(0)
    made = DualAutoencoder(CONFIG).eval().requires_grad_(False)
    for module in made.modules():
        if isinstance(module, ClipBlock):
            module.mix_factor.fill_(0.7)
        if isinstance(module, nn.GroupNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return made


def _clip(dual: DualAutoencoder, clips: int) -> tuple[Tensor, list[Tensor]]:
    generator = torch.Generator().manual_seed(1)
    pairs = torch.randn(clips, 2, 3, 32, 48, generator=generator)
    z = torch.randn(clips * FRAMES, 4, 4, 6, generator=generator)
    return z, dual.encode_references(pairs)[1]


@pytest.mark.parametrize(
    "slices",
    [
        DecodeSlices(frames=1, slice_bytes=20_000),
        DecodeSlices(frames=2, slice_bytes=100_000),
        DecodeSlices(frames=99, slice_bytes=1 << 30),
    ],
)
@pytest.mark.parametrize("clips", [1, 2])
@pytest.mark.parametrize("with_references", [True, False])
def test_slices_decode_like_the_whole_clip(
    dual: DualAutoencoder, slices: DecodeSlices, clips: int, with_references: bool
) -> None:
    z, states = _clip(dual, clips)
    references = states if with_references else None
    before = z.clone()
    whole = dual.decode(z, FRAMES, references)
    sliced = decode_in_slices(dual, z, FRAMES, references, slices)
    assert sliced.shape == whole.shape == (clips * FRAMES, 3, 32, 48)
    torch.testing.assert_close(sliced, whole, rtol=0, atol=3e-5 * float(whole.abs().max()))
    assert torch.equal(z, before)


def test_what_differs_is_rounding_only(dual: DualAutoencoder) -> None:
    exact = copy.deepcopy(dual).double()
    z, states = _clip(dual, 1)
    z, wide = z.double(), [state.double() for state in states]
    whole = exact.decode(z, FRAMES, wide)
    sliced = decode_in_slices(exact, z, FRAMES, wide, DecodeSlices(frames=2, slice_bytes=100_000))
    torch.testing.assert_close(sliced, whole, rtol=0, atol=1e-12)


def test_a_clip_of_one_frame_gets_both_references(dual: DualAutoencoder) -> None:
    z, states = _clip(dual, 1)
    whole = dual.decode(z[:1], 1, states)
    sliced = decode_in_slices(dual, z[:1], 1, states, DecodeSlices())
    torch.testing.assert_close(sliced, whole, rtol=0, atol=3e-5 * float(whole.abs().max()))


def test_chunks_of_frames_would_not_be_equal(dual: DualAutoencoder) -> None:
    """Why the layers are sliced instead: the far frames change the statistics of all."""
    z, _ = _clip(dual, 1)
    whole = dual.decode(z, FRAMES, None)
    other = z.clone()
    other[-1] *= 3
    change = (dual.decode(other, FRAMES, None) - whole)[0].abs().max()
    assert change > 1e-4 * whole.abs().max()


def test_slices_meet_the_official_vectors(reference_dir: Path) -> None:
    golden = GoldenSet(reference_dir / "reference" / "unet" / "golden")
    inputs, arrays = golden.tensors("vae"), golden.tensors("vae_dualref")
    config = AutoencoderConfig.from_official(golden.component("vae_dualref"))
    vae = filled(DualAutoencoder(config), golden.salt, "vae_dualref")
    _, states = vae.encode_references(inputs["in_frames"].unsqueeze(0))
    z, slices = inputs["in_z"], DecodeSlices(frames=1, slice_bytes=50_000)
    for name, references in (("decoded", states), ("decoded_noref", None)):
        decoded = decode_in_slices(vae, z, len(z), references, slices)
        assert relative_error(decoded, arrays[name]) < 3e-5


def test_moments_of_slices_are_those_of_the_whole() -> None:
    drawn = np.random.default_rng(3).normal(100.0, 0.5, (8, 30)).astype(np.float32)
    values = torch.from_numpy(drawn)
    norm = nn.GroupNorm(4, 8, eps=0.0)
    moments = GroupMoments(4, values)
    for part in values.split((1, 20, 9), dim=1):
        moments.add(part)
    normal = moments.normaliser(norm)
    scaled = values * normal.factor[:, None] + normal.shift[:, None]
    torch.testing.assert_close(scaled, norm(values[None])[0], rtol=0, atol=2e-4)


def test_a_cancel_stops_between_blocks(dual: DualAutoencoder) -> None:
    z, states = _clip(dual, 1)

    def cancel() -> None:
        raise AcetateError("cancelled")

    with pytest.raises(AcetateError, match="Cancelled"):
        decode_in_slices(dual, z, FRAMES, states, DecodeSlices(), cancel)


@pytest.mark.parametrize("slices", [None, DecodeSlices(frames=2, slice_bytes=100_000)])
def test_products_in_half_precision_stay_close(
    dual: DualAutoencoder, slices: DecodeSlices | None
) -> None:
    z, states = _clip(dual, 1)
    whole = dual.decode(z, FRAMES, states)
    with torch.autocast("cpu", torch.bfloat16):
        rough = (
            dual.decode(z, FRAMES, states)
            if slices is None
            else decode_in_slices(dual, z, FRAMES, states, slices)
        )
    assert (rough - whole).square().mean().sqrt() < 0.05 * whole.std()
