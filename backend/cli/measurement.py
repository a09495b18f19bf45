"""What a benchmark is given and what it gives; `acetate bench` and its benchmarks use this."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SIZES = ((512, 320), (1920, 1080))


@dataclass(frozen=True)
class Measurement:
    """One figure. `value` is in `unit`: of times the median wall time, else a count or a quality.

    `config`: what was run, as a name or as its sizes. `ratio`: `value` over that of the mode named
    by `reference`, measured in the same run. `cpu_s`: processor seconds that it took.
    """

    name: str
    config: dict[str, object] | str
    value: float
    unit: str
    ratio: float
    reference: str
    cpu_s: float
    details: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Span:
    """Wall and processor seconds of one piece of work."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class BenchOptions:
    """What every benchmark is given: camera sizes in pixels and how often to repeat.

    For `official` alone: the `checkout` of its repository, a folder of `weights` in the published
    layout (None: random ones), and the `python` that has what it imports ("": this one).
    """

    sizes: tuple[tuple[int, int], ...] = SIZES
    repeat: int = 3
    checkout: Path | None = None
    weights: Path | None = None
    python: str = ""


def clocked(work: Callable[[], object], repeat: int) -> Span:
    """Median wall and processor seconds of `repeat` runs after one that warms up."""
    work()
    spans = []
    for _ in range(repeat):
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        work()
        spans.append((time.perf_counter() - wall_s, time.process_time() - cpu_s))
    walls, cpus = zip(*spans, strict=True)
    return Span(statistics.median(walls), statistics.median(cpus))
