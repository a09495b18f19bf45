"""Copies of entries between a device and host memory; on CUDA page-locked and on streams of
their own, so that the sampler computes meanwhile. Only `store` uses it.
"""

from __future__ import annotations

import contextlib
import logging
import weakref

import torch
from torch import Tensor

from backend.pipeline.feature_store.entry import Entry, carve, own_copy
from backend.pipeline.feature_store.stats import Notes

PIN_NOTE = "the system does not lock more memory; the feature store's copies are slower"
_MIN_PINNED_BYTES = 2**20  # small blocks share their pages with others, which cannot be locked
_CPU = torch.device("cpu")

log = logging.getLogger("acetate.features")


class Transfers:
    """Moves entries; one per store. `lower` goes to the host, `lift` to a device."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._streams: dict[torch.device, torch.cuda.Stream] = {}

    def lower(self, entry: Entry) -> Entry:
        """A copy in host memory. On CUDA it may still be under way: see `Entry.ready`."""
        if entry.device.type != "cuda":
            return own_copy(entry.tensors, device=_CPU)
        row = torch.empty(entry.nbytes, dtype=torch.uint8)
        is_pinned = self._pin(row, entry.device)
        tensors = carve(row, entry.forms)
        stream = self._stream(entry.device)
        stream.wait_stream(torch.cuda.current_stream(entry.device))
        with torch.inference_mode(False), torch.no_grad(), torch.cuda.stream(stream):
            for target, source in zip(tensors, entry.tensors, strict=True):
                target.copy_(source, non_blocking=True)
                source.record_stream(stream)
            ready = _event_on(stream)
        lowered = Entry(tensors, ready=ready, pinned=is_pinned)
        if is_pinned:
            weakref.finalize(lowered, _unpin, row, lowered.uses).atexit = False
            lowered.uses.append(ready)
        return lowered

    def lift(self, entry: Entry, device: torch.device, *, is_ahead: bool = False) -> Entry:
        """A copy on `device`; `is_ahead` puts it on a side stream (CUDA only)."""
        if device.type != "cuda":
            self.finish(entry)
            return own_copy(entry.tensors, device=device)
        current = torch.cuda.current_stream(device)
        stream = self._stream(device) if is_ahead else current
        with torch.inference_mode(False), torch.no_grad(), torch.cuda.stream(stream):
            if entry.ready is not None:
                stream.wait_event(entry.ready)
            tensors = tuple(
                tensor.to(device, non_blocking=entry.pinned, copy=True) for tensor in entry.tensors
            )
            ready = _event_on(stream)
        if entry.pinned:
            entry.uses[:] = [event for event in entry.uses if not event.query()] + [ready]
        return Entry(tensors, ready=ready if is_ahead else None)

    def finish(self, entry: Entry) -> None:
        """Wait until the host may read the entry."""
        if entry.ready is not None:
            entry.ready.synchronize()

    def hand_over(self, entry: Entry) -> tuple[Tensor, ...]:
        """The entry's tensors for use on the current stream, or by the host."""
        if entry.device.type != "cuda":
            self.finish(entry)
        elif entry.ready is not None:
            current = torch.cuda.current_stream(entry.device)
            current.wait_event(entry.ready)
            for tensor in entry.tensors:
                tensor.record_stream(current)
        return entry.tensors

    def _stream(self, device: torch.device) -> torch.cuda.Stream:
        if device not in self._streams:
            self._streams[device] = torch.cuda.Stream(device)
        return self._streams[device]

    def _pin(self, row: Tensor, device: torch.device) -> bool:
        """Lock the pages of exactly these bytes: torch's own pinned memory rounds sizes up to the
        next power of two, and a budget in bytes would not hold.
        """
        runtime = torch.cuda.cudart()
        if runtime is None or row.nbytes < _MIN_PINNED_BYTES:
            return False
        with torch.cuda.device(device):  # else a second card's worker would settle on the first
            fault = runtime.cudaHostRegister(row.data_ptr(), row.nbytes, 0)
        if int(fault) != 0:
            log.warning("%d bytes cannot be locked: %s", row.nbytes, fault)
            with contextlib.suppress(RuntimeError):
                torch.ones(1, device=device)  # else the next kernel would report this very fault
            self._notes.add(PIN_NOTE)
            return False
        return True


def _unpin(row: Tensor, uses: list[torch.cuda.Event]) -> None:
    for event in uses:
        event.synchronize()
    runtime = torch.cuda.cudart()
    if runtime is not None:
        runtime.cudaHostUnregister(row.data_ptr())


def _event_on(stream: torch.cuda.Stream) -> torch.cuda.Event:
    event = torch.cuda.Event()
    event.record(stream)
    return event
