"""Reads a whole data set and says what is wrong with it, clip by clip."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from curation.dataset.index import IndexRow, ShardFact
from curation.dataset.reader import DataSet
from curation.dataset.writer import leftovers
from shared.errors import AcetateError

Told = Callable[[str, int, int], None]
_CHUNK_BYTES = 4 * 1024 * 1024


@dataclass
class Verdict:
    """Counts and every problem found, as error documents; `leftovers` harm nobody."""

    clips: int = 0
    shards: int = 0
    problems: list[dict[str, str]] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(folder: Path, *, deep: bool = False, told: Told | None = None) -> Verdict:
    """Compare every checksum; with `deep` also decode every clip whole.

    Damage is collected, not raised. Raises `no_dataset` or `dataset_schema`.
    """
    data = DataSet.open(folder)
    verdict = Verdict(len(data), len(data.index.shards))
    verdict.leftovers = [path.name for path in leftovers(folder, data.index)]
    for done, shard in enumerate(data.index.shards):
        if told:
            told("shards", done, verdict.shards)
        _collect(verdict, lambda shard=shard: _check_shard(folder, shard))
    for done, row in enumerate(data.rows()):
        if told:
            told("clips", done, verdict.clips)
        _collect(verdict, lambda row=row: _check_clip(data, row, deep=deep))
    return verdict


def _collect(verdict: Verdict, check: Callable[[], None]) -> None:
    try:
        check()
    except AcetateError as error:
        verdict.problems.append(error.to_dict())


def _check_shard(folder: Path, shard: ShardFact) -> None:
    digest = hashlib.sha256()
    size = 0
    try:
        with (folder / shard.name).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise _shard_damaged(shard, str(error)) from error
    if size != shard.bytes:
        raise _shard_damaged(shard, f"{size} bytes, expected {shard.bytes}")
    if digest.hexdigest() != shard.sha256:
        raise _shard_damaged(shard, "another checksum than the index says")


def _shard_damaged(shard: ShardFact, why: str) -> AcetateError:
    return AcetateError("clip_damaged", clip="-", member="the whole", shard=shard.name, detail=why)


def _check_clip(data: DataSet, row: IndexRow, *, deep: bool) -> None:
    if deep:
        data.sample(row).clip()
    else:
        data.stored_members(row)
