"""Measures the reader: full samples per second of one process; `acetate dataset bench` calls it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from curation.dataset.clip import Element, LayeredClip, LayerFacts, ScoreScale, Tracks
from curation.dataset.provenance import own_work
from curation.dataset.reader import DataSet
from curation.dataset.writer import ShardWriter

WIDTH, HEIGHT, FRAMES, PICKED = 512, 320, 48, 16
_TRACKS = 3600


@dataclass(frozen=True)
class ReaderFigures:
    """Rates are samples per CPU second of one process, with the median and the best pass."""

    samples_per_s: float
    best_samples_per_s: float
    cpu_ms_per_sample: float
    written_cpu_s_per_clip: float
    bytes_per_clip: int
    clips: int
    passes: int
    size: str = f"{WIDTH}x{HEIGHT}"
    frames: str = f"{PICKED} of {FRAMES}"


def bench_reader(folder: Path, *, clips: int = 4, passes: int = 5) -> ReaderFigures:
    """Write `clips` drawn clips below `folder`, then read 16 of 48 frames of each, over and over.

    A sample is frames, labels, 3600 tracks and sketch. CPU time of this process is counted, so
    that other work on the machine changes the figures little.
    """
    drawn = drawn_clip()
    started = time.process_time()
    with ShardWriter(folder) as writer:
        for number in range(clips):
            writer.add(replace(drawn, clip_id=f"bench-{number}"))
    writing_s = time.process_time() - started
    data = DataSet.open(folder)
    frames = np.linspace(0, FRAMES - 1, PICKED).round().astype(int).tolist()
    data.clip(0, frames)
    seconds = [_pass(data, frames) / clips for _ in range(passes)]
    middle = float(np.median(seconds))
    return ReaderFigures(
        samples_per_s=round(1 / middle, 2),
        best_samples_per_s=round(1 / min(seconds), 2),
        cpu_ms_per_sample=round(1000 * middle, 2),
        written_cpu_s_per_clip=round(writing_s / clips, 3),
        bytes_per_clip=sum(shard.bytes for shard in data.index.shards) // clips,
        clips=clips,
        passes=passes,
    )


def _pass(data: DataSet, frames: list[int]) -> float:
    started = time.process_time()
    for number in range(len(data)):
        data.clip(number, frames)
    return time.process_time() - started


def drawn_clip() -> LayeredClip:
    """Six discs with ink lines that swing over a panned, painted plate; heavier than most clips."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    rng = np.random.default_rng(0)
    plate = _plate(rng)
    frames = np.empty((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    labels = np.ones((FRAMES, HEIGHT, WIDTH), np.uint8)
    sketch = np.full((FRAMES, HEIGHT, WIDTH), 255, np.uint8)
    colours = rng.integers(40, 230, (6, 3))
    for number in range(FRAMES):
        frames[number] = plate[:, number : number + WIDTH]
        for disc in range(6):
            across = 60 + 75 * disc + 25 * np.sin(number / 6 + disc)
            down = 160 + 80 * np.sin(number / 9 + 2 * disc)
            distance = np.hypot((x - across) / 0.8, y - down)
            frames[number][distance < 50] = colours[disc]
            labels[number][distance < 50] = disc + 2
            line = np.abs(distance - 50) < 1.2
            frames[number][line] = 15
            sketch[number][line] = 0
    steps = rng.normal(0, 1, (_TRACKS, FRAMES, 2))
    points = rng.uniform(0, HEIGHT, (_TRACKS, 1, 2)) + steps.cumsum(1)
    return LayeredClip(
        clip_id="bench",
        fps=24.0,
        frames=frames,
        labels=labels,
        elements=tuple(Element(f"disc {n}", float(n), min(n, 3)) for n in range(7)),
        layers=tuple(LayerFacts(f"layer {n}", float(n)) for n in range(4)),
        score_scale=ScoreScale(WIDTH, HEIGHT),
        tracks=Tracks(
            points.astype(np.float32),
            rng.random((_TRACKS, FRAMES)) > 0.2,
            rng.integers(0, 7, _TRACKS).astype(np.uint16),
        ),
        caption="six discs over a painted plate",
        provenance=_OWN,
        sketch=sketch,
    )


def _plate(rng: np.random.Generator) -> np.ndarray:
    """uint8 [h, w + frames, 3]: soft colours with some thin edges."""
    height, width = HEIGHT, WIDTH + FRAMES
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [np.sin(x / rng.uniform(20, 90) + y / rng.uniform(20, 90)) for _ in range(3)]
    plate = np.stack([130 + 60 * wave for wave in waves], -1).astype(np.uint8)
    for _ in range(30):
        left, top = rng.integers(0, width - 60), rng.integers(0, height - 60)
        plate[top : top + 2, left : left + 60] = rng.integers(0, 255, 3)
        plate[top : top + 60, left : left + 2] = rng.integers(0, 255, 3)
    return plate


_OWN = own_work("Drawn for measuring", FRAMES)
