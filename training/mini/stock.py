"""What shards are made of: numbered lessons from any source; `shards` and the sources share it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from training.mini.samples import Samples


@dataclass(frozen=True)
class Stock:
    """Lessons by number, training and validation apart.

    `key`: short hash of what decides the samples of a number. `samples`: all of one number, the
    same every time.
    """

    key: str
    training: range
    validation: range
    samples: Callable[[int], Samples]
