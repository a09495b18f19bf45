"""`acetate submit`: send a shot to the server, and wait for it if asked."""

from __future__ import annotations

import argparse
import sys

from backend.cli.server_options import (
    SHORT,
    add_server_options,
    connect,
    exit_code,
    job_document,
    job_line,
    print_json,
)
from backend.cli.shot_options import add_shot_options, wanted_shot
from shared.blobs import Blobs
from shared.client import Client, new_job_key
from shared.errors import AcetateError, ExitCode
from shared.messages import JobStatus
from shared.shot import ShotRequest, single_takes


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the `acetate` parser."""
    parser = subparsers.add_parser("submit", help="send a shot to the server", description=__doc__)
    add_shot_options(parser)
    parser.add_argument("--key", help="32 hexadecimal digits: the same key is the same job")
    parser.add_argument("--wait", action="store_true", help="return when the job has ended")
    add_server_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Raises `AcetateError`; returns an exit code."""
    request, blobs = wanted_shot(args)
    with connect(args) as client:
        jobs = _submit_all(client, request, blobs, args)
        if args.wait:
            try:
                jobs = [client.wait(job.id) for job in jobs]
            except KeyboardInterrupt:
                return _interrupted(jobs)
    _print(jobs, args)
    return exit_code(jobs)


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
