"""The memory counter with a short cut for norms on the meta device; used to predict memory."""

from __future__ import annotations

from backend.measure.memory import PeakMemory
from backend.measure.quick_norms import QuickWatcher


class QuickPeak(QuickWatcher, PeakMemory):
    """`PeakMemory` in half the time where tensors have no content."""
