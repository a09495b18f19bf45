"""The bars of the curation stages, measured; `acetate curate bench` prints them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np

from curation.bench import measures
from curation.bench.synthetic import (
    BACKDROP,
    BALL,
    CHARACTER,
    FPS,
    HEIGHT,
    KINDS,
    WIDTH,
    SyntheticClip,
    make,
)
from curation.dataset.provenance import own_work
from curation.stages.chain import ChainSettings, layered_clip
from curation.stages.cuts import find_cuts
from curation.stages.elements import region_labels, segment
from curation.stages.flow import dis_flow, region_flow
from curation.stages.masklets import propagate
from curation.stages.merging import merge_by_score
from curation.stages.refinement import refine
from curation.stages.sketches import sketch
from curation.stages.tracks import TrackSettings, follow, grid_points, in_element
from shared.errors import AcetateError
from shared.pictures import decode_picture

_LEAST_AREA = 0.005


class Row(msgspec.Struct, frozen=True):
    """One figure: what, how much, and the bar. `at_least` tells which side of it is good."""

    stage: str
    figure: str
    value: float
    bar: float
    at_least: bool = True

    @property
    def reached(self) -> bool:
        """Whether the bar is met."""
        return self.value >= self.bar if self.at_least else self.value <= self.bar


@dataclass(frozen=True, eq=False)
class Demo:
    """An official demo picture, RGB uint8 [h, w, 3], its layers' masks, and its sketch if any."""

    name: str
    picture: np.ndarray
    masks: tuple[np.ndarray, ...]
    lines: np.ndarray | None


def measure_all(demos: Path | None, told: Callable[[str], None]) -> list[Row]:
    """Every bar, in order; `demos` holds the official demo folders, None leaves theirs out."""
    rows: list[Row] = []
    found = load_demos(demos) if demos is not None else []
    stages: list[tuple[str, Callable[[], list[Row]]]] = [
        ("elements", lambda: element_rows(found)),
        ("sketches", lambda: sketch_rows(found)),
        ("flow", flow_rows),
        ("masklets", masklet_rows),
        ("tracks", track_rows),
        ("layers", layer_rows),
        ("cuts", cut_rows),
        ("newcomers", newcomer_rows),
        ("merging", merging_rows),
        ("chain", chain_rows),
    ]
    for name, stage in stages:
        told(name)
        rows += stage()
    return rows


def load_demos(folder: Path) -> list[Demo]:
    """First and last frames of the official demos with their masks. Raises `not_found`."""
    found = [
        _demo(inner, which)
        for inner in sorted(folder.iterdir())
        for which in ("first", "last")
        if (inner / f"{which}_frame.jpg").is_file()
    ]
    if not found:
        raise AcetateError("not_found", what=f"demo folder in {folder.name}")
    return found


def _demo(folder: Path, which: str) -> Demo:
    suffix = "_last" if which == "last" else ""
    picture = decode_picture((folder / f"{which}_frame.jpg").read_bytes())[..., :3]
    masks = []
    for number in range(16):
        path = folder / f"layer_{number}{suffix}.jpg"
        if path.is_file():
            masks.append(decode_picture(path.read_bytes())[..., 0] > 127)
    lines = None
    if which == "first" and (folder / "sketch.mp4").is_file():
        read, frame = cv2.VideoCapture(str(folder / "sketch.mp4")).read()
        lines = np.asarray(frame)[..., 1] if read else None
    kept = tuple(mask for mask in masks if mask.mean() > _LEAST_AREA)
    return Demo(f"{folder.name}/{which}", np.ascontiguousarray(picture), kept, lines)


def element_rows(demos: list[Demo]) -> list[Row]:
    """Segmentation of the demos: what can be reached by merging, by one click, and the time."""
    if not demos:
        return []
    cut, seconds = [], []
    for demo in demos:
        start = time.process_time()
        cut.append(segment(demo.picture))
        seconds.append(time.process_time() - start)
    pairs = [(e, mask) for e, demo in zip(cut, demos, strict=True) for mask in demo.masks]
    unions = [measures.oracle_union(e, mask) for e, mask in pairs]
    nodes = [measures.best_node(e, mask) for e, mask in pairs]
    return [
        Row("elements", "oracle-union IoU, mean", float(np.mean(unions)), 0.93),
        Row("elements", "oracle-union IoU, least", min(unions), 0.80),
        Row("elements", "best tree node IoU, mean", float(np.mean(nodes)), 0.75),
        Row("elements", "regions, most", max(len(e.regions) for e in cut), 250, at_least=False),
        Row("elements", "CPU s per frame", float(np.median(seconds)), 0.3, at_least=False),
    ]


def sketch_rows(demos: list[Demo]) -> list[Row]:
    """Sketches of the layer that the demo's own sketch draws: the one with most of its ink."""
    f1, mae = [], []
    for demo in demos:
        if demo.lines is None:
            continue
        lines = demo.lines
        mask = max(demo.masks, key=lambda m: int((lines[m] < 128).sum()))
        mine = sketch(demo.picture)
        f1.append(measures.line_f1(mine, lines, mask, 1.0))
        mae.append(float(np.abs(mine[mask] / 255.0 - lines[mask] / 255.0).mean()))
    if not f1:
        return []
    return [
        Row("sketches", "F1 at 1 px", float(np.mean(f1)), 0.83),
        Row("sketches", "mean absolute error", float(np.mean(mae)), 0.11, at_least=False),
    ]


def flow_rows() -> list[Row]:
    """End-point error of the backdrop after repair by region."""
    rows = []
    for kind in ("mid", "fast", "pan", "twos", "new"):
        clip = make(kind)
        errors = []
        for frame in range(0, len(clip.frames) - 1, 2 if kind != "twos" else 1):
            first, second = clip.frames[frame], clip.frames[frame + 1]
            flow = region_flow(first, second, dis_flow(first, second), region_labels(first))
            errors.append(measures.flow_error(clip, frame, flow, BACKDROP))
        rows.append(
            Row("flow", f"{kind}: backdrop px", float(np.mean(errors)), 0.3, at_least=False)
        )
    return rows


def masklet_rows() -> list[Row]:
    """IoU of propagated masks, mean of ball and character."""
    bars = {"slow": 0.93, "pan": 0.97, "twos": 0.92, "mid": 0.82}
    rows = []
    for kind in (*bars, "fast"):
        clip = make(kind)
        labels = propagate(clip.frames, clip.things[0].astype(np.int32)).labels
        ball, figure = (measures.followed(clip, labels, thing) for thing in (BALL, CHARACTER))
        if kind == "fast":
            rows.append(Row("masklets", "fast: ball IoU", ball, 0.49))
        else:
            rows.append(Row("masklets", f"{kind}: mean IoU", (ball + figure) / 2, bars[kind]))
            rows.append(
                Row(
                    "masklets",
                    f"{kind}: least of ball and character",
                    min(ball, figure),
                    bars[kind],
                )
            )
    return rows


def track_rows() -> list[Row]:
    """Kept points on the character that lie within 4 px of the truth."""
    rows = []
    for kind in ("slow", "mid", "pan", "twos"):
        clip = make(kind)
        points = grid_points(HEIGHT, WIDTH, 60)
        places, trusted = follow(clip.frames, points)
        truth, seen = clip.follow(points.astype(np.float64))
        labels = clip.things.astype(np.int64) + 1
        kept, element = in_element(places, trusted, labels, TrackSettings())
        kept &= element == CHARACTER
        error = np.linalg.norm(places - truth, axis=2)[kept]
        share = float((error < 4.0)[trusted[kept] & seen[kept]].mean())
        rows.append(Row("tracks", f"{kind}: precision on the character", share, 0.9))
    return rows


_LAYER_BARS = {
    "slow": (0.96, 0.80, 0.92),
    "mid": (0.92, 0.86, 0.86),
    "twos": (0.96, 0.75, 0.90),
    "pan": (0.91, None, 0.92),
    "fast": (0.89, 0.64, 0.72),
    "new": (0.91, None, 0.13),
}


def layer_rows() -> list[Row]:
    """IoU of the best layer on the first frame, from pictures alone."""
    rows = []
    for kind, bars in _LAYER_BARS.items():
        clip = make(kind)
        layers = layered_clip(clip.frames, FPS, ChainSettings(), BENCH).layer_labels()[0]
        for thing, name in ((BACKDROP, "backdrop"), (BALL, "ball"), (CHARACTER, "character")):
            bar = bars[thing]
            if bar is not None:
                value = measures.best_layer(layers, clip.things[0] == thing)
                rows.append(Row("layers", f"{kind}: {name} IoU", value, bar))
    return rows


def newcomer_rows() -> list[Row]:
    """IoU of the ball that enters, from its entry on, and newcomers seen where none enters."""
    least, false = 1.0, 0
    for kind in KINDS:
        clip = make(kind)
        regions = np.stack([region_labels(frame) for frame in clip.frames])
        labels = propagate(clip.frames, regions[0], regions=regions).labels
        found = refine(clip.frames, labels, regions)
        there = int(regions[0].max())
        new = int(found.max()) - there
        ball = clip.things == BALL
        if ball[0].any():
            false += new
            continue
        false += max(0, new - 1)
        entered = ball.any(axis=(1, 2))
        pairs = zip(found[entered] == there + 1, ball[entered], strict=True)
        least = min(least, *(measures.iou(mine, true) for mine, true in pairs))
    return [
        Row("newcomers", "new: ball IoU from its entry on, least", least, 0.8),
        Row("newcomers", "false ones in all clips", false, 0, at_least=False),
    ]


def film(kinds: list[str], seeds: list[int]) -> np.ndarray:
    """Shots of one palette joined by hard cuts, uint8 [frames, h, w, 3]."""
    shots = [make(kind, seed=seed).frames for kind, seed in zip(kinds, seeds, strict=True)]
    return np.concatenate(shots)


def flashed(clip: SyntheticClip) -> np.ndarray:
    """A clip in which two frames are nearly white, uint8 [frames, h, w, 3]."""
    frames = clip.frames.copy()
    frames[7:9] = 255 - (255 - frames[7:9]) // 8
    return frames


def cut_rows() -> list[Row]:
    """Hard cuts found of six, and cuts seen where there are none."""
    found, missed = 0, 0
    for seeds in ([1, 2, 3, 4], [5, 6, 7, 8]):
        cuts = find_cuts(film(["slow", "mid", "twos", "fast"], seeds))
        found += len({16, 32, 48} & set(cuts))
        missed += len(set(cuts) - {16, 32, 48})
    for frames in (*(make(kind).frames for kind in KINDS), flashed(make("slow"))):
        missed += len(find_cuts(frames))
    return [
        Row("cuts", "hard cuts found, of 6", found, 6),
        Row("cuts", "false cuts", missed, 0, at_least=False),
    ]


def merging_rows() -> list[Row]:
    """Time of merging 200 elements."""
    scores = np.random.default_rng(0).gamma(1.0, 3.0, 200)
    start = time.process_time()
    for _ in range(20):
        merge_by_score(scores)
    milliseconds = (time.process_time() - start) / 20 * 1e3
    return [Row("merging", "200 elements, ms", milliseconds, 5.0, at_least=False)]


def chain_rows() -> list[Row]:
    """All stages on 48 frames of 320x512."""
    clip = make("mid", frames=48)
    start = time.process_time()
    layered_clip(clip.frames, FPS, ChainSettings(), BENCH)
    spent = time.process_time() - start
    return [Row("chain", "48 frames, all stages, CPU s", spent, 60.0, at_least=False)]


def as_table(rows: list[Row]) -> Iterator[str]:
    """Lines of the table."""
    for row in rows:
        sign = ">=" if row.at_least else "<="
        mark = "ok" if row.reached else "MISSED"
        yield f"{row.stage:10} {row.figure:40} {row.value:9.3f} {sign} {row.bar:<7g} {mark}"


BENCH = own_work("synthetic clip", 16)
