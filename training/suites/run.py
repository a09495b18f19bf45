"""Runs suites over clips, one after the other, going on where an earlier run stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from training.suites.clip import SuiteClip
from training.suites.figures import Judge
from training.suites.measure import ClipMeter, ClipResult
from training.suites.methods import Method
from training.suites.store import ResultStore, result_key
from training.suites.suite import Suite

Told = Callable[[int, int], None]
"""Hears after every clip how many are done, and how many of those were already there."""


@dataclass(frozen=True)
class SuiteRun:
    """Results of every moving clip in every suite, without their strips.

    `keys` are those of the store, in the same order; `clips` counts the static ones too.
    """

    results: tuple[ClipResult, ...]
    keys: tuple[str, ...]
    clips: int
    static_left_out: int


def run_suites(
    clips: Iterable[SuiteClip],
    suites: Sequence[Suite],
    methods: Sequence[Method],
    judge: Judge,
    store: ResultStore | None = None,
    told: Told = lambda _done, _known: None,
) -> SuiteRun:
    """Measure all clips; what `store` holds is not measured again. Raises what methods raise."""
    results: list[ClipResult] = []
    keys: list[str] = []
    count = known = static = 0
    for count, clip in enumerate(clips, 1):
        if clip.is_static:
            static += 1
        else:
            own = [result_key(clip, suite, methods, judge) for suite in suites]
            found = _measured(clip, suites, methods, judge, store, own)
            known += all(was_known for _, was_known in found)
            results += [msgspec.structs.replace(result, strip=b"") for result, _ in found]
            keys += own
        told(count, known)
    return SuiteRun(tuple(results), tuple(keys), count, static)


def _measured(
    clip: SuiteClip,
    suites: Sequence[Suite],
    methods: Sequence[Method],
    judge: Judge,
    store: ResultStore | None,
    keys: Sequence[str],
) -> list[tuple[ClipResult, bool]]:
    """Every suite's result of a clip, and whether it was in the store."""
    meter = ClipMeter(clip, methods, judge)
    found: list[tuple[ClipResult, bool]] = []
    for suite, key in zip(suites, keys, strict=True):
        kept = store.get(key) if store else None
        if kept is None:
            result = meter.measure(suite)
            if store:
                store.put(key, result)
            found.append((result, False))
        else:
            found.append((kept, True))
    return found
