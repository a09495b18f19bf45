"""Rows of (sample, valid slot): empty slots cost nothing; used by encoding and objective."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.models.layeranimate.attention import Context


@dataclass(frozen=True)
class PackedRows:
    """The valid slots of a batch, sample by sample.

    sample  int64 [rows], which sample a row belongs to
    slot    int64 [rows], which of its slots it is
    valid   bool [samples, m], m the highest valid slot + 1; None where all m slots are valid in
            all samples, and nothing need be masked
    samples number of samples
    """

    sample: Tensor
    slot: Tensor
    valid: Tensor | None
    samples: int

    @classmethod
    def of(cls, validity: Tensor) -> PackedRows:
        """Rows of `validity` [samples, n] bool."""
        sample, slot = torch.nonzero(validity, as_tuple=True)
        highest = int(slot.max()) + 1 if len(slot) else 0
        valid = validity[:, :highest]
        is_full = len(slot) == valid.numel()
        return cls(sample, slot, None if is_full else valid, len(validity))

    def __len__(self) -> int:
        return len(self.sample)

    def taken(self, x: Tensor) -> Tensor:
        """What belongs to each row: [samples, n, ...] -> [rows, ...]."""
        return x[self.sample, self.slot]

    def repeated(self, x: Tensor) -> Tensor:
        """What belongs to each row's sample: [samples, ...] -> [rows, ...]."""
        return x[self.sample]

    def context(self, context: Context) -> Context:
        """Each row's context."""
        return Context(self.repeated(context.text), self.repeated(context.image))

    def spread(self, x: Tensor, slots: int | None = None) -> Tensor:
        """Back to slots: [rows, ...] -> [samples, m, ...], zero where a slot is not valid.

        `slots` asks for more of them than m.
        """
        highest = len(x) // self.samples if self.valid is None else self.valid.shape[1]
        slots = highest if slots is None else slots
        if self.valid is None and slots == highest:
            return x.unflatten(0, (self.samples, -1))
        wide = x.new_zeros(self.samples, slots, *x.shape[1:])
        return wide.index_put((self.sample, self.slot), x)
