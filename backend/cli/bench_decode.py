"""`acetate bench decode`: the two-key decoder in each number format, beside its error.

On CUDA at full size, elsewhere a small one on the processor; random weights. The reference is all
of float32; the pictures are compared before any time counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from backend.cli.measurement import BenchOptions, Measurement
from backend.measure.fidelity import psnr_db
from backend.models.layeranimate.bundle import tiny_config
from backend.models.layeranimate.configs import AutoencoderConfig, LayerAnimateConfig
from backend.models.layeranimate.dual_reference import DualAutoencoder
from backend.pipeline.decode_format import FORMATS, multiplying_in
from shared.errors import AcetateError

LEAST_PSNR_DB = {"fp32": 50.0, "tf32": 45.0, "bf16": 30.0}
"""Below it a format is no faster way to the same picture, and no time is reported."""


def bench_decode(options: BenchOptions) -> Iterator[Measurement]:
    """Seconds of one clip's decoding by format; reference: fp32, in turns with it."""
    is_cuda = torch.cuda.is_available()
    device = torch.device("cuda" if is_cuda else "cpu")
    config = LayerAnimateConfig().dual if is_cuda else tiny_config().dual
    if config is None:
        raise AcetateError("bug", detail="a configuration without the two-key decoder")
    shape = (16, 4, 40, 64) if is_cuda else (4, 4, 8, 8)
    decode = _decoder(config, shape, device)
    names = [name for name in FORMATS if is_cuda or name != "tf32"]
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    pictures: dict[str, Tensor] = {}
    for _ in range(options.repeat + 1):  # the first round warms up
        for name in names:
            pictures[name], wall_s, cpu_s = _clocked(decode, name, device)
            times[name].append((wall_s, cpu_s))
    for name in names:
        yield _measured(name, pictures, times, device, shape)


class _Decoder:
    """One decoder with weights, latents and reference states."""

    def __init__(self, network: DualAutoencoder, z: Tensor, references: list[Tensor]) -> None:
        self._network, self._z, self._references = network, z, references

    @torch.inference_mode()
    def __call__(self, number_format: str) -> Tensor:
        """Pictures [T, 3, H, W] in 0..1."""
        with multiplying_in(number_format, self._z.device):
            found = self._network.decode(self._z, len(self._z), self._references)
        return (found.float() / 2 + 0.5).clamp(0, 1)


def _decoder(
    config: AutoencoderConfig, shape: tuple[int, int, int, int], device: torch.device
) -> _Decoder:
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = DualAutoencoder(config).eval().requires_grad_(False).to(device)
    z = torch.randn(shape, generator=generator).to(device)
    height, width = shape[2] * config.scale, shape[3] * config.scale
    pair = torch.rand((1, 2, 3, height, width), generator=generator).to(device) * 2 - 1
    with torch.inference_mode():
        references = network.encode_references(pair)[1]
    return _Decoder(network, z, references)


def _clocked(
    decode: _Decoder, number_format: str, device: torch.device
) -> tuple[Tensor, float, float]:
    _settle(device)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    found = decode(number_format)
    _settle(device)
    return found, time.perf_counter() - wall_s, time.process_time() - cpu_s


def _settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _measured(
    name: str,
    pictures: dict[str, Tensor],
    times: dict[str, list[tuple[float, float]]],
    device: torch.device,
    shape: tuple[int, ...],
) -> Measurement:
    error = pictures[name] - pictures["fp32"]
    frames = {key: _bytes(pictures[key]) for key in ("fp32", name)}
    psnr = min(psnr_db(a, b) for a, b in zip(frames[name], frames["fp32"], strict=True))
    if not psnr >= LEAST_PSNR_DB[name]:
        raise AcetateError("bug", detail=f"{name} decodes to {psnr:.1f} dB; no time is reported")
    # a GPU's time is wall time, a processor's its own, because wall time there is noise
    column = 0 if device.type == "cuda" else 1
    own = [run[column] for run in times[name][1:]]
    plain = [run[column] for run in times["fp32"][1:]]
    ratios = sorted(a / b for a, b in zip(own, plain, strict=True))
    return Measurement(
        name="decode",
        config=name,
        value=round(sorted(own)[len(own) // 2], 4),
        unit="s",
        ratio=round(ratios[len(ratios) // 2], 3),
        reference="fp32",
        cpu_s=round(min(run[1] for run in times[name]), 4),
        details={
            "psnr_db": round(psnr, 2),
            "error": round(float(error.square().mean().sqrt()), 6),
            "device": torch.cuda.get_device_name() if device.type == "cuda" else device.type,
            "latents": "x".join(map(str, shape)),
            "weights": "random",
        },
    )


def _bytes(pictures: Tensor) -> list[np.ndarray]:
    """[T, 3, H, W] in 0..1 as uint8 frames [H, W, 3]."""
    return list((pictures.movedim(1, -1) * 255).round().to(torch.uint8).cpu().numpy())
