"""Encodes a recipe's clips once and keeps the posteriors; the task writes and reads this.

A cache lies in a folder named after everything that it depends on: the clips, the rules by which
samples are made of them, and the autoencoder's weights. Whoever changes one of these looks for
another folder, so that what is found is never stale.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from backend.models.layeranimate.clip import ClipTokens
from shared.blobs import write_atomically
from shared.errors import AcetateError
from training.data.order import SampleOrder
from training.layeranimate.batch import LayerBatch
from training.layeranimate.encode import Encoders, as_model_range, as_moments, encode_all
from training.layeranimate.samples import LayerAnimateSamples
from training.run.feed import stacked
from training.run.task import Sample

FORMAT = "acetate latents 2"
MANIFEST = "manifest.json"
SHARD_SAMPLES = 32
"""Samples in one file; about 80 MB at the released size."""

_MANIFEST_LIMIT_BYTES = 1 << 24
_STREAM = 0x1A7E27
_HALVED = ("mean", "logvar", "text", "image")
"""Endings of the tensors that are kept in half precision."""

_COMMON = "common."


@dataclass(frozen=True)
class CacheKey:
    """What a cache depends on, as hashes, and how many draws of every clip it holds."""

    samples: str
    autoencoder: str
    variants: int

    @classmethod
    def of(cls, source: LayerAnimateSamples, vae: nn.Module, variants: int) -> CacheKey:
        """The key of this source under these weights."""
        digest = hashlib.sha256()
        for name, value in sorted(vae.state_dict().items()):
            data = value.detach().float().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(f"{name} {tuple(value.shape)}".encode())
            digest.update(data.numpy().data)
        return cls(source.fingerprint, digest.hexdigest(), variants)

    @property
    def name(self) -> str:
        """The folder's name."""
        told = f"{FORMAT}/{self.samples}/{self.autoencoder}/{self.variants}"
        return f"latents-{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def write_cache(root: Path, source: LayerAnimateSamples, encoders: Encoders, key: CacheKey) -> Path:
    """Encodes what is missing and returns the folder; a finished cache costs nothing.

    Each file appears whole or not at all, and the manifest last. Raises `disk` and what the source
    raises: a clip that cannot be read ends this, so that no other one stands in for it.
    """
    folder = root / key.name
    if (folder / MANIFEST).exists():
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shards = [
            _shard(folder, numbers, source, encoders, key.variants)
            for numbers in _ranges(len(source) * key.variants)
        ]
        document = {"format": FORMAT, "shards": shards, **vars(key)}
        write_atomically(folder / MANIFEST, json.dumps(document, indent=1).encode())
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    return folder


class CachedSamples:
    """The samples of a source whose pictures were encoded before; a `SampleSource`. Picklable.

    One of the kept draws of a clip is taken, with a fresh time step, noise and posterior noise.
    """

    def __init__(self, folder: Path, source: LayerAnimateSamples, key: CacheKey) -> None:
        """Raises `bad_latents` for a folder that is not whole or belongs to another key."""
        self._source, self._key, self._folder = source, key, folder
        self._hashes = _checked(folder, key, len(source))

    @property
    def fingerprint(self) -> str:
        """Of the cache's key: the same clips give other samples under other weights."""
        return hashlib.sha256(self._key.name.encode()).hexdigest()

    def __len__(self) -> int:
        return len(self._source)

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        """Sample `index`. Raises `bad_latents` for a damaged file."""
        number = index * self._key.variants + int(rng.integers(self._key.variants))
        shard, place = divmod(number, SHARD_SAMPLES)
        path, own = self._folder / _shard_name(shard), f"{place:02d}."
        kept, common = _read(path, self._hashes[shard], (own, _COMMON))
        text, image = (kept.pop(name).float().numpy() for name in ("text", "image"))
        neutral_text, neutral_image = (common[n].float().numpy() for n in ("text", "image"))
        tokens = ClipTokens(text, neutral_text, image, neutral_image)
        return _whole(kept, common) | self._source.fresh(tokens, rng)


def _whole(kept: Sample, common: Sample) -> Sample:
    """A kept sample in full precision, with blank paper where a slot has no sketch."""
    sketched = kept.pop("sketched")
    for name in ("sketch_mean", "sketch_logvar"):
        sketches = common[name].expand(len(sketched), *kept[name].shape[1:]).clone()
        sketches[sketched] = kept[name]
        kept[name] = sketches
    return {
        name: value.float() if name.endswith(_HALVED) else value for name, value in kept.items()
    }


def _ranges(count: int) -> Iterator[range]:
    for first in range(0, count, SHARD_SAMPLES):
        yield range(first, min(first + SHARD_SAMPLES, count))


def _shard_name(number: int) -> str:
    return f"{number:06d}.safetensors"


def _shard(
    folder: Path, numbers: range, source: LayerAnimateSamples, encoders: Encoders, variants: int
) -> dict[str, Any]:
    """Writes one file, unless a run before did, and describes it."""
    path = folder / _shard_name(numbers.start // SHARD_SAMPLES)
    if not path.exists():
        tensors: dict[str, Tensor] = {}
        for place, number in enumerate(numbers):
            own, tokens = _encoded(source, encoders, number, variants)
            tensors |= {f"{place:02d}.{name}": value for name, value in own.items()}
            if not place:
                common = _common(source, encoders, tokens)
                tensors |= {f"{_COMMON}{name}": value for name, value in common.items()}
        temporary = path.with_suffix(".part")
        save_file(tensors, temporary)
        temporary.replace(path)
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _encoded(
    source: LayerAnimateSamples, encoders: Encoders, number: int, variants: int
) -> tuple[Sample, ClipTokens]:
    """Draw `number % variants` of clip `number // variants`, as moments, and the clip's tokens.

    Of the sketches only those are kept that are not blank; `sketched` [n] tells which slots have
    one.
    """
    steered, tokens = source.steered(
        number // variants, SampleOrder(len(source), _STREAM).generator(number)
    )
    device = next(encoders.vae.parameters()).device
    fresh = source.fresh(tokens, np.random.default_rng(0))  # not kept, but part of a batch
    batch = {k: v.to(device) for k, v in stacked([steered | fresh]).items()}
    moments = as_moments(encoders, LayerBatch.of(batch)).named()
    kept = {name: value[0].cpu() for name, value in moments.items() if name not in fresh}
    sketched = steered["sketch_regions"].any(dim=1)
    kept |= {name: kept[name][sketched] for name in ("sketch_mean", "sketch_logvar")}
    kept |= {"text": torch.from_numpy(tokens.text), "image": torch.from_numpy(tokens.image)}
    return _halved(kept) | {"sketched": sketched}, tokens


@torch.no_grad()
def _common(source: LayerAnimateSamples, encoders: Encoders, tokens: ClipTokens) -> Sample:
    """What all samples share: moments of blank paper [c, h, w] and the neutral tokens."""
    size = (source.rules.height, source.rules.width)
    device = next(encoders.vae.parameters()).device
    paper = torch.full((1, 1, 3, *size), 255, dtype=torch.uint8, device=device)
    blank = encode_all(encoders.vae, as_model_range(paper))
    return _halved(
        {
            "sketch_mean": blank.mean[0, 0].cpu(),
            "sketch_logvar": blank.logvar[0, 0].cpu(),
            "text": torch.from_numpy(tokens.neutral_text),
            "image": torch.from_numpy(tokens.neutral_image),
        }
    )


def _halved(tensors: Sample) -> Sample:
    return {
        name: (value.half() if name.endswith(_HALVED) else value).clone().contiguous()
        for name, value in tensors.items()
    }


def _checked(folder: Path, key: CacheKey, samples: int) -> tuple[str, ...]:
    """The hashes of the shards, after a check that all of them are there and of this key."""
    path = folder / MANIFEST
    try:
        if path.stat().st_size > _MANIFEST_LIMIT_BYTES:
            raise _bad(folder, f"{MANIFEST} is too large")
        document = json.loads(path.read_text(encoding="utf-8"))
        told = CacheKey(document["samples"], document["autoencoder"], document["variants"])
        hashes = tuple(str(shard["sha256"]) for shard in document["shards"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _bad(folder, f"{MANIFEST}: {error}") from error
    if told != key or document.get("format") != FORMAT:
        raise _bad(folder, "it was made of other clips, rules or weights")
    wanted = -(-samples * key.variants // SHARD_SAMPLES)
    missing = [i for i in range(wanted) if not (folder / _shard_name(i)).is_file()]
    if missing or len(hashes) != wanted:
        raise _bad(folder, f"{len(missing)} of {wanted} files are missing")
    return hashes


def _read(path: Path, sha256: str, prefixes: tuple[str, ...]) -> list[Sample]:
    """The tensors under each prefix, after the file's hash was compared once in this process."""
    _verify(path, sha256)
    try:
        with safe_open(path, framework="pt") as file:
            return [
                {
                    key.removeprefix(prefix): file.get_tensor(key)
                    for key in file.keys()  # noqa: SIM118
                    if key.startswith(prefix)
                }
                for prefix in prefixes
            ]
    except (SafetensorError, OSError) as error:
        raise _bad(path.parent, f"{path.name}: {error}") from error


@lru_cache(maxsize=65_536)
def _verify(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _bad(path.parent, f"{path.name}: {error.strerror}") from error
    if found != sha256:
        raise _bad(path.parent, f"{path.name} is not what was written")


def _bad(folder: Path, detail: str) -> AcetateError:
    return AcetateError("bad_latents", folder=folder.name, detail=detail)
