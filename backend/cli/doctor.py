"""`acetate doctor`: is everything here that a generation needs, hop by hop to the server?"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import zmq

from backend.cli.server_options import print_json
from backend.data_folder import default_data_dir, models_dir
from backend.models.registry.installed import check_sizes, damaged_names, installed_models
from backend.pipeline.feature_store.budget import FOLDER_NAME, GB
from backend.pipeline.feature_store.folder import stored_files
from backend.server.about import bundled_weights, version
from shared.blobs import content_hash
from shared.client import Client
from shared.errors import AcetateError, ExitCode
from shared.local_server import find_local_server, run_dir

PACKAGES = (
    "numpy",
    "msgspec",
    "pyzmq",
    "torch",
    "skia-python",
    "opencv-python-headless",
    "tokenizers",
)
MIN_FREE_BYTES = 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `code` is the exit code that a failure stands for."""

    name: str
    text: str
    ok: bool = True
    code: int = ExitCode.DONE
    hint: str = ""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the `acetate` parser."""
    parser = subparsers.add_parser("doctor", help="look for what is wrong", description=__doc__)
    parser.add_argument("--server", metavar="ADDRESS", help="default: this computer's own server")
    parser.add_argument("--secret-file", type=Path, help="default: where the server announced it")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print all findings; the exit code is that of the first failure."""
    findings = [*_look_here(), *_look_at_server(args)]
    if args.json:
        rows = [
            {"name": f.name, "ok": f.ok, "text": f.text, "hint": f.hint, "code": int(f.code)}
            for f in findings
        ]
        ok = all(finding.ok for finding in findings)
        print_json({"schema": "acetate.doctor/1", "ok": ok, "findings": rows})
    else:
        for finding in findings:
            hint = f" - {finding.hint}" if finding.hint else ""
            print(f"{'ok  ' if finding.ok else 'FAIL'} {finding.name}: {finding.text}{hint}")
    return next((int(finding.code) for finding in findings if not finding.ok), ExitCode.DONE)


def _look_here() -> Iterator[Finding]:
    yield Finding("acetate", version())
    good = (3, 11) <= sys.version_info < (3, 15)
    yield Finding("python", platform.python_version(), good, ExitCode.UNEXPECTED)
    for package in PACKAGES:
        yield _look_for_package(package)
    yield Finding("zeromq", f"libzmq {zmq.zmq_version()}, curve {zmq.has('curve')}")
    yield _look_at_disk(default_data_dir())
    yield _look_at_features(default_data_dir() / FOLDER_NAME)
    weights = bundled_weights()
    if not weights:
        hint = "layer motion works without; sketched layers are not refined"
        yield Finding("weights", "no bundled model", hint=hint)
    for file in weights:
        yield _look_at_weights(file)
    yield from _look_at_models()


def _look_for_package(name: str) -> Finding:
    try:
        return Finding(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, "not installed", False, ExitCode.UNEXPECTED, "run build.py setup")


def _look_at_disk(folder: Path) -> Finding:
    place = next((p for p in (folder, *folder.parents) if p.exists()), Path())
    free = shutil.disk_usage(place).free
    text = f"{free / 1024**3:.1f} GiB free for {folder}"
    if free >= MIN_FREE_BYTES:
        return Finding("disk", text)
    hint = "free at least 1 GiB, or choose another folder with --data-dir"
    return Finding("disk", text, False, ExitCode.DISK, hint)


def _look_at_features(folder: Path) -> Finding:
    """What the feature store keeps on the disk; its limit is an option of whoever runs it."""
    files = stored_files(folder)
    size_bytes = sum(file.size_bytes for file in files)
    text = f"{size_bytes / GB:.1f} GB in {len(files)} files in {folder}"
    return Finding("feature store", text if files else f"nothing on the disk in {folder}")


def _look_at_weights(file: Path) -> Finding:
    """Compare with the hash in the `config.json` beside the file."""
    name = f"weights {file.parent.name}"
    try:
        expected = json.loads((file.parent / "config.json").read_bytes())["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"config.json: {type(error).__name__}"
        return Finding(name, problem, False, ExitCode.MODEL_MISSING, "install Acetate again")
    if content_hash(file.read_bytes()) != expected:
        error = AcetateError("model_corrupt", model=file.parent.name)
        return Finding(name, error.text, False, error.exit_code, error.hint)
    return Finding(name, f"{file.stat().st_size / 1e6:.1f} MB, hash {expected[:12]} is right")


def _look_at_models() -> Iterator[Finding]:
    """Imported models, by the sizes of their files; `acetate models verify` reads them whole."""
    found = installed_models()
    for model in found:
        name = f"model {model.manifest.name}"
        try:
            check_sizes(model)
        except AcetateError as error:
            problem = f"{error.text} ({error.detail})"
            yield Finding(name, problem, False, error.exit_code, error.hint)
            continue
        yield Finding(name, f"{model.manifest.kind}, {model.manifest.size_bytes / 1e9:.2f} GB")
    for folder in damaged_names():
        error = AcetateError("model_corrupt", model=folder)
        yield Finding(f"model {folder}", error.text, False, error.exit_code, error.hint)
    if not found:
        hint = "layeranimate needs one: acetate models import FOLDER"
        yield Finding("models", f"none imported in {models_dir()}", hint=hint)


def _look_at_server(args: argparse.Namespace) -> Iterator[Finding]:
    local = find_local_server()
    if local is None and not (args.server or os.environ.get("ACETATE_SERVER")):
        text = f"none has announced itself in {run_dir()}"
        yield Finding("server", text, hint="start one with: acetate serve")
        return
    if local is not None:
        text = f"{local.address}, process {local.pid}, secret in {local.secret_file}"
        yield Finding("announcement", text)
    try:
        with Client.connect(args.server, secret_file=args.secret_file) as client:
            yield Finding("connection", f"{client.address} answers, the secret is right")
            yield from _look_inside(client)
    except AcetateError as error:
        yield Finding(
            "connection", f"{error.code} {error.text}", False, error.exit_code, error.hint
        )


def _look_inside(client: Client) -> Iterator[Finding]:
    server = client.server
    yield Finding("server", f"version {server.version}, engines {', '.join(server.engines)}")
    if server.version != version():
        text = f"server {server.version}, here {version()}"
        hint = "update the older one, then start the server again"
        yield Finding("versions", text, False, ExitCode.VERSION_MISMATCH, hint)
    health = client.health()
    text = f"{health.queued} waiting, {health.running} running"
    yield Finding("queue", text)
    for worker in health.workers:
        yield Finding("worker", f"process {worker.pid} on {worker.device}: {worker.state}")
    if not health.workers:
        error = AcetateError("worker_died", attempts=0)
        yield Finding("worker", error.text, False, error.exit_code, "see the server's log")
