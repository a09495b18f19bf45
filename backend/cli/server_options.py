"""Options by which commands find their server, and how a job is printed; used by job commands."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from shared.client import Client
from shared.errors import AcetateError, ExitCode
from shared.messages import JobState, JobStatus

SHORT = 8


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """`--server`, `--secret-file` and `--json`."""
    parser.add_argument("--server", metavar="ADDRESS", help="default: this computer's own server")
    parser.add_argument("--secret-file", type=Path, help="default: where the server announced it")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")


def connect(args: argparse.Namespace) -> Client:
    """The client that the options describe. Raises `unreachable`, `auth` or `version`."""
    return Client.connect(args.server, secret_file=args.secret_file)


def job_id(text: str) -> str:
    """The start of a job's id, as an option takes it. Raises `usage`."""
    if re.fullmatch(r"[0-9a-f]{4,32}", text.lower()) is None:
        raise AcetateError(
            "usage", where=f"not the start of a job's id: {text[:40]} (4 digits or more)"
        )
    return text.lower()


def job_document(job: JobStatus) -> dict[str, Any]:
    """A job for `--json` (product specification 4.10); readers ignore keys they do not know."""
    end = job.ended_at or job.started_at
    return {
        "schema": "acetate.job/1",
        "id": job.id,
        "key": job.key,
        "state": job.state.value,
        "seq": job.seq,
        "queue": {"position": job.position},
        "progress": {
            "stage": job.stage,
            "step": job.step,
            "steps": job.steps,
            "eta_s": job.eta_s,
        },
        "timing": {
            "queued_s": _span(job.created_at, job.started_at),
            "run_s": _span(job.started_at, end),
        },
        "device": job.device,
        "engine": job.engine,
        "attempts": job.attempts,
        "from_cache": job.from_cache,
        "request_sha256": job.request_sha256,
        "error": msgspec.to_builtins(job.error),
    }


def job_line(job: JobStatus) -> str:
    """A job as one line for people."""
    parts = [job.id[:SHORT], f"{job.state.value:<10}"]
    if job.state is JobState.QUEUED:
        parts.append(f"number {job.position} in line" if job.position else job.stage)
    elif job.stage:
        parts.append(f"{job.stage} {job.step}/{job.steps}")
    if job.eta_s is not None:
        parts.append(f"about {job.eta_s:.0f} s left")
    if job.state.is_final and job.engine:
        parts.append(job.engine + (" (from cache)" if job.from_cache else ""))
    if job.error is not None:
        parts.append(f"{job.error.code} {job.error.text} - {job.error.hint}")
    return "  ".join(parts)


def print_json(document: dict[str, Any]) -> None:
    """The one document on stdout."""
    print(json.dumps(document), flush=True)


def exit_code(jobs: Iterable[JobStatus]) -> int:
    """One for all: done, the one failure's own code, or partly failed."""
    codes = [_job_exit_code(job) for job in jobs]
    bad = [code for code in codes if code != ExitCode.DONE]
    if not bad:
        return ExitCode.DONE
    return bad[0] if len(set(codes)) == 1 else ExitCode.BATCH_PARTLY_FAILED


def _job_exit_code(job: JobStatus) -> int:
    if job.error is not None:
        return job.error.as_error().exit_code
    if job.state is JobState.CANCELLED:
        return AcetateError("cancelled").exit_code
    return ExitCode.DONE


def _span(start: float, end: float) -> float | None:
    return round(end - start, 3) if start and end else None
