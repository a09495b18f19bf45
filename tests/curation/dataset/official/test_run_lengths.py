"""Masks survive COCO's run lengths, and what is no mask is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from curation.dataset.damage import DamageError
from curation.dataset.official.run_lengths import decode_mask, encode_mask

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40))


@settings(max_examples=150, deadline=None)
@given(MASKS)
def test_masks_come_back_exactly(mask: np.ndarray) -> None:
    height, width = mask.shape
    assert np.array_equal(decode_mask(encode_mask(mask), (width, height)), mask)


def test_counts_are_those_of_coco() -> None:
    """Pairs made with pycocotools 2.0.11."""
    square = np.zeros((20, 30), bool)
    square[5:12, 4:19] = True
    disc = np.hypot(*np.mgrid[-20:21, -30:31]) < 17.5
    disc_counts = b"Ua09m06K4M2N2N2N2N2N2O0O2O000O2O0000000000000001N10001N101N2N2N2N2N2N3L5JX`0"
    assert encode_mask(square) == b"e27=000000000000000000000000000g6"
    assert encode_mask(disc) == disc_counts
    assert encode_mask(np.ones((4, 6), bool)) == b"0h0"
    assert encode_mask(np.zeros((4, 6), bool)) == b"h0"


@pytest.mark.parametrize(
    "counts", [b"", b"o", b"\x00\x00", b"~~", b"oooooooooooo0", b"1", b"O1", b"T30", b"i0n"]
)
def test_counts_that_are_no_mask_are_refused(counts: bytes) -> None:
    with pytest.raises(DamageError):
        decode_mask(counts, (6, 4))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=30))
def test_noise_is_refused_or_a_mask(noise: bytes) -> None:
    try:
        assert decode_mask(noise, (6, 4)).shape == (4, 6)
    except DamageError:
        return
