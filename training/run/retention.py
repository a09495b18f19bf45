"""Which checkpoints stay: the last ones and the best one; the loop calls this after each."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from training.run.checkpoint import STATE, finished
from training.run.config import CheckpointSettings


class _Figures(msgspec.Struct):
    figures: dict[str, float] = {}


def best_figure(folder: Path, settings: CheckpointSettings) -> float | None:
    """The best value of the wanted figure among the checkpoints, None where none has it."""
    values = _values(folder, settings).values()
    if not values:
        return None
    return min(values) if settings.best == "lowest" else max(values)


def is_better(figures: dict[str, float], best: float | None, settings: CheckpointSettings) -> bool:
    """Whether these figures hold the wanted one, better than the best so far."""
    value = figures.get(settings.keep_best)
    if value is None:
        return False
    if best is None:
        return True
    return value < best if settings.best == "lowest" else value > best


def thin_out(folder: Path, settings: CheckpointSettings) -> list[int]:
    """Delete all but the last `keep_last` and the best checkpoint; returns the steps deleted."""
    steps = finished(folder)
    keep = set(list(steps)[-settings.keep_last :])
    values = _values(folder, settings)
    if values:
        best = best_figure(folder, settings)
        keep.add(min(step for step, value in values.items() if value == best))
    gone = [step for step in steps if step not in keep]
    for step in gone:
        # Out of sight first: a folder that is half deleted must not pass for a checkpoint.
        trash = steps[step].with_name(f".part-old-{steps[step].name}")
        steps[step].replace(trash)
        shutil.rmtree(trash)
    return gone


def _values(folder: Path, settings: CheckpointSettings) -> dict[int, float]:
    """Step to the wanted figure, of the checkpoints that have it."""
    found: dict[int, float] = {}
    for step, path in finished(folder).items():
        state = path / STATE
        figures = msgspec.json.decode(state.read_bytes(), type=_Figures).figures
        if settings.keep_best in figures:
            found[step] = figures[settings.keep_best]
    return found
