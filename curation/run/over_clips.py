"""Runs a chain over many clips: engine, ledger, failure budget, and the manifest at the end."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from curation.run.clip_chain import ClipChain, ClipOutcome
from curation.run.engines import Engine
from curation.run.leases import Leases, SharedEngine
from curation.run.ledger import Ledger
from curation.run.stage import ClipRef, Stage, checked_chain
from shared.blobs import write_atomically
from shared.errors import AcetateError

MANIFEST_NAME = "manifest.json"
MANIFEST_SCHEMA = "acetate.curation/1"
DEFAULT_BUDGET = 0.02


class ManifestRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One clip in the manifest; nothing of when or where it was worked on."""

    clip_id: str
    state: str
    units: dict[str, str]
    contents: dict[str, str]
    stage: str = ""
    reason: str = ""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a run left behind, sorted by clip: equal inputs and settings give equal bytes."""

    schema: str = MANIFEST_SCHEMA
    stages: list[str]
    clips: list[ManifestRow]


@dataclass(frozen=True)
class RunReport:
    """Outcomes of one run, by clip id."""

    outcomes: dict[str, ClipOutcome]
    manifest: Manifest = field(repr=False)

    def count(self, state: str) -> int:
        """How many clips came out so."""
        return sum(outcome.state == state for outcome in self.outcomes.values())

    @property
    def stages_run(self) -> int:
        """Units worked on now; a second run of the same has none."""
        return sum(len(outcome.ran) for outcome in self.outcomes.values())


Told = Callable[[ClipOutcome, int, int], None]
"""Called after each clip with its outcome, how many are through, and how many there are."""


def run_over_clips(
    stages: Sequence[Stage],
    clips: Sequence[ClipRef],
    folder: Path,
    engine: Engine,
    *,
    leases: Leases | None = None,
    told: Told = lambda outcome, through, count: None,
) -> RunReport:
    """Take every clip through the stages; what is done already is not done again.

    `folder`: gets `work/`, `ledger/` and `manifest.json`. Raises `disk`; what is
    finished by then stays.
    """
    ordered = sorted({clip.clip_id: clip for clip in clips}.values(), key=lambda clip: clip.clip_id)
    if leases is not None:  # machines that all began at the first clip would queue for each
        random.Random(leases.owner).shuffle(ordered)  # noqa: S311 - an order, no secret
    chain = ClipChain(checked_chain(stages), folder / "work")
    engine = engine if leases is None else SharedEngine(engine, leases)
    ledger = Ledger(folder / "ledger", run=uuid.uuid4().hex[:12])
    outcomes: dict[str, ClipOutcome] = {}
    for outcome in engine.map(chain, ordered):
        outcomes[outcome.clip_id] = outcome
        ledger.note(outcome)
        told(outcome, len(outcomes), len(ordered))
    manifest = _manifest(chain.stages, outcomes)
    _write_manifest(folder / MANIFEST_NAME, manifest)
    return RunReport(outcomes, manifest)


def manifest_without(path: Path, is_gone: Callable[[str], bool]) -> None:
    """Take some clips out of a manifest, if there is one; the next run writes it whole again."""
    if path.is_file():
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        kept = [row for row in manifest.clips if not is_gone(row.clip_id)]
        _write_manifest(path, msgspec.structs.replace(manifest, clips=kept))


def _write_manifest(path: Path, manifest: Manifest) -> None:
    data = msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1)
    write_atomically(path, data)


def _manifest(stages: Sequence[Stage], outcomes: dict[str, ClipOutcome]) -> Manifest:
    rows = [
        ManifestRow(o.clip_id, o.state, o.keys, o.contents, o.stage, o.reason)
        for _, o in sorted(outcomes.items())
    ]
    return Manifest(stages=[stage.name for stage in stages], clips=rows)


def within_budget(report: RunReport, budget: float = DEFAULT_BUDGET) -> None:
    """Nothing, or `failure_budget` where more than this share of all clips failed."""
    failed, clips = report.count("failed"), len(report.outcomes)
    if clips and failed / clips > budget:
        raise AcetateError("failure_budget", failed=failed, clips=clips, budget=f"{budget:.1%}")
