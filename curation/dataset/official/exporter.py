"""A data set as LayerAnimate's CSV + pickle layout, for its own reader; `acetate dataset` uses it.

What the layout has no place for is left behind: layers, sketches, flow, rights, other than in the
licence record that lies beside.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from curation.dataset.clip import LayeredClip
from curation.dataset.official.layout import (
    CLIPS,
    MASKS,
    SCORES,
    TABLE_NAME,
    TRACKS,
    UNCOVERED,
    UNCOVERED_NAME,
)
from curation.dataset.official.plain_pickle_writer import plain_pickle
from curation.dataset.official.reader_rules import DENSE_FRAMES
from curation.dataset.official.run_lengths import encode_mask
from curation.dataset.reader import DataSet
from shared.blobs import write_atomically

Told = Callable[[str, int, int], None]


def export_official(folder: Path, out: Path, told: Told | None = None) -> int:
    """Write every clip, the table last; returns how many. Raises what reading raises, and `disk`.

    Up to 48 frames of a clip, evenly over it, get masks. The element called `uncovered` becomes
    key -1; a clip without one gets -1 with score 0.
    """
    data = DataSet.open(folder)
    lines: list[tuple[str, str, str, float]] = []
    for number, row in enumerate(data.rows()):
        if told:
            told("exporting", number, len(data))
        sample = data.sample(row)
        clip = sample.clip()
        _write_clip(clip, sample.fetch("mp4"), out)
        lines.append((clip.clip_id, f"{clip.clip_id}.mp4", clip.caption, clip.fps))
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(("id", "relpath", "text", "fps"))
    table.writerows(lines)
    write_atomically(out / TABLE_NAME, text.getvalue().encode())
    return len(lines)


def _write_clip(clip: LayeredClip, video: bytes, out: Path) -> None:
    count = len(clip.frames)
    keys = np.linspace(0, count - 1, min(count, DENSE_FRAMES), dtype=int).tolist()
    numbers = element_keys(clip)
    masks = {key: _masks(clip.labels[key], numbers) for key in keys}
    scores = {UNCOVERED: 0.0} | {
        number: element.score for number, element in zip(numbers, clip.elements, strict=True)
    }
    tracks = np.concatenate(
        [clip.tracks.points[:, keys], clip.tracks.visible[:, keys, None].astype(np.float32)], -1
    )
    packed = io.BytesIO()
    np.savez_compressed(packed, tracks=tracks.swapaxes(0, 1))
    write_atomically(out / CLIPS / f"{clip.clip_id}.mp4", video)
    write_atomically(out / MASKS / f"{clip.clip_id}.pkl", plain_pickle(masks))
    write_atomically(out / SCORES / f"{clip.clip_id}.pkl", plain_pickle(scores))
    write_atomically(out / TRACKS / f"{clip.clip_id}.npz", packed.getvalue())


def element_keys(clip: LayeredClip) -> list[int]:
    """The layout's key of each element: -1 for the uncovered one, else from 0 in order."""
    keys: list[int] = []
    for element in clip.elements:
        covered = len(keys) - keys.count(UNCOVERED)
        keys.append(UNCOVERED if element.name == UNCOVERED_NAME else covered)
    return keys


def _masks(labels: np.ndarray, numbers: list[int]) -> dict[int, dict[str, object]]:
    size = [int(side) for side in labels.shape]
    return {
        number: {"size": size, "counts": encode_mask(labels == place)}
        for place, number in enumerate(numbers, 1)
        if number != UNCOVERED
    }
