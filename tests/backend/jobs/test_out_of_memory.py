"""Memory that runs out is recognised in the errors of every library that may notice it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from backend.jobs.out_of_memory import is_out_of_memory
from shared.errors import AcetateError

TOO_MUCH = 2**50


def exhaust_opencv() -> None:
    cv2.resize(np.zeros((4, 4), np.uint8), (2**24, 2**23))


def exhaust_graphics_memory() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize(
    "exhaust",
    [
        lambda: bytearray(TOO_MUCH),
        lambda: np.zeros(TOO_MUCH, np.uint8),
        lambda: torch.empty(TOO_MUCH, dtype=torch.uint8),
        exhaust_opencv,
        exhaust_graphics_memory,
    ],
)
def test_every_librarys_exhaustion_is_recognised(exhaust: Callable[[], object]) -> None:
    with pytest.raises((MemoryError, RuntimeError, cv2.error)) as caught:
        exhaust()
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    "fail",
    [
        lambda: cv2.resize(np.zeros((4, 4), np.uint8), (0, 0)),
        lambda: torch.zeros(2) @ torch.zeros(3),
        lambda: [].pop(),
    ],
)
def test_other_errors_are_not_mistaken_for_it(fail: Callable[[], object]) -> None:
    with pytest.raises((RuntimeError, IndexError, cv2.error)) as caught:
        fail()
    assert not is_out_of_memory(caught.value)


def test_its_text_has_no_unfilled_place() -> None:
    assert "?" not in AcetateError("oom").text
