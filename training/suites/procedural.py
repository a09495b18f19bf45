"""Procedural clips for the suites: every layer, backdrop, track and sketch known exactly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from shared.pictures import Picture
from training.procedural import RenderedClip, make_clip, render
from training.procedural.clip import Layer
from training.suites.clip import ASKED_TRACKS, SCORE_WIDTH_PX, STATIC_SCORE, SuiteClip, SuiteLayer

FPS = 24.0
_OPAQUE_ENOUGH = 128
_VERSION = 1


def procedural_clips(
    clips: int, seed: int, *, frames: int, width: int, height: int
) -> Iterator[SuiteClip]:
    """The evaluation clips `seed` .. `seed + clips - 1`, static ones included."""
    for number in range(seed, seed + clips):
        yield of_rendered(render(make_clip(number, frames=frames), width, height))


def of_rendered(rendered: RenderedClip) -> SuiteClip:
    """A rendered clip as the suites see it."""
    clip = rendered.clip
    labels = _labels(rendered)
    layers = tuple(
        _layer(rendered, index, labels == index + 1) for index in range(len(clip.layers))
    )
    size = f"{rendered.width}x{rendered.height}"
    return SuiteClip(
        clip_id=f"{clip.stream}-{clip.seed}",
        identity=f"procedural/{_VERSION} {clip.stream} {clip.seed} {clip.frames} {size}",
        stratum=clip.stratum,
        fps=FPS,
        caption="",
        frames=np.ascontiguousarray(rendered.composites[..., :3]),
        labels=labels,
        backdrop=rendered.plate,
        backdrop_of_two=rendered.plate,
        layers=layers,
    )


def _labels(rendered: RenderedClip) -> np.ndarray:
    """The topmost layer of every pixel: uint8 [frames, h, w], 0 = the plate."""
    frames, height, width = rendered.composites.shape[:3]
    labels = np.zeros((frames, height, width), np.uint8)
    for index, pictures in enumerate(rendered.layers):
        for frame, picture in enumerate(pictures):
            alpha = picture.on_canvas(width, height)[..., 3]
            labels[frame][alpha >= _OPAQUE_ENOUGH] = index + 1
    return labels


def _layer(rendered: RenderedClip, index: int, shown: np.ndarray) -> SuiteLayer:
    layer = rendered.clip.layers[index]
    pictures: tuple[Picture, ...] = rendered.layers[index]
    tracks = rendered.tracks[index, :, :ASKED_TRACKS].copy()
    return SuiteLayer(
        name=f"figure {index + 1}",
        score=_score(rendered, layer),
        first=pictures[0],
        last=pictures[-1],
        tracks=tracks,
        visible=_visible(tracks, shown),
        sketches=rendered.sketches[index],
    )


def _score(rendered: RenderedClip, layer: Layer) -> float:
    """Mean way of the outlines' vertices per frame; layers that move never count as still."""
    if layer.stratum == "static":
        return 0.0
    clip = rendered.clip
    drawn = [np.concatenate(layer.outlines(clip.time(frame))) for frame in range(clip.frames)]
    ways = [np.linalg.norm(b - a, axis=1).mean() for a, b in pairwise(drawn)]
    score = float(np.mean(ways)) * rendered.height * SCORE_WIDTH_PX / rendered.width
    return max(score, STATIC_SCORE)


def _visible(tracks: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Whether each tracked point [frames, p, 2] lies where its layer shows: bool [frames, p]."""
    frames, height, width = shown.shape
    cells = np.floor(tracks).astype(np.int64)
    x, y = cells[..., 0], cells[..., 1]
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    here = shown[np.arange(frames)[:, None], y.clip(0, height - 1), x.clip(0, width - 1)]
    return inside & here
