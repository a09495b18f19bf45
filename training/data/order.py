"""Which sample comes when, as a function of a seed and a number; the training loop calls this.

Samples of a run are numbered 0, 1, 2 ... over all epochs and processes. A number alone gives the
sample's index and its random stream, so that resuming needs one integer, whatever the number of
processes (`spec/backend-and-training.md` B1.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from shared.errors import AcetateError

_ORDER, _SAMPLE = 0, 1


@dataclass(frozen=True)
class SampleOrder:
    """Every sample once per epoch, in an order of the epoch's own. Picklable.

    `length`: samples in an epoch, at least 1. `seed`: 0 .. 2^64 - 1.
    """

    length: int
    seed: int

    def __post_init__(self) -> None:
        if self.length < 1:
            raise AcetateError("usage", where="there are no samples to learn from")
        if not 0 <= self.seed < 2**64:
            raise AcetateError("usage", where="a seed lies between 0 and 2^64 - 1")

    def index(self, number: int) -> int:
        """Index of sample `number` in its source, 0 .. length - 1."""
        epoch, position = divmod(number, self.length)
        return int(_permutation(self.length, self.seed, epoch)[position])

    def generator(self, number: int) -> np.random.Generator:
        """The random stream of sample `number`; distinct numbers give independent streams."""
        return np.random.Generator(_stream(self.seed, number, _SAMPLE))


def share(step: int, batch: int, rank: int, world: int) -> range:
    """Sample numbers of process `rank` of `world` in step `step`.

    `batch`: samples of one step over all processes together. Parts are contiguous and equally
    long, so that one process with 4 samples and two with 2 learn from the same samples. Raises
    `usage` where the batch cannot be divided.
    """
    if batch % world:
        raise AcetateError("usage", where=f"{world} processes cannot share a batch of {batch}")
    part = batch // world
    first = step * batch + rank * part
    return range(first, first + part)


def _stream(seed: int, number: int, purpose: int) -> np.random.Philox:
    """A counter-based stream: Salmon and others 2011, keyed by seed and number."""
    key = np.array([seed, number], np.uint64)
    return np.random.Philox(key=key, counter=np.array([0, 0, 0, purpose], np.uint64))


@lru_cache(maxsize=4)
def _permutation(length: int, seed: int, epoch: int) -> np.ndarray:
    """int64 [length]. Ranks of raw draws: these, unlike shuffles, are fixed in every NumPy."""
    draws = _stream(seed, epoch, _ORDER).random_raw(length)
    return np.argsort(draws, kind="stable")
