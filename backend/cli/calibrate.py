"""`acetate models calibrate`: how near the approximate presets of a model come to `final`."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import Any

import msgspec

from backend.cli.device_options import add_vram_option, wanted_vram
from backend.cli.progress_line import ProgressLine
from backend.models.layeranimate.clip import ClipProgress, ignore_check
from backend.pipeline.presets import PRESETS
from backend.torch_device import checked_device
from shared.errors import AcetateError, ExitCode

SCHEMA = "acetate.likeness/1"


def add_calibrate(parser: argparse.ArgumentParser) -> None:
    """The action's arguments."""
    parser.add_argument("name", nargs="?", help="default: the model that generates")
    parser.add_argument("--device", default="cpu", help="where it runs: cpu, cuda, mps")
    parser.add_argument("--steps", type=int, default=0, help="default: those of the take's note")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    add_vram_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure each approximate preset on the built-in clip and keep it. Raises `AcetateError`.

    With other steps than the usual ones the figures are printed and not kept.
    """
    from backend.models.registry.installed import find_installed
    from backend.pipeline.installed_painter import load_installed_painter
    from backend.pipeline.likeness import SETTINGS, measure

    if not 0 <= args.steps <= 1000:
        raise AcetateError("usage", where="--steps takes 1 to 1000")
    vram_bytes = wanted_vram(args, [checked_device(args.device)])
    installed = find_installed(args.name) if args.name else None
    painter = load_installed_painter(args.device, vram_bytes, installed=installed)
    settings = replace(SETTINGS, steps=args.steps or SETTINGS.steps)
    line = ProgressLine(quiet=args.json, with_model=True)
    found: dict[str, Any] = {}
    try:
        for preset in PRESETS.values():
            if preset.is_exact:
                continue

            def told(progress: ClipProgress, name: str = preset.name) -> None:
                line.update(f"{name} {progress.stage}", progress.done, progress.total)

            likeness = measure(painter, preset, ignore_check, told, settings)
            if painter.likeness is not None and settings == SETTINGS:
                painter.likeness.keep(preset, likeness)
            found[preset.name] = likeness
    finally:
        line.close()
    if args.json:
        presets = {name: msgspec.to_builtins(likeness) for name, likeness in found.items()}
        document = {"schema": SCHEMA, "model": painter.used[0].name, "presets": presets}
        print(json.dumps(document))
        return ExitCode.DONE
    for name, likeness in found.items():
        print(f"{painter.used[0].name}, preset {name}: {likeness.text}")
    return ExitCode.DONE
