"""`acetate models`: import, list, verify, remove, convert and calibrate LayerAnimate weights."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.cli.calibrate import add_calibrate
from backend.cli.progress_line import ProgressLine
from shared.errors import AcetateError, ExitCode

if TYPE_CHECKING:
    from backend.models.registry.importing import Prospect
    from backend.models.registry.installed import ModelManifest

SCHEMA = "acetate.models/1"
_Subparsers = Any  # argparse names this type privately


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its actions to the `acetate` parser."""
    parser = subparsers.add_parser("models", help="weights of LayerAnimate", description=__doc__)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _register_import(actions)
    shown = actions.add_parser("list", help="what is installed")
    shown.set_defaults(run=run_list)
    checked = actions.add_parser("verify", help="compare the files with what was imported")
    checked.add_argument("name", nargs="?", help="default: all models")
    checked.set_defaults(run=run_verify)
    removed = actions.add_parser("remove", help="delete a model")
    removed.add_argument("name")
    removed.add_argument("--yes", action="store_true", help="do not ask")
    removed.set_defaults(run=run_remove)
    converted = actions.add_parser("convert", help="make safetensors of .bin, .pt or .ckpt")
    converted.add_argument("path", type=Path, help="file, or folder of such files")
    converted.add_argument("-o", "--out", type=Path, required=True)
    converted.set_defaults(run=run_convert)
    add_calibrate(actions.add_parser("calibrate", help="measure the approximate presets"))
    for action in (shown, checked, removed, converted):
        action.add_argument("--json", action="store_true", help="print one JSON document on stdout")


def _register_import(actions: _Subparsers) -> None:
    parser = actions.add_parser("import", help="take over LayerAnimate's or OpenCLIP's weights")
    parser.add_argument("path", type=Path, help="folder (published layout) or safetensors file")
    parser.add_argument("--name", default="", help="default: named after its folder")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--copy", action="store_true", help="copy the files (default)")
    how.add_argument("--link", action="store_true", help="link them: no space, no protection")
    parser.add_argument("--force", action="store_true", help="replace a model of that name")
    parser.add_argument("--dry-run", action="store_true", help="check everything, install nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    parser.set_defaults(run=run_import)


def run_import(args: argparse.Namespace) -> int:
    """Check a model whole, then take it over. Raises `AcetateError`."""
    from backend.models.registry.importing import Taking, examine, install

    prospect = examine(args.path, args.name)
    document = _described(prospect)
    if not args.dry_run:
        taking = Taking.LINK if args.link else Taking.COPY
        line = ProgressLine(quiet=args.json, shares={f"{taking.value} MB": 1.0})
        try:
            installed = install(prospect, taking=taking, replace=args.force, progress=line.update)
        finally:
            line.close()
        document |= _row(installed.manifest)
    if args.json:
        _print({"action": "import", "installed": not args.dry_run, "model": document})
        return ExitCode.DONE
    _print_prospect(prospect, installed=not args.dry_run)
    return ExitCode.DONE


def run_list(args: argparse.Namespace) -> int:
    """Print what is installed, the model imported last first."""
    from backend.data_folder import models_dir
    from backend.models.registry.installed import damaged_names, installed_models

    models, damaged = installed_models(), damaged_names()
    if args.json:
        rows = [_row(model.manifest) for model in models]
        _print({"action": "list", "folder": str(models_dir()), "models": rows, "damaged": damaged})
        return ExitCode.DONE
    for model in models:
        manifest = model.manifest
        size = f"{manifest.size_bytes / 1e9:.2f} GB"
        print(f"{manifest.name}: {manifest.kind}, {size}, imported {manifest.imported[:16]}")
        print(f"  {_facts_line(manifest.facts)}")
    for name in damaged:
        print(f"{name}: damaged; remove it and import it again")
    if not models and not damaged:
        _print_none()
    return ExitCode.DONE


def run_verify(args: argparse.Namespace) -> int:
    """Hash all files again; the exit code tells whether one differs."""
    from backend.models.registry.installed import damaged_names, find_installed, installed_models
    from backend.models.registry.verify import problems_of

    models = (find_installed(args.name),) if args.name else installed_models()
    line = ProgressLine(quiet=args.json, shares={"verify MB": 1.0})
    found: dict[str, tuple[str, ...]] = {}
    try:
        for model in models:
            found[model.manifest.name] = problems_of(model, line.update)
    finally:
        line.close()
    if not args.name:
        found |= dict.fromkeys(damaged_names(), ("model.json: cannot be read",))
    good = not any(found.values())
    if args.json:
        _print({"action": "verify", "ok": good, "models": found})
    else:
        for name, problems in found.items():
            print(f"{name}: {'damaged' if problems else 'as it was imported'}")
            for problem in problems:
                print(f"  {problem}")
        if not found:
            _print_none()
    return ExitCode.DONE if good else ExitCode.MODEL_MISSING


def run_remove(args: argparse.Namespace) -> int:
    """Delete a model after asking. Raises `model_missing`, or `usage` where nobody can answer."""
    from backend.models.registry.installed import remove_installed

    if not args.yes and not _agreed(args.name):
        print("Nothing was removed", file=sys.stderr)
        return ExitCode.USAGE
    remove_installed(args.name)
    if args.json:
        _print({"action": "remove", "name": args.name})
    else:
        print(f"{args.name}: removed")
    return ExitCode.DONE


def run_convert(args: argparse.Namespace) -> int:
    """Write safetensors of pickled tensors. Raises `AcetateError`."""
    from backend.models.registry.convert import convert

    written = convert(args.path, args.out)
    if args.json:
        _print({"action": "convert", "files": [str(path) for path in written]})
        return ExitCode.DONE
    for path in written:
        print(path)
    return ExitCode.DONE


def _print_none() -> None:
    from backend.data_folder import models_dir

    print(f"No models in {models_dir()}; get some in with: acetate models import FOLDER")


def _agreed(name: str) -> bool:
    if not sys.stdin.isatty():
        raise AcetateError("usage", where=f"to remove {name[:40]} without being asked, pass --yes")
    return input(f"Remove {name}? [y/N] ").strip().lower() in ("y", "yes")


def _described(prospect: Prospect) -> dict[str, Any]:
    from backend.models.registry.licences import licence_of

    licence = licence_of(prospect.source.kind)
    return {
        "name": prospect.name,
        "kind": prospect.source.kind,
        "size_bytes": prospect.size_bytes,
        "facts": prospect.facts,
        "notes": list(prospect.notes),
        "licence": {"id": licence.id, "where": licence.where},
    }


def _row(manifest: ModelManifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "kind": manifest.kind,
        "size_bytes": manifest.size_bytes,
        "facts": manifest.facts,
        "licence": {"id": manifest.licence.id, "where": manifest.licence.where},
        "imported": manifest.imported,
        "source": manifest.source,
        "linked": manifest.linked,
        "identity": manifest.identity,
    }


def _print_prospect(prospect: Prospect, *, installed: bool) -> None:
    from backend.models.registry.licences import licence_of

    done = "installed" if installed else "can be installed"
    print(f"{prospect.name}: {prospect.source.kind} {done}, {prospect.size_bytes / 1e9:.2f} GB")
    print(f"  {_facts_line(prospect.facts)}")
    print(f"  licence: {licence_of(prospect.source.kind).advice}")
    for note in prospect.notes:
        print(f"  note: {note}")


def _facts_line(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in facts.items())


def _plain(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and value >= 1_000_000:
        return f"{value / 1e6:.1f} M"
    return str(value)


def _print(document: dict[str, Any]) -> None:
    print(json.dumps({"schema": SCHEMA, **document}))
