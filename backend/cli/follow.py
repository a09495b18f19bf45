"""`acetate status|watch|wait|cancel`: look at jobs of the server, and stop them."""

from __future__ import annotations

import argparse
import time

from backend.cli.progress_line import ProgressLine
from backend.cli.server_options import (
    add_server_options,
    connect,
    exit_code,
    job_document,
    job_id,
    job_line,
    print_json,
)
from shared.client import Client
from shared.errors import ExitCode
from shared.messages import JobStatus

# A full queue and more: what runs is older than all that waits.
_LISTED = 100


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the `acetate` parser."""
    status = subparsers.add_parser("status", help="how jobs stand")
    status.add_argument(
        "jobs", type=job_id, nargs="*", metavar="ID", help="starts of ids; none: the newest"
    )
    status.add_argument(
        "--last",
        type=int,
        default=_LISTED,
        metavar="COUNT",
        help=f"how many of the newest (default {_LISTED}, more than can wait)",
    )
    status.set_defaults(run=run_status)
    watch = subparsers.add_parser("watch", help="follow one job to its end")
    watch.add_argument("job", type=job_id, metavar="ID")
    watch.set_defaults(run=run_watch)
    wait = subparsers.add_parser("wait", help="wait until jobs have ended")
    wait.add_argument("jobs", type=job_id, nargs="+", metavar="ID")
    wait.add_argument("--timeout", type=float, metavar="SECONDS", help="give up waiting after this")
    wait.set_defaults(run=run_wait)
    cancel = subparsers.add_parser("cancel", help="stop jobs after their current step")
    cancel.add_argument("jobs", type=job_id, nargs="+", metavar="ID")
    cancel.set_defaults(run=run_cancel)
    for parser in (status, watch, wait, cancel):
        add_server_options(parser)


def run_status(args: argparse.Namespace) -> int:
    """Print jobs. Raises `AcetateError`."""
    with connect(args) as client:
        jobs = [client.status(job) for job in args.jobs] if args.jobs else client.jobs(args.last)
    _print(jobs, args)
    return ExitCode.DONE


def run_watch(args: argparse.Namespace) -> int:
    """Follow a job; the exit code tells how it ended. Ctrl+C leaves the job running."""
    line = ProgressLine(quiet=args.json)
    with connect(args) as client:
        status = client.status(args.job)
        try:
            for update in client.events(status.id, status.seq - 1):
                status = update.status
                line.update(status.stage or status.state.value, status.step, status.steps)
        finally:
            line.close()
    _print([status], args)
    return exit_code([status])


def run_wait(args: argparse.Namespace) -> int:
    """Wait for all jobs. Raises `wait_timeout`."""
    until = None if args.timeout is None else time.monotonic() + args.timeout
    with connect(args) as client:
        jobs = [_wait(client, job, until) for job in args.jobs]
    _print(jobs, args)
    return exit_code(jobs)


def run_cancel(args: argparse.Namespace) -> int:
    """Ask jobs to stop; one that has ended already stays as it is."""
    with connect(args) as client:
        jobs = [client.cancel(job) for job in args.jobs]
    _print(jobs, args)
    return ExitCode.DONE


def _wait(client: Client, job: str, until: float | None) -> JobStatus:
    left_s = None if until is None else max(0.0, until - time.monotonic())
    return client.wait(job, left_s)


def _print(jobs: list[JobStatus], args: argparse.Namespace) -> None:
    single = len(jobs) == 1 and (hasattr(args, "job") or len(args.jobs) == 1)
    if args.json and single:
        print_json(job_document(jobs[0]))
    elif args.json:
        print_json({"schema": "acetate.jobs/1", "jobs": [job_document(job) for job in jobs]})
    else:
        print("\n".join(map(job_line, jobs)) or "No jobs")
