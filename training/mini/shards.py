"""The sketch expert's samples on disk in shards, and as a source for the loop's loader."""

from __future__ import annotations

import hashlib
import io
import sys
import zlib
from dataclasses import fields
from pathlib import Path
from zipfile import BadZipFile

import msgspec
import numpy as np
import torch

from shared.blobs import write_atomically
from shared.errors import AcetateError
from training.mini.samples import VALIDATION_SEEDS, Samples, clip_samples
from training.mini.settings import MiniData, data_hash
from training.run.task import Sample


def training_shards(data: MiniData) -> list[range]:
    """Seeds of the training clips, shard by shard."""
    last = data.seed + data.clips
    firsts = range(data.seed, last, data.clips_per_shard)
    return [range(first, min(first + data.clips_per_shard, last)) for first in firsts]


def validation_shards(data: MiniData) -> list[range]:
    """Seeds of the clips that are kept apart, as one shard."""
    return [range(VALIDATION_SEEDS, VALIDATION_SEEDS + data.validation_clips)]


def make_missing(data: MiniData, folder: Path) -> int:
    """Write the shards that are not there; returns how many. Raises `disk`."""
    made = 0
    for seeds in [*training_shards(data), *validation_shards(data)]:
        path = shard_path(data, folder, seeds)
        if not path.exists():
            _write(joined([clip_samples(seed, data) for seed in seeds]), path)
            made += 1
            _told(f"clips {seeds.start}..{seeds.stop - 1} are made")
    return made


def shard_path(data: MiniData, folder: Path, seeds: range) -> Path:
    """File of a shard; its name holds what decides the samples, so that none goes stale."""
    kind = data_hash(
        msgspec.structs.replace(data, clips=1, validation_clips=1, seed=0, clips_per_shard=1)
    )
    return folder / f"{kind}-{seeds.start}-{len(seeds)}.npz"


def _write(samples: Samples, path: Path) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        inputs=samples.inputs,
        target=samples.target,
        allowed=samples.allowed,
        fit_error_px=samples.fit_error_px,
    )
    write_atomically(path, buffer.getvalue())


def read_shard(path: Path) -> Samples:
    """The samples of one shard. Raises `not_found` for one that is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Samples(*(arrays[field.name] for field in fields(Samples)))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise AcetateError("not_found", what=f"shard {path.name}", detail=str(error)) from error


def joined(parts: list[Samples]) -> Samples:
    """Samples one after the other."""
    return Samples(
        *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Samples))
    )


class ShardSource:
    """Samples of some shards by index, read once in every process; implements `SampleSource`.

    Tensors: `inputs` [10, s, s] and `target` [4, s, s], float32 0..1; `allowed` [1, s, s] 0 or 1.
    With `augment` a sample is mirrored and its colour channels exchanged, as `rng` decides.
    """

    def __init__(self, paths: list[Path], *, augment: bool) -> None:
        self.paths = paths
        self.augment = augment
        self._samples: Samples | None = None
        self._hash = ""

    def __getstate__(self) -> dict[str, object]:
        return {"paths": self.paths, "augment": self.augment, "_samples": None, "_hash": ""}

    @property
    def samples(self) -> Samples:
        """Every sample in memory. Raises `not_found`."""
        if self._samples is None:
            self._samples = joined([read_shard(path) for path in self.paths])
        return self._samples

    @property
    def fingerprint(self) -> str:
        """Hash of the samples themselves and of how they are augmented."""
        if not self._hash:
            digest = hashlib.sha256(b"mirrored, channels exchanged" if self.augment else b"plain")
            for field in fields(Samples):
                digest.update(np.ascontiguousarray(getattr(self.samples, field.name)).data)
            self._hash = digest.hexdigest()
        return self._hash

    def __len__(self) -> int:
        return len(self.samples)

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        """Sample `index`, changed as `rng` decides."""
        samples = self.samples
        inputs, target = samples.inputs[index], samples.target[index]
        allowed = samples.allowed[index][None]
        if self.augment:
            inputs, target, allowed = augmented(inputs, target, allowed, rng)
        return {
            "inputs": torch.from_numpy(inputs).float() / 255,
            "target": torch.from_numpy(target).float() / 255,
            "allowed": torch.from_numpy(allowed).float(),
        }


def augmented(
    inputs: np.ndarray, target: np.ndarray, allowed: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One sample mirrored and with colour channels exchanged at random; the originals stay."""
    inputs, target = inputs.copy(), target.copy()
    order = rng.permutation(3)
    inputs[:3], inputs[4:7] = inputs[order], inputs[4 + order]
    target[:3] = target[order]
    for axis in (1, 2):
        if rng.random() < 0.5:
            inputs, target, allowed = (np.flip(a, axis) for a in (inputs, target, allowed))
    return (
        np.ascontiguousarray(inputs),
        np.ascontiguousarray(target),
        np.ascontiguousarray(allowed),
    )


def _told(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
