"""`python -m training.train_mini RECIPE --out DIR`: data, training, weights of the sketch expert.

Stopping and starting again continues from the last checkpoint. The command runs on one thread, so
that it may work in the background of other things.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import torch

from backend.mini.network import SketchExpertNet
from backend.mini.weights import load_weights, save_weights
from shared.errors import AcetateError
from training.mini.recipe import Recipe, load_recipe
from training.mini.samples import Samples
from training.mini.shards import ensure_shards
from training.mini.trainer import Trainer, gain_db

CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"


def train(recipe: Recipe, out: Path, start: Path | None = None) -> Path:
    """Make what data is missing, train to the recipe's last step, write `out/weights`.

    `start`: folder of the weights that the recipe starts from, where it names some. Returns the
    folder of the weights. Raises `disk`, `nan`, or `model_corrupt` for weights other than the
    recipe's or a checkpoint of another recipe.
    """
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    training, validation = ensure_shards(recipe.data, out / "data", _told)
    trainer = Trainer(recipe)
    if recipe.start:
        trainer.begin_with(_start_weights(recipe, start))
    if (out / CHECKPOINT).exists():
        trainer.restore(out / CHECKPOINT)
        _told(f"continuing at step {trainer.step}")
    while trainer.step < recipe.optimiser.steps:
        _stretch(trainer, training, validation, out)
    folder = out / "weights"
    save_weights(trainer.average, folder, working_height=recipe.working_height)
    return folder


def _start_weights(recipe: Recipe, folder: Path | None) -> SketchExpertNet:
    if folder is None:
        raise AcetateError(
            "usage", where=f"the recipe starts from weights {recipe.start[:12]}: name --start"
        )
    network, config = load_weights(folder)
    if config.sha256 != recipe.start:
        raise AcetateError(
            "model_corrupt", model=folder.name, detail="the recipe starts from other weights"
        )
    return network


def _stretch(trainer: Trainer, training: Samples, validation: Samples, out: Path) -> None:
    """Train up to the next validation, then write log and checkpoint."""
    recipe = trainer.recipe
    stop = min(recipe.optimiser.steps, trainer.step + recipe.validate_every)
    losses: list[float] = []
    start = time.process_time()
    while trainer.step < stop:
        report = trainer.advance(training)
        losses.append(report.loss)
        if report.step % recipe.log_every == 0:
            mean = sum(losses[-recipe.log_every :]) / len(losses[-recipe.log_every :])
            _log(out, {**asdict(report), "loss": round(mean, 5)})
    gain = gain_db(trainer.average, validation)
    cpu_s = round(time.process_time() - start, 1)
    _log(out, {"step": trainer.step, "validation_gain_db": round(gain, 4), "cpu_s": cpu_s})
    _told(f"step {trainer.step}: loss {sum(losses) / len(losses):.4f}, validation {gain:+.3f} dB")
    trainer.save(out / CHECKPOINT)


def _log(out: Path, entry: dict[str, float | int]) -> None:
    with (out / LOG).open("a") as file:
        file.write(json.dumps(entry) + "\n")


def _told(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main() -> int:
    """Read the command line, train; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.train_mini", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights that the recipe starts from")
    args = parser.parse_args()
    try:
        _told(f"weights: {train(load_recipe(args.recipe), args.out, args.start)}")
    except AcetateError as error:
        _told(f"{error}\n{error.hint}")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
