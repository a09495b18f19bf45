"""`acetate train RECIPE --out DIR`: trains a recipe, or goes on where it was stopped.

Joins the command line through the entry-point group `acetate.commands`; also `python -m
training.train`, as torchrun starts it. Heavy imports wait until the command runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shared.errors import AcetateError

if TYPE_CHECKING:
    import torch

    from training.recipes import Recipe
    from training.run.loop import Outcome
    from training.run.processes import Processes
    from training.run.task import Task

_DATA = "data"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `train` to the command line; the chosen parser sets `run(args) -> exit code`."""
    parser = subparsers.add_parser("train", help="train a model by a recipe", description=__doc__)
    add_arguments(parser)
    parser.set_defaults(run=run)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("recipe", help="a TOML file or the name of a recipe that comes along")
    parser.add_argument("--out", type=Path, required=True, help="folder of this run")
    parser.add_argument(
        "--set", action="append", default=[], metavar="A.B=C", help="other value for a setting"
    )
    parser.add_argument(
        "--allow-change", action="store_true", help="go on from a checkpoint of other settings"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="tell what would be trained, and train nothing"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Train; what ends it is told on stdout. Raises what the loop raises."""
    from training.recipes import load_recipe
    from training.run.processes import joined

    recipe = load_recipe(args.recipe, args.set)
    with joined(recipe.run) as processes:
        if args.dry_run:
            document = _plan(recipe, args.out, processes)
        else:
            outcome = train(
                recipe, args.out, processes, allow_change=args.allow_change, quiet=args.json
            )
            document = _report(recipe, outcome)
        if processes.first and (args.json or args.dry_run):
            sys.stdout.write(json.dumps(document, indent=None if args.json else 2) + "\n")
    return 0


def train(
    recipe: Recipe,
    out: Path,
    processes: Processes,
    *,
    allow_change: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Prepare the recipe's data and run it in this process; all processes of the run call this."""
    from training.recipes import Place, make_task, prepare_task
    from training.run.loop import run as run_loop

    def prepare() -> None:
        prepare_task(recipe.task, Place(processes.device, out / _DATA))

    def make(device: torch.device) -> Task:
        return make_task(recipe.task, Place(device, out / _DATA))

    return run_loop(
        recipe, make, out, processes, prepare=prepare, allow_change=allow_change, quiet=quiet
    )


def _plan(recipe: Recipe, out: Path, processes: Processes) -> dict[str, Any]:
    """What would be trained: the resolved recipe and the task's sizes."""
    from training.recipes import Place, make_task, prepare_task

    place = Place(processes.device, out / _DATA, dry=True)
    prepare_task(recipe.task, place)
    task = make_task(recipe.task, place)
    wanted = set(task.trainable())
    sizes = {name: p.numel() for name, p in task.module.named_parameters()}
    flops = task.flops_per_sample()
    return {
        "schema": "acetate.training-plan/1",
        "recipe": msgspec.to_builtins(recipe),
        "parameters": sum(sizes.values()),
        "trained_parameters": sum(size for name, size in sizes.items() if name in wanted),
        "samples_per_epoch": len(task.source),
        "validation_samples": len(task.validation) if task.validation is not None else 0,
        "epochs": recipe.run.steps * recipe.run.batch / max(1, len(task.source)),
        "flops_per_sample": flops,
        "flops": flops * recipe.run.steps * recipe.run.batch,
    }


def _report(recipe: Recipe, outcome: Outcome) -> dict[str, Any]:
    return {
        "schema": "acetate.training/1",
        "recipe": recipe.name,
        "step": outcome.step,
        "finished": outcome.finished,
        "figures": outcome.figures,
        "export": str(outcome.export) if outcome.export else None,
    }


def main() -> int:
    """Run as `python -m training.train`, the form that torchrun starts."""
    parser = argparse.ArgumentParser(prog="acetate train", description=__doc__)
    add_arguments(parser)
    try:
        return run(parser.parse_args())
    except AcetateError as error:
        sys.stderr.write(f"{error} - {error.hint}\n")
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
