"""What a worker keeps between jobs."""

from __future__ import annotations

import weakref

import pytest

from backend.jobs.runner import kept_painter
from backend.models.registry.installed import CHOICE_VARIABLE


class _Loaded:
    """Stands for a model in memory."""


def test_a_model_stays_until_others_are_chosen_and_goes_before_the_next_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    earlier: list[weakref.ref[_Loaded]] = []

    def load(device: str) -> _Loaded:
        assert device == "cpu"
        assert all(model() is None for model in earlier)  # a device may not hold two
        loaded = _Loaded()
        earlier.append(weakref.ref(loaded))
        return loaded

    current = kept_painter(load)
    monkeypatch.setenv(CHOICE_VARIABLE, "first")
    assert current("cpu") is current("cpu")
    monkeypatch.setenv(CHOICE_VARIABLE, "second")
    current("cpu")
    assert len(earlier) == 2


def test_a_model_that_fails_to_load_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    def load(device: str) -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise OSError("unplugged")
        return device

    monkeypatch.delenv(CHOICE_VARIABLE, raising=False)
    current = kept_painter(load)
    with pytest.raises(OSError, match="unplugged"):
        current("cpu")
    assert current("cpu") == "cpu"
    assert tries == 2
