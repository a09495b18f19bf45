"""`acetate submit`: send a shot to the server, and wait for it if asked."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec

from backend.cli.server_options import (
    SHORT,
    add_server_options,
    connect,
    exit_code,
    job_document,
    job_line,
    print_json,
)
from shared.blobs import Blobs
from shared.client import Client, new_job_key
from shared.errors import AcetateError, ExitCode
from shared.messages import JobStatus
from shared.package import read_package
from shared.shot import ShotRequest, shot_from_json, single_takes, to_json


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the `acetate` parser."""
    parser = subparsers.add_parser("submit", help="send a shot to the server", description=__doc__)
    parser.add_argument("shot", type=Path, help="shot package (folder or .zip) or .blend file")
    parser.add_argument("--engine", help="auto, layer-motion, mini or layeranimate")
    parser.add_argument("--seed", type=int, help="seed of the first take")
    parser.add_argument("--steps", type=int, help="sampling steps of a diffusion engine")
    parser.add_argument("--takes", type=int, help="how many takes; each is a job of its own")
    parser.add_argument("--key", help="32 hexadecimal digits: the same key is the same job")
    parser.add_argument("--wait", action="store_true", help="return when the job has ended")
    add_server_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Raises `AcetateError`; returns an exit code."""
    request, blobs = _read_shot(args.shot)
    request = _adjusted(request, args)
    with connect(args) as client:
        jobs = _submit_all(client, request, blobs, args)
        if args.wait:
            try:
                jobs = [client.wait(job.id) for job in jobs]
            except KeyboardInterrupt:
                return _interrupted(jobs)
    _print(jobs, args)
    return exit_code(jobs)


def _read_shot(shot: Path) -> tuple[ShotRequest, Blobs]:
    if shot.suffix.lower() != ".blend":
        return read_package(shot)
    from backend.cli.export import export_scene

    with tempfile.TemporaryDirectory(prefix="acetate-export-") as folder:
        package = Path(folder) / "shot"
        export_scene(shot, package)
        return read_package(package)


def _adjusted(request: ShotRequest, args: argparse.Namespace) -> ShotRequest:
    wishes = {name: getattr(args, name) for name in ("engine", "seed", "steps", "takes")}
    given = {name: value for name, value in wishes.items() if value is not None}
    look = msgspec.structs.replace(request.look, **given)
    return shot_from_json(to_json(msgspec.structs.replace(request, look=look)))


def _submit_all(
    client: Client, request: ShotRequest, blobs: Blobs, args: argparse.Namespace
) -> list[JobStatus]:
    takes = single_takes(request)
    if args.key and len(takes) > 1:
        raise AcetateError("usage", where="--key goes with one take only")
    jobs = []
    for take in takes:
        job = client.submit(take, blobs, args.key or new_job_key())
        jobs.append(client.status(job))
    return jobs


def _interrupted(jobs: list[JobStatus]) -> int:
    ids = " ".join(job.id[:SHORT] for job in jobs)
    print(f"The job goes on; follow it with: acetate watch {ids}", file=sys.stderr)
    return ExitCode.INTERRUPTED


def _print(jobs: list[JobStatus], args: argparse.Namespace) -> None:
    if args.json and len(jobs) == 1:
        print_json(job_document(jobs[0]))
    elif args.json:
        print_json({"schema": "acetate.jobs/1", "jobs": [job_document(job) for job in jobs]})
    elif args.wait:
        print("\n".join(map(job_line, jobs)))
    else:
        print("\n".join(job.id[:SHORT] for job in jobs))
