"""`acetate curate backends`: what fills each slot, what could, and where weights were looked for.

Also the options by which every curation command is told of weights.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curation.backends.offers import Offer


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add `--weights` and `--device`."""
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="DIR",
        help="one folder per backend; else ACETATE_CURATION_WEIGHTS, else none",
    )
    parser.add_argument(
        "--device", default="auto", help="of networks: auto, cpu, cuda, cuda:1, mps"
    )


def add_backends(stages: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `curate backends`."""
    parser = stages.add_parser("backends", help="what the stages can use, and what is missing")
    add_weights(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print every slot's backends. Raises `not_found` for a folder of weights that is none."""
    from curation.backends.offers import OFFERS
    from curation.backends.weights import weights_folder

    weights = weights_folder(args.weights)
    taken: set[str] = set()
    rows = []
    for offer in sorted(OFFERS, key=lambda offer: not offer.module):
        row = _row(offer, weights)
        row["taken_by_auto"] = row["usable_by_auto"] and offer.slot not in taken
        if row["taken_by_auto"]:
            taken.add(offer.slot)
        del row["usable_by_auto"]
        rows.append(row)
    rows.sort(key=lambda row: _place(row["slot"]))
    if args.json:
        document = {
            "schema": "acetate.curation-backends/1",
            "weights": str(weights) if weights else None,
            "backends": rows,
        }
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        looked = weights or "nowhere: name a folder with --weights or ACETATE_CURATION_WEIGHTS"
        sys.stdout.write(f"weights are looked for in {looked}\n")
        sys.stdout.writelines(_line(row) for row in rows)
    return 0


def _place(slot: str) -> int:
    from curation.backends.offers import SLOTS

    return SLOTS.index(slot)


def _row(offer: Offer, weights: Path | None) -> dict[str, Any]:
    from curation.backends.choose import is_usable
    from curation.backends.weights import holds, licence_of, missing_packages

    row: dict[str, Any] = {"slot": offer.slot, "backend": offer.name}
    if not offer.module:
        return {
            **row,
            "needs": [],
            "state": "ready",
            "licence": "Apache-2.0",
            "usable_by_auto": True,
        }
    module = offer.imported()
    folder = weights / offer.name if weights else None
    there = folder is not None and holds(folder, module.WEIGHTS)
    missing = missing_packages(offer.packages())
    state = "no package" if missing else "ready" if there else "no weights"
    return {
        **row,
        "model": module.NAME,
        "looked_in": str(folder) if folder else None,
        "files": list(module.WEIGHTS),
        "needs": missing,
        "state": state,
        "licence": licence_of(folder, module.LICENCE) if folder else module.LICENCE,
        "usable_by_auto": state == "ready" and folder is not None and is_usable(offer, folder),
    }


def _line(row: dict[str, Any]) -> str:
    from curation.backends.weights import alternatives

    mark = "*" if row["taken_by_auto"] else " "
    needs = f"; needs {', '.join(row['needs'])}" if row["needs"] else ""
    files = f"; looks for {alternatives(row['files'])}" if row["state"] == "no weights" else ""
    head = f"{mark} {row['slot']:<10}{row['backend']:<14}{row['state']:<12}{row['licence']}"
    return f"{head}{needs}{files}\n"
