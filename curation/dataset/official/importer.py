"""LayerAnimate's CSV + pickle layout into a data set; a function and `acetate dataset` use it."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import av
import msgspec
import numpy as np
from av.error import FFmpegError

from curation.dataset.clip import Element, LayeredClip, LayerFacts, ScoreScale, Tracks
from curation.dataset.damage import DamageError, told_of
from curation.dataset.official.layout import (
    MASKS,
    SCORES,
    TRACKS,
    UNCOVERED,
    UNCOVERED_NAME,
    Masks,
    OfficialRow,
    RunLengths,
    our_id,
    read_masks,
    read_scores,
    read_table,
)
from curation.dataset.official.reader_rules import kept_tracks, label_at, pick_frames
from curation.dataset.official.run_lengths import decode_mask
from curation.dataset.provenance import Annotation, Provenance
from curation.dataset.writer import ShardWriter
from curation.media.licence import find_licence, provenance_of
from curation.run.stage import ClipRefusedError
from curation.stages.merging import MergeSettings, merge_by_score
from shared.errors import AcetateError

Told = Callable[[str, int, int], None]
_MAX_TRACKS = 65_536
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts"
PAPER_MERGING = MergeSettings(near_px=0.0)
"""Four layers, threshold 1.0, by scores alone: both papers' settings."""


@dataclass(frozen=True)
class ImportRules:
    """How clips are taken over.

    `frames`: 0 keeps every frame that has masks; another number keeps those that the official
    reader picks for it. `filter_tracks`: leave out tracks that the official reader leaves out.
    `merging`: how elements become layers, by their scores alone (1.5); None makes a layer of each.
    """

    frames: int = 0
    filter_tracks: bool = True
    merging: MergeSettings | None = PAPER_MERGING


@dataclass
class ImportReport:
    """What became of the lines of the table."""

    imported: int = 0
    present: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)


def import_official(
    folder: Path, table: Path, out: Path, rules: ImportRules, told: Told | None = None
) -> ImportReport:
    """Take over every clip of the table; those that are in `out` already are passed over.

    A clip that cannot be taken is reported with its id, the others go on. Raises what the table
    and the data set raise, and `disk`.
    """
    report = ImportReport()
    rows = read_table(folder, table)
    with ShardWriter(out) as writer:
        for done, row in enumerate(rows):
            if told:
                told("importing", done, len(rows))
            if our_id(row.clip_id) in writer:
                report.present += 1
                continue
            try:
                writer.add(official_clip(folder, row, rules))
                report.imported += 1
            except AcetateError as error:
                if error.spec.name == "disk":
                    raise
                report.refused.append({"clip": row.clip_id, **error.to_dict()})
    return report


def official_clip(folder: Path, row: OfficialRow, rules: ImportRules) -> LayeredClip:
    """One clip of the layout, at the frames that have masks.

    Frames are as large as the video. Its rate becomes that of the kept frames, scores count pixels
    of the video per frame of it. Where masks overlap, the smaller element is on top. Raises
    `licence_missing`, `clip_damaged`, `member_missing`, `unsafe_pickle` or `not_found`.
    """
    masks = read_masks(folder, row.clip_id)
    with told_of(row.clip_id, MASKS, f"{row.clip_id}.pkl"):
        keys = _keys(masks)
    scores = read_scores(folder, row.clip_id)
    with told_of(row.clip_id, "clip", row.video.name):
        pictures, length = _pictures(row.video, keys)
    ids, labels = _labels(row, masks, keys, (pictures.shape[2], pictures.shape[1]))
    missing = [name for name in (UNCOVERED, *ids) if name not in scores]
    if missing:
        member = f"score of element {missing[0]}"
        raise AcetateError("member_missing", clip=row.clip_id, shard=SCORES, member=member)
    with told_of(row.clip_id, TRACKS, f"{row.clip_id}.npz"):
        tracks = _tracks(
            folder / TRACKS / f"{row.clip_id}.npz", labels, filtered=rules.filter_tracks
        )
    picked = pick_frames(keys, length, rules.frames) if rules.frames else keys
    absent = set(picked) - set(keys)
    if absent or not picked:
        raise AcetateError(
            "clip_invalid",
            clip=row.clip_id,
            where="masks of the frames that the rule picks",
            detail=f"{sorted(absent)[:10]}",
        )
    places = [keys.index(frame) for frame in picked]
    elements, layers = _layers([(n, scores[n]) for n in (*ids, UNCOVERED)], rules.merging)
    stride = float(np.diff(picked).mean()) if len(picked) > 1 else 1.0
    return LayeredClip(
        clip_id=our_id(row.clip_id),
        fps=row.fps / max(stride, 1e-6),
        frames=pictures[places],
        labels=labels[places],
        elements=elements,
        layers=layers,
        score_scale=ScoreScale(pictures.shape[2], pictures.shape[1]),
        tracks=Tracks(tracks.points[:, places], tracks.visible[:, places], tracks.elements),
        caption=row.text,
        provenance=_provenance(folder, row, (picked[0], picked[-1] + 1), rules),
    )


def _keys(masks: Masks) -> list[int]:
    keys = sorted(masks)
    if not keys or keys[0] < 0:
        raise DamageError("no frame with masks")
    return keys


def _pictures(video: Path, keys: Sequence[int]) -> tuple[np.ndarray, int]:
    """Frames `keys` of a video as uint8 [keys, h, w, 3], and how many frames it has."""
    wanted = set(keys)
    found: list[np.ndarray] = []
    length = 0
    try:
        with (
            video.open("rb") as raw,
            av.open(raw, "r", options={"format_whitelist": _CONTAINERS}) as file,
        ):
            stream = file.streams.video[0]
            stream.thread_count = 1
            for number, frame in enumerate(file.decode(stream)):
                length += 1
                if number in wanted:
                    found.append(frame.to_ndarray(format="rgb24"))
    except (FFmpegError, OSError, IndexError, AttributeError) as error:
        raise DamageError(str(error)) from error
    if len(found) != len(wanted):
        raise DamageError(f"{length} frames, masks up to frame {keys[-1]}")
    if len({picture.shape for picture in found}) != 1:
        raise DamageError("frames of several sizes")
    return np.stack(found), length


def _labels(
    row: OfficialRow, masks: Masks, keys: Sequence[int], size: tuple[int, int]
) -> tuple[list[int], np.ndarray]:
    """Ids of the elements, and label maps: k > 0 is `ids[k - 1]`, then one more: uncovered."""
    ids = sorted({name for frame in masks.values() for name in frame} - {UNCOVERED})
    kind = np.uint8 if len(ids) < 255 else np.uint16
    labels = np.full((len(keys), size[1], size[0]), len(ids) + 1, kind)
    with told_of(row.clip_id, MASKS, f"{row.clip_id}.pkl"):
        for place, key in enumerate(keys):
            shapes = {name: _mask(masks[key][name], size) for name in ids if name in masks[key]}
            for name in sorted(shapes, key=lambda name: -int(shapes[name].sum())):
                labels[place][shapes[name]] = ids.index(name) + 1
    return ids, labels


def _mask(runs: RunLengths, size: tuple[int, int]) -> np.ndarray:
    if runs.size != (size[1], size[0]):
        raise DamageError(f"a mask of {runs.size[1]}x{runs.size[0]} on a picture of {size}")
    return decode_mask(runs.counts, size)


def _tracks(path: Path, labels: np.ndarray, *, filtered: bool) -> Tracks:
    """Tracks of the file, each of the element under its first point; others are left out."""
    values = _track_values(path, len(labels))
    points = np.ascontiguousarray(values[..., :2].swapaxes(0, 1), np.float32)
    visibility = values[..., 2].T.astype(np.float32)
    starts = label_at(labels[:1], points[:, :1])[:, 0]
    keep = kept_tracks(labels, points, visibility) if filtered else starts > 0
    return Tracks(points[keep], visibility[keep] > 0.5, (starts[keep] - 1).astype(np.uint16))


def _track_values(path: Path, frames: int) -> np.ndarray:
    """Float [frames, n, 3]: x, y, visibility."""
    try:
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo("tracks.npy")
            if entry.file_size > frames * _MAX_TRACKS * 3 * 8 + 1024:
                raise DamageError("more tracks than are read")
            with archive.open(entry) as file:
                values = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DamageError(f"{type(error).__name__}: {error}") from error
    except ValueError as error:
        raise DamageError(str(error)) from error
    if values.dtype.kind != "f" or values.ndim != 3 or values.shape[::2] != (frames, 3):
        raise DamageError(f"{values.dtype} {values.shape}, expected {frames} frames")
    if not np.isfinite(values).all():
        raise DamageError("a track that is nowhere")
    return values


def _layers(
    scored: Sequence[tuple[int, float]], merging: MergeSettings | None
) -> tuple[tuple[Element, ...], tuple[LayerFacts, ...]]:
    """Elements and layers; a layer's score is the plain mean of its elements' (1.5)."""
    scores = [score for _, score in scored]
    merged = (
        np.arange(len(scores)) if merging is None else merge_by_score(np.array(scores), merging)
    )
    groups: list[int] = merged.tolist()
    names = [UNCOVERED_NAME if name == UNCOVERED else f"element_{name}" for name, _ in scored]
    elements = tuple(Element(*item) for item in zip(names, scores, groups, strict=True))
    layers = []
    for group in range(max(groups) + 1):
        members = [element for element in elements if element.layer == group]
        score = float(np.mean([element.score for element in members]))
        layers.append(LayerFacts("+".join(element.name for element in members)[:200], score))
    return elements, tuple(layers)


def _provenance(
    folder: Path, row: OfficialRow, frames: tuple[int, int], rules: ImportRules
) -> Provenance:
    """Rights from the licence record beside the video or above it; the layout itself has none."""
    try:
        record = find_licence(row.video, folder.resolve())
    except ClipRefusedError as error:
        raise AcetateError(
            "licence_missing", clip=row.clip_id, field="its licence record", detail=str(error)
        ) from error
    with row.video.open("rb") as file:
        source_id = hashlib.file_digest(file, "sha256").hexdigest()
    settings = (rules.frames, rules.filter_tracks, rules.merging)
    return provenance_of(
        record,
        source_id=source_id,
        source=row.video.name,
        frames=frames,
        toolkit=f"acetate {metadata.version('acetate')}",
        parameters_hash=hashlib.sha256(msgspec.json.encode(settings)).hexdigest(),
        annotations=_ANNOTATIONS,
    )


_ANNOTATIONS = (
    Annotation("masks", "layeranimate-layout", "masklet_f48", "Apache-2.0"),
    Annotation("tracks", "cotracker3", "masklet_f48_track_60", "CC-BY-NC-4.0"),
)
"""What made the layout's annotations (`spec/curation.md` 0.4, 1.8): its tracks are CoTracker3's."""
