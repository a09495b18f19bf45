"""Clips of data sets on the disk as a `ClipSource`, chosen by what their index says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from curation.dataset.clip import LayeredClip
from curation.dataset.index import Index
from curation.dataset.reader import DataSet
from shared.errors import AcetateError
from training.data.clip_filter import ClipFilter


@dataclass(frozen=True, eq=False)
class DataSetClips:
    """Clips of one or several data sets, one after the other. Picklable."""

    sets: tuple[DataSet, ...]
    chosen: tuple[np.ndarray, ...]
    """Row numbers of each data set, int64 [clips]."""
    rules: ClipFilter

    @classmethod
    def open(cls, folders: Sequence[Path], rules: ClipFilter | None = None) -> DataSetClips:
        """Raises `no_dataset` and the like, or `usage` where no clip passes."""
        rules = rules or ClipFilter()
        sets = tuple(DataSet.open(folder) for folder in folders)
        chosen = tuple(_passing(data.index, rules) for data in sets)
        if not sum(map(len, chosen)):
            held = sum(map(len, sets))
            where = f"none of {held} clips passes the recipe's filter"
            raise AcetateError("usage", where=where, detail=_why_none(sets))
        return cls(sets, chosen, rules)

    @property
    def fingerprint(self) -> str:
        """Of the data sets' content and the filter."""
        parts = [data.fingerprint for data in self.sets]
        return hashlib.sha256(msgspec.json.encode([parts, self.rules])).hexdigest()

    def __len__(self) -> int:
        return sum(map(len, self.chosen))

    def frame_count(self, index: int) -> int:
        """Frames of clip `index`, from the data set's table."""
        data, row = self._at(index)
        return data.index.table.column("frames")[row].as_py()

    def clip(self, index: int, frames: Sequence[int] | None = None) -> LayeredClip:
        """Clip `index`, or only its frames `frames`; raises as `DataSet.clip`."""
        data, row = self._at(index)
        return data.clip(row, frames)

    def _at(self, index: int) -> tuple[DataSet, int]:
        left = index
        for data, rows in zip(self.sets, self.chosen, strict=True):
            if 0 <= left < len(rows):
                return data, int(rows[left])
            left -= len(rows)
        raise AcetateError("not_found", what=f"clip {index} of {len(self)}")


def _why_none(sets: Sequence[DataSet]) -> str:
    """What most often keeps all clips out, though nobody meant it to."""
    tainted = sum(sum(data.index.column("nc_tainted")) for data in sets)
    closed = sum(data.index.column("consent_for_training").count(False) for data in sets)
    return f"{tainted} are not for commercial use, {closed} are without consent for training"


def _passing(index: Index, rules: ClipFilter) -> np.ndarray:
    """Numbers of the rows that pass, int64."""

    def values(name: str) -> np.ndarray:
        return np.asarray(index.column(name))

    keep = np.ones(len(index), np.bool_)
    for name, least in (
        ("width", rules.min_width),
        ("height", rules.min_height),
        ("frames", rules.min_frames),
        ("layers", rules.min_layers),
        ("tracks", int(rules.with_tracks)),
        ("has_sketch", int(rules.with_sketch)),
        ("consent_for_training", int(not rules.without_consent)),
    ):
        keep &= values(name) >= least
    keep &= values("frames") <= rules.max_frames
    if not rules.allow_non_commercial:
        keep &= ~values("nc_tainted").astype(np.bool_)
    if rules.licences:
        keep &= np.isin(values("licence"), rules.licences)
    return np.flatnonzero(keep)
