"""Device names are checked before anything starts, each with the reason why it cannot be used."""

from __future__ import annotations

import pytest
import torch

from backend.torch_device import bytes_of_vram, checked_device, free_memory_bytes
from shared.errors import AcetateError

HAS_CUDA = torch.cuda.is_available()


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CUDA", "xla:0"])
def test_names_that_mean_nothing_are_refused(name: str) -> None:
    with pytest.raises(AcetateError) as caught:
        checked_device(name)
    assert caught.value.name == "device_unusable"
    assert len(caught.value.text) <= 80
    assert "no device name" in caught.value.hint


def test_the_processor_always_works_and_has_no_limit() -> None:
    assert checked_device("cpu") == "cpu"
    assert free_memory_bytes("cpu") is None


@pytest.mark.skipif(HAS_CUDA, reason="needs a computer without CUDA")
@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_cuda_without_a_card_says_so(name: str) -> None:
    with pytest.raises(AcetateError, match="cannot be used") as caught:
        checked_device(name)
    assert "no CUDA device" in caught.value.hint


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="needs a computer without Apple GPU")
def test_mps_elsewhere_says_so() -> None:
    with pytest.raises(AcetateError) as caught:
        checked_device("mps")
    assert "Apple" in caught.value.hint


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_CUDA, reason="needs a CUDA device")
def test_an_index_beyond_the_last_card_names_their_number() -> None:
    count = torch.cuda.device_count()
    assert checked_device(f"cuda:{count - 1}")
    assert (free_memory_bytes("cuda") or 0) > 0
    with pytest.raises(AcetateError) as caught:
        checked_device(f"cuda:{count}")
    assert f"there are {count}" in caught.value.hint


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), 1e9])
def test_impossible_amounts_of_memory_are_refused(value: float) -> None:
    with pytest.raises(AcetateError, match="--vram"):
        bytes_of_vram(value)


def test_gigabytes_are_decimal_and_none_stays_none() -> None:
    assert bytes_of_vram(12.0) == 12 * 10**9
    assert bytes_of_vram(None) is None
