"""What the demo tells at its end: a table of stages for people, the same as JSON; used by `run`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .proof import Proof

STAGES = (
    "install extension",
    "build scene",
    "start server",
    "export",
    "upload",
    "queue",
    "generation",
    "download",
    "import",
    "render",
    "contact sheet",
    "direct run",
)


@dataclass
class Report:
    """Figures of one run. `spans` are wall seconds per stage."""

    size: str
    spans: dict[str, float] = field(default_factory=dict)
    engine: str = ""
    methods: dict[str, str] = field(default_factory=dict)
    pipeline: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    worker_peak_bytes: int = 0
    direct_s: float = 0.0
    same_as_direct: bool = False
    proofs: list[Proof] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    attempts: int = 0

    @property
    def served_s(self) -> float:
        """From the finished export to frames on disk."""
        return sum(self.spans.get(name, 0.0) for name in STAGES[4:8])

    @property
    def pipeline_s(self) -> float:
        """What the pipeline itself took inside the worker."""
        return sum(self.pipeline.values())

    @property
    def overhead_s(self) -> float:
        """What backend and transport cost around the pipeline, in one and the same run."""
        return self.served_s - self.pipeline_s

    @property
    def is_good(self) -> bool:
        """Whether the result is the pipeline's own and the compositor shows it."""
        return self.same_as_direct and all(proof.worst == 0 for proof in self.proofs)

    def write(self, file: Path) -> None:
        """Keep the figures for scripts."""
        figures = {
            **asdict(self),
            "served_s": self.served_s,
            "overhead_s": self.overhead_s,
            "pipeline_s": self.pipeline_s,
        }
        file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")

    def lines(self) -> list[str]:
        """The table."""
        rows = [f"{name:<20}{self.spans[name]:8.2f} s" for name in STAGES if name in self.spans]
        methods = ", ".join(f"{name}: {method}" for name, method in self.methods.items())
        stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in self.pipeline.items())
        peak = (
            f"{self.worker_peak_bytes / 1e9:.2f} GB" if self.worker_peak_bytes else "not measured"
        )
        rows += [
            "",
            f"engine              {self.engine} ({methods})",
            f"inside the pipeline {stages}",
            f"backend, transport  {self.overhead_s:.2f} s of {self.served_s:.2f} s "
            f"({100 * self.overhead_s / max(self.served_s, 1e-9):.0f} %)",
            f"pipeline            {self.pipeline_s:.2f} s in the worker, {self.direct_s:.2f} s"
            " when called directly",
            f"same as direct      {'yes, every picture' if self.same_as_direct else 'NO'}",
            f"worker, peak memory {peak}",
        ]
        rows += [f"take in the scene   {_told(proof)}" for proof in self.proofs]
        rows += [f"crash               {text}" for text in self.crashes]
        rows += [f"attempts            {self.attempts}"] if self.crashes else []
        return rows + [f"note                {text}" for text in self.warnings]


def _told(proof: Proof) -> str:
    return (
        f"frame {proof.frame}: off by {proof.worst} of 255 at most on the "
        f"{100 * proof.share:.1f} % without soft edges, {proof.mean:.2f} on average everywhere"
    )
