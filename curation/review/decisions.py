"""Decisions of people on clips: JSON lines from the review page that the next run honours."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from shared.errors import AcetateError

_LIMIT_BYTES = 64 << 20

Verdict = Literal["accept", "reject"]


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person's word on a clip. `at`: ISO time. The last one on a clip counts."""

    clip_id: str
    verdict: Verdict
    at: str
    note: str = ""


def read_decisions(path: Path) -> dict[str, Decision]:
    """The decision that counts for each clip. Raises `not_found` or `invalid_request`."""
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise AcetateError("invalid_request", where=path.name, detail="too large")
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise AcetateError("not_found", what=path.name, detail=str(error)) from error
    found: dict[str, Decision] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            decision = msgspec.json.decode(line, type=Decision)
        except msgspec.DecodeError as error:
            where = f"{path.name} line {number}"
            raise AcetateError("invalid_request", where=where, detail=str(error)) from error
        found[decision.clip_id] = decision
    return found


def is_selected(clip_id: str, reasons: list[str], decisions: dict[str, Decision]) -> bool:
    """Whether a clip goes into the set: a person's word beats the filters' reasons."""
    decision = decisions.get(clip_id)
    return decision.verdict == "accept" if decision else not reasons
