"""The stepper's state as named tensors and back; the loop saves and restores runs with it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from shared.errors import AcetateError
from training.run.checkpoint import Progress, read_progress, read_tensors, write
from training.run.identity import Identity
from training.run.stepper import Stepper


def save(stepper: Stepper, folder: Path, identity: Identity, figures: dict[str, float]) -> Path:
    """Write a checkpoint of this moment between two steps. Raises `disk`."""
    placed = stepper.placed
    progress = Progress(
        step=stepper.step,
        seen=stepper.seen,
        failed=stepper.failed,
        world=placed.processes.world,
        optimised={name: int(s["step"]) for name, s in _moments(stepper).items()},
        weights=sorted(placed.trained),
        averaged=bool(stepper.average.values),
        figures=figures,
        identity=identity,
    )
    return write(folder, progress, _tensors(stepper), placed.processes)


def restore(stepper: Stepper, path: Path, identity: Identity, *, allow_change: bool) -> list[str]:
    """Continue from a checkpoint; returns what differs between its run and this one.

    Raises `other_recipe` where anything does, unless allowed, or where other parameters are
    trained; `bad_checkpoint`.
    """
    progress = read_progress(path)
    differences = progress.identity.differences(identity)
    refused = differences and not allow_change
    if progress.weights != sorted(stepper.placed.trained):
        differences.append("other parameters are trained")
        refused = True
    if refused:
        raise AcetateError(
            "other_recipe", folder=path.parents[1].name, detail="; ".join(differences)
        )
    _make_moments(stepper, progress.optimised)
    tensors = _tensors(stepper, averages=progress.averaged)
    read_tensors(path, tensors, stepper.placed.processes)
    if not progress.averaged:
        stepper.average.begin()
    stepper.step, stepper.seen, stepper.failed = progress.step, progress.seen, progress.failed
    return differences


def _tensors(stepper: Stepper, *, averages: bool = True) -> dict[str, Tensor]:
    """Everything that changes, by a name that says what it is; frozen weights are not in it."""
    module = stepper.placed.module
    parameters = dict(module.named_parameters())
    found = {f"weights/{n}": p.detach() for n, p in stepper.placed.trained.items()}
    if averages:
        found |= {f"average/{name}": value for name, value in stepper.average.values.items()}
    for name, state in _moments(stepper).items():
        found[f"first/{name}"] = state["exp_avg"]
        found[f"second/{name}"] = state["exp_avg_sq"]
    buffers = {n: t for n, t in module.state_dict().items() if n not in parameters}
    return found | {f"buffers/{n}": t for n, t in buffers.items() if isinstance(t, Tensor)}


def _moments(stepper: Stepper) -> dict[str, dict[str, Tensor]]:
    """AdamW's state of the parameters that have had a gradient."""
    every = stepper.optimiser.state
    return {n: every[p] for n, p in stepper.placed.trained.items() if every.get(p)}


def _make_moments(stepper: Stepper, optimised: dict[str, int]) -> None:
    """Empty moments, as many as the checkpoint has, to be filled."""
    for name, parameter in stepper.placed.trained.items():
        if name in optimised:
            stepper.optimiser.state[parameter] = {
                "step": torch.tensor(
                    float(optimised[name]), dtype=torch.float32, device=parameter.device
                ),
                "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            }
