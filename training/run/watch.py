"""What a run tells: log lines as JSON, TensorBoard, a line on the terminal; the loop calls this.

Every process has one; only the first talks, the others write down their failed samples.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from backend.cli.progress_line import ProgressLine
from shared.blobs import write_atomically
from training.run.config import LoopConfig
from training.run.processes import Processes
from training.run.stepper import StepReport
from training.run.task import Failure

LOG = "log.jsonl"
_PEAK_TFLOPS = {
    # Dense peaks of the makers' data sheets: bf16, then TF32 or fp32 as torch runs it by default.
    "H200": (989.0, 67.0),
    "H100": (989.0, 67.0),
    "A100": (312.0, 19.5),
    "L40S": (362.0, 91.6),
    "A6000": (155.0, 38.7),
    "4090": (165.0, 82.6),
    "3090": (71.0, 35.6),
}


class Watch:
    """Log, curves and progress of one run. Close it at the end."""

    def __init__(
        self, out: Path, config: LoopConfig, processes: Processes, flops: float, *, quiet: bool
    ) -> None:
        self.processes = processes
        self.config = config
        self._log = out / (LOG if processes.first else f"log.rank-{processes.rank}.jsonl")
        self._flops = flops
        self._peak = peak_flops(config, processes.device)
        self._line = ProgressLine(quiet=quiet or not processes.first, shares={"train": 1.0})
        self._curves = _curves(out) if processes.first and config.log.tensorboard else None
        self._began_s = time.perf_counter()
        self._samples = 0
        self._losses: list[float] = []

    def note(self, kind: str, **values: Any) -> None:  # noqa: ANN401 - any JSON
        """One line of the log; only the first process writes it."""
        if self.processes.first:
            self._append({"kind": kind, **values})

    def failed(self, failures: Sequence[Failure], where: str) -> None:
        """Write down samples that could not be made, each with its reason."""
        for failure in failures:
            self._append({"kind": "failure", "where": where, **msgspec.to_builtins(failure)})

    def step(self, report: StepReport) -> None:
        """Take in a step."""
        self._samples += report.samples
        self._losses += [report.loss] if report.samples else []
        self.failed(report.failures, f"step {report.step}")
        self._line.update("train", report.step, self.config.run.steps)

    def stretch(self, report: StepReport, waited_s: float) -> None:
        """The line for the steps since the last one; all processes call this together.

        `waited_s`: time spent waiting for data since then.
        """
        elapsed_s = max(time.perf_counter() - self._began_s, 1e-9)
        waiting = self.processes.largest(waited_s / elapsed_s)
        speed = self._samples / elapsed_s
        values: dict[str, float] = {
            "loss": sum(self._losses) / max(1, len(self._losses)),
            "rate": report.rate,
            "gradient_norm": report.norms.total,
            "samples_per_s": speed,
            "data_wait_share": waiting,
        }
        if self._flops and self._peak:
            values["mfu"] = speed * self._flops / (self._peak * self.processes.world)
        groups = {f"gradient_norm/{name}": norm for name, norm in report.norms.groups.items()}
        self.note("step", step=report.step, **_rounded(values | groups))
        self._scalars(report.step, {f"train/{k}": v for k, v in (values | groups).items()})
        self._losses = []
        self.restart()

    def restart(self) -> None:
        """Count speed from here on: what came between was no training."""
        self._began_s, self._samples = time.perf_counter(), 0

    def validated(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures of a validation, in the log, the curves and on the terminal."""
        self.note("validation", step=step, **_rounded(figures))
        self._scalars(step, {f"validation/{name}": value for name, value in figures.items()})
        self.say(f"step {step}: " + ", ".join(f"{k} {v:.5g}" for k, v in figures.items()))

    def pictures(self, step: int, strips: Mapping[str, np.ndarray], folder: Path) -> None:
        """Strips as PNG files and beside the curves."""
        if not self.processes.first or not strips:
            return
        import cv2

        for name, strip in strips.items():
            safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:60]
            data = cv2.imencode(".png", strip[..., ::-1])[1].tobytes()
            write_atomically(folder / f"{step:08d}-{safe}.png", data, durable=False)
            if self._curves is not None:
                self._curves.add_image(f"strips/{name}", strip, step, dataformats="HWC")

    def say(self, text: str) -> None:
        """A line on the terminal."""
        if self.processes.first and not self._line.quiet:
            self._line.close()
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def close(self) -> None:
        """Flush everything."""
        self._line.close()
        if self._curves is not None:
            self._curves.close()

    def _scalars(self, step: int, values: Mapping[str, float]) -> None:
        if self._curves is not None:
            for name, value in values.items():
                self._curves.add_scalar(name, value, step)

    def _append(self, entry: Mapping[str, Any]) -> None:
        with self._log.open("ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")


def peak_flops(config: LoopConfig, device: torch.device) -> float:
    """Operations per second of one device at the run's precision; 0.0 where it is not known."""
    if config.log.peak_tflops:
        return config.log.peak_tflops * 1e12
    if device.type != "cuda":
        return 0.0
    name = torch.cuda.get_device_name(device)
    for part, (low, full) in _PEAK_TFLOPS.items():
        if part in name:
            return (low if config.run.precision == "bf16" else full) * 1e12
    return 0.0


def _curves(out: Path) -> Any:  # noqa: ANN401 - TensorBoard's writer has no types
    """TensorBoard's writer, or None where the package is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(out / "tensorboard"))


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    """Six digits; more would only be noise of the machine."""
    return {name: float(f"{value:.6g}") for name, value in values.items()}
