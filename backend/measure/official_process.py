"""Our side of the process that runs the official code; called by `acetate bench official`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from safetensors.torch import load_file, save_file
from torch import Tensor

from backend.measure import official_child
from backend.models.layeranimate.bundle import LayerAnimateModel
from backend.models.layeranimate.official import official_configs
from backend.pipeline.condition import EncodedClip
from shared.errors import AcetateError

_MARK = "official "

FIXED: dict[str, object] = {
    "use_linear": True,
    "temporal_conv": True,
    "tempspatial_aware": False,
    "temporal_attention": True,
    "use_relative_position": False,
    "use_causal_attention": False,
    "temporal_selfatt_only": True,
    "image_cross_attention": True,
    "use_checkpoint": False,
}
"""What every released checkpoint has and our configurations do not name (spec 1.1)."""


def write_job(
    folder: Path,
    model: LayerAnimateModel,
    clip: EncodedClip,
    noise: Tensor,
    steps: int,
    guidance: tuple[float, float],
) -> None:
    """Weights in the official layout, the inputs of every step, and what to build and run.

    `guidance` is scale and rescale; the steps are without fresh noise (eta 0).
    """
    documents = official_configs(model.config)
    length = {**FIXED, "temporal_length": model.clip_frames}
    timesteps = model.schedule.timesteps(steps)
    shares = [float(model.schedule.signal_shares[t]) for t in timesteps]
    after = [*shares[1:], float(model.schedule.signal_shares[0])]
    job = {
        "unet": {**documents["unet"], **length},
        "control": {**documents["layer_controlnet"], **length, "out_channels": 4},
        "device": str(model.device),
        "dtype": str(model.dtype).removeprefix("torch."),
        "steps": list(zip(timesteps, shares, after, strict=True)),
        "guidance": guidance[0],
        "rescale": guidance[1],
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    for name, part in (("unet", model.unet), ("control", model.control)):
        state = {key: _plain(value) for key, value in part.state_dict().items()}
        save_file(state, folder / f"{name}.safetensors")
    controls, context = clip.controls, clip.context
    inputs = {
        "noise": noise,
        "key_latents": clip.key_latents,
        "layer_latents": controls.latents,
        "layer_latent_mask": controls.mask,
        "motion_scores": controls.scores,
        "sketch": controls.sketch,
        "trajectory": controls.trajectory,
        "validity": clip.validity,
        "text": context.text,
        "image": context.image,
        "fps": clip.fps,
    }
    save_file({k: _plain(v) for k, v in inputs.items()}, folder / "inputs.safetensors")


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous().clone()


class OfficialProcess:
    """The official code with a job's weights, while entered; ends with the block."""

    def __init__(self, python: str, checkout: Path, folder: Path) -> None:
        self._python, self._checkout, self._folder = python, checkout, folder
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Starts it. Raises `not_found` for what it lacks, `invalid_request` for what differs."""
        if not (self._checkout / "lvdm").is_dir():
            raise AcetateError("not_found", what=f"folder lvdm in {self._checkout}")
        script = official_child.__file__
        path = [str(self._checkout.resolve()), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
        try:
            self._process = subprocess.Popen(
                [self._python, script, str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
        except OSError as error:
            raise AcetateError("not_found", what=f"interpreter {self._python}") from error
        answer = self._answer()
        if "missing" in answer:
            what = f"Python package {answer['missing']}, which the checkout imports"
            raise AcetateError("not_found", what=what, detail="--python names another interpreter")
        if "unfit" in answer:
            where = "the checkout is of another version: its networks do not take these weights"
            raise AcetateError("invalid_request", where=where, detail=str(answer["unfit"]))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def run(self) -> dict[str, float]:
        """Runs all steps once: `wall_s` and `cpu_s`."""
        process = self._process
        if process is None or process.stdin is None:
            raise AcetateError("bug", detail="the official process was not started")
        process.stdin.write("run\n")
        process.stdin.flush()
        return self._answer()

    def outputs(self) -> dict[str, Tensor]:
        """What the last run left: `first` predictions [2, 4, T, h, w] and the last `latents`."""
        return load_file(self._folder / "outputs.safetensors")

    def _answer(self) -> dict[str, Any]:
        """The next answer; other lines are the official code's own talk."""
        process = self._process
        if process is None or process.stdout is None:
            raise AcetateError("bug", detail="the official process was not started")
        for line in process.stdout:
            if line.startswith(_MARK):
                return json.loads(line.removeprefix(_MARK))
        where = f"the official code ended with exit code {process.wait()}; its message is above"
        raise AcetateError("invalid_request", where=where)
