"""What the sampler may ask of a feature store, and the store that keeps nothing; needs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from backend.pipeline.feature_store.stats import StoreStats
from shared.blobs import is_content_hash

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class TensorStore(Protocol):
    """Keeps tuples of tensors under keys of 64 lower-case hexadecimal digits.

    A key must stand for everything that decides the tensors; the store knows nothing of models.
    Any other key raises `ValueError`, because a key becomes a file name.
    """

    @property
    def stats(self) -> StoreStats:
        """Counters and problems so far."""
        ...

    def get(self, key: str, device: torch.device) -> tuple[Tensor, ...] | None:
        """The tensors of `key` on `device`, bit-equal and laid out as they were put; else None.

        They are the store's own and read only: compute with them, never into them. (One that
        torch wrote into is found out, dropped and noted, and the next `get` misses; a write through
        a NumPy view is not seen.)
        """
        ...

    def put(self, key: str, tensors: Sequence[Tensor]) -> None:
        """Keep a copy, as far as it fits. A full or read-only disk is noted, never raised.

        Takes float32, float16 and bfloat16; anything else raises `ValueError`.
        """
        ...

    def prefetch(self, keys: Sequence[str], device: torch.device) -> None:
        """Start to bring these nearer to `device`; harmless where there is nothing to gain."""
        ...

    def announce(self, keys: Iterable[str]) -> None:
        """Say which keys the coming run asks for, all of them; replaces what was said before.

        Nothing among them is thrown out for another one. Without this a run that is larger than
        the budget pushes out its own beginning, and the same run again finds nothing.
        """
        ...

    def news(self) -> tuple[str, ...]:
        """Problems that no call has told yet, for the warnings of a take."""
        ...

    def close(self) -> None:
        """Finish pending disk writes; later calls still work, without the disk."""
        ...


class NoStore:
    """The store of a run that keeps nothing: every `get` misses."""

    @property
    def stats(self) -> StoreStats:
        """All zero."""
        return StoreStats()

    def get(self, key: str, device: torch.device) -> None:
        """None."""
        del device
        check_key(key)

    def put(self, key: str, tensors: Sequence[Tensor]) -> None:
        """Nothing is kept."""
        del tensors
        check_key(key)

    def prefetch(self, keys: Sequence[str], device: torch.device) -> None:
        """Nothing is there to fetch."""
        del device
        for key in keys:
            check_key(key)

    def announce(self, keys: Iterable[str]) -> None:
        """Nothing is protected."""
        for key in keys:
            check_key(key)

    def news(self) -> tuple[str, ...]:
        """Nothing goes wrong."""
        return ()

    def close(self) -> None:
        """Nothing is pending."""


def check_key(key: str) -> None:
    """Raise `ValueError` unless `key` is 64 lower-case hexadecimal digits."""
    if not is_content_hash(key):
        raise ValueError(f"not a key of the feature store: {key[:80]!r}")
