"""Runs the official LayerAnimate code of a checkout, step by step; started by `bench official`.

A process of its own, in an interpreter that may be another one: it imports nothing of ours, and the
checkout through PYTHONPATH. Called with a folder: `job.json`, `inputs.safetensors`,
`unet.safetensors` and `control.safetensors` lie there, and `outputs.safetensors` is written there.
Answers each line `run` on stdin with one JSON line of times; ends at the end of stdin.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MISSING_PACKAGE = 3
UNFIT = 4

Job = dict[str, Any]


class _Official:
    """Both networks of the checkout with the given weights, and the given inputs."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.torch = importlib.import_module("torch")
        files = importlib.import_module("safetensors.torch")
        unet = importlib.import_module("lvdm.models.unet").UNetModel
        control = importlib.import_module("lvdm.models.layer_controlnet").LayerControlNet
        self.job, self.save, self.folder = job, files.save_file, folder
        self.dtype = getattr(self.torch, job["dtype"])
        self.unet = self._loaded(unet(**job["unet"]), files, "unet")
        self.control = self._loaded(control(**job["control"]), files, "control")
        given = files.load_file(folder / "inputs.safetensors", device=job["device"])
        self.given = {
            name: tensor.to(self.dtype) if tensor.is_floating_point() else tensor
            for name, tensor in given.items()
        }
        self.noise = given["noise"].float()

    def _loaded(self, network: Any, files: Any, name: str) -> Any:  # noqa: ANN401 (not our types)
        state = files.load_file(self.folder / f"{name}.safetensors")
        network.load_state_dict(state, strict=True)
        return network.eval().requires_grad_(False).to(self.job["device"], self.dtype)

    def settle(self) -> None:
        """Waits for the device."""
        if self.job["device"].startswith("cuda"):
            self.torch.cuda.synchronize()

    def run(self) -> dict[str, float]:
        """All steps of the job; saves the first predictions and the last latents."""
        self.settle()
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        with self.torch.inference_mode():
            first, latents = self._steps()
            self.settle()
        times = {"wall_s": time.perf_counter() - wall_s, "cpu_s": time.process_time() - cpu_s}
        outputs = {"first": first.float().cpu().clone(), "latents": latents.cpu().clone()}
        self.save(outputs, self.folder / "outputs.safetensors")
        return times

    def _steps(self) -> tuple[Any, Any]:
        latents, first = self.noise, None
        for timestep, now, then in self.job["steps"]:
            found = self._predictions(latents, timestep).float()
            first = found if first is None else first
            neutral, prompted = found.chunk(2)
            guided = neutral + self.job["guidance"] * (prompted - neutral)
            axes = tuple(range(1, guided.dim()))
            ratio = prompted.std(axes, keepdim=True) / guided.std(axes, keepdim=True)
            guided = guided * (self.job["rescale"] * ratio + 1 - self.job["rescale"])
            clean = now**0.5 * latents - (1 - now) ** 0.5 * guided
            direction = now**0.5 * guided + (1 - now) ** 0.5 * latents
            latents = then**0.5 * clean + (1 - then) ** 0.5 * direction
        return first, latents

    def _predictions(self, latents: Any, timestep: int) -> Any:  # noqa: ANN401 (not our types)
        given = self.given
        pair = self.torch.cat([latents.to(self.dtype), given["key_latents"]], dim=1).repeat(
            2, 1, 1, 1, 1
        )
        times = self.torch.full((2,), timestep, dtype=self.torch.long, device=pair.device)
        shared = {
            "context_text": given["text"],
            "context_img": given["image"].flatten(1, 2),
            "fps": given["fps"].repeat(2),
        }
        names = ("layer_latents", "layer_latent_mask", "motion_scores", "sketch", "trajectory")
        controls = {name: given[name].repeat_interleave(2, dim=0) for name in names}
        features = self.control(pair, times, **shared, **controls)
        valid = given["validity"].unsqueeze(0).repeat(2, 1)
        return self.unet(pair, times, **shared, controls=features, layer_validity=valid).sample


def main(folder: Path, answer: Callable[[dict[str, Any]], None]) -> int:
    """Answers until stdin ends; the exit code tells what was missing or did not fit."""
    job: Job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    try:
        official = _Official(folder, job)
    except ModuleNotFoundError as error:
        answer({"missing": error.name or str(error)})
        return MISSING_PACKAGE
    except (RuntimeError, TypeError, AttributeError) as error:
        answer({"unfit": str(error)[:2000]})
        return UNFIT
    answer({"ready": True})
    for line in sys.stdin:
        if line.strip() == "run":
            answer(official.run())
    return 0


def _print(document: dict[str, Any]) -> None:
    print("official " + json.dumps(document), flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), _print))
