"""Which clips the report shows: successes and failures of one method, chosen by figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.suites.measure import TRUTH, ClipResult
from training.suites.methods import BASELINES

SHOWN_AT_EACH_END = 2


@dataclass(frozen=True)
class Shown:
    """One clip to look at: where it stands in the suite's results, and why it is shown.

    `gain_db`: PSNR of `method` over the best baseline of this very clip.
    """

    index: int
    verdict: str
    method: str
    gain_db: float


def focus_of(results: Sequence[ClipResult]) -> str:
    """The method that a suite is about: the last engine, else the last baseline."""
    names = [name for name in results[0].methods if name != TRUTH]
    engines = [name for name in names if name not in BASELINES]
    return (engines or names)[-1]


def choose(results: Sequence[ClipResult]) -> list[Shown]:
    """The worst, the middle and the best clips by gain over the clip's best baseline, no repeats.

    Failures come first. `results` are of one suite and not empty.
    """
    method = focus_of(results)
    gains = [_gain_db(result, method) for result in results]
    order = sorted(range(len(results)), key=lambda index: (gains[index], index))
    worst, best = order[:SHOWN_AT_EACH_END], order[::-1][:SHOWN_AT_EACH_END]
    wanted = [(index, "worst") for index in worst]
    wanted += [(order[len(order) // 2], "middle")]
    wanted += [(index, "best") for index in reversed(best)]
    seen: set[int] = set()
    shown: list[Shown] = []
    for index, verdict in wanted:
        if index not in seen:
            seen.add(index)
            shown.append(Shown(index, verdict, method, gains[index]))
    return shown


def _gain_db(result: ClipResult, method: str) -> float:
    others = [name for name in result.methods if name in BASELINES and name != method]
    return _psnr(result, method) - max((_psnr(result, name) for name in others), default=0.0)


def _psnr(result: ClipResult, method: str) -> float:
    return result.methods[method].figures["psnr_db"] or 0.0
