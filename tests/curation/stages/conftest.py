"""Short synthetic clips with exact truth, made once."""

from __future__ import annotations

from functools import cache

import cv2
import pytest

from curation.bench.synthetic import SyntheticClip, make


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    cv2.setNumThreads(1)


@cache
def clip(kind: str, frames: int = 6) -> SyntheticClip:
    """A short clip of one kind."""
    return make(kind, frames=frames)
