"""Looks at footage before any work: size, rate, length, and whether a set can use it at all."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import msgspec
import numpy as np
from av.error import FFmpegError
from PIL import Image, UnidentifiedImageError

from curation.media.sources import Source, numbered_pictures
from curation.run.stage import ClipRefusedError

PICTURE_RATE = 24.0
"""Frames per second of a folder of pictures, which says nothing about it."""

MOST_RATE = 60.0
"""Most frames per second that footage of variable rate is read with."""


class IngestSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What footage is taken. Sides in pixels; `portrait` takes pictures higher than wide.

    `variable_rate` takes footage whose frames do not last alike: it is read at its usual rate, each
    frame as often as it lasts.
    """

    least_short_side: int = 256
    most_pixels: int = 4096 * 2304
    least_frames: int = 16
    portrait: bool = False
    variable_rate: bool = False


class MediaFacts(msgspec.Struct, frozen=True):
    """What a piece of footage is. `width`, `height`: as shown, upright and with square pixels.

    `variable_rate`: its frames do not last alike; `fps` is then the usual rate, and `frames` how
    many there are at that. `rotation`: degrees that it is turned by for showing. `alpha`: it has
    transparency, which frames show over white.
    """

    codec: str
    width: int
    height: int
    fps: float
    frames: int
    variable_rate: bool
    rotation: int
    alpha: bool
    colour_range: str


def probe(source: Source) -> MediaFacts:
    """Facts of a piece of footage. Raises `ClipRefusedError`: `corrupt`, `empty`, `no_video`."""
    return _video_facts(source.path) if source.kind == "video" else _picture_facts(source.path)


def refuse_unusable(facts: MediaFacts, settings: IngestSettings) -> None:
    """Nothing, or a `ClipRefusedError` with the first reason why a set cannot use it."""
    checks = (
        ("too_short", facts.frames < settings.least_frames, f"{facts.frames} frames"),
        ("too_large", facts.width * facts.height > settings.most_pixels, _size(facts)),
        ("too_small", min(facts.width, facts.height) < settings.least_short_side, _size(facts)),
        ("portrait", facts.height > facts.width and not settings.portrait, _size(facts)),
        ("variable_rate", facts.variable_rate and not settings.variable_rate, ""),
    )
    for reason, holds, detail in checks:
        if holds:
            raise ClipRefusedError(reason, detail)


def _size(facts: MediaFacts) -> str:
    return f"{facts.width}x{facts.height}"


def _video_facts(path: Path) -> MediaFacts:
    if path.stat().st_size == 0:
        raise ClipRefusedError("empty", "no bytes")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ClipRefusedError("no_video")
            stream = container.streams.video[0]
            times = [
                packet.pts
                for packet in container.demux(stream)
                if packet.pts is not None and not packet.is_discard
            ]
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            first = next(container.decode(stream), None)
            if first is None or not times:
                raise ClipRefusedError("empty", "no frame")
            return _facts_of(stream, first, np.sort(np.array(times)))
    except FFmpegError as error:
        raise ClipRefusedError("corrupt", error.strerror or "cannot be decoded") from error


def _facts_of(stream: av.VideoStream, frame: av.VideoFrame, times: np.ndarray) -> MediaFacts:
    steps = np.diff(times)
    if len(steps) and (not stream.time_base or times[-1] <= times[0]):
        raise ClipRefusedError("corrupt", "no frame rate")
    length_s = float((times[-1] - times[0]) * (stream.time_base or 0))
    # containers round the rate they name, and some name a wrong one: the times decide
    rate = len(steps) / length_s if length_s else PICTURE_RATE
    count = len(times)
    uneven = bool(len(steps) and steps.max() - steps.min() > 0.5 * np.median(steps))
    if uneven:
        rate = min(MOST_RATE, 1.0 / float(np.median(steps[steps > 0]) * (stream.time_base or 0)))
        count = round(length_s * rate) + 1
    ratio = stream.sample_aspect_ratio or Fraction(1)
    width, height = round(frame.width * float(ratio or 1)), frame.height
    if frame.rotation % 180:
        width, height = height, width
    return MediaFacts(
        codec=stream.codec_context.name,
        width=width,
        height=height,
        fps=round(rate, 6),
        frames=count,
        variable_rate=uneven,
        rotation=int(frame.rotation),
        alpha=any(part.is_alpha for part in frame.format.components),
        colour_range=str(frame.color_range),
    )


def _picture_facts(folder: Path) -> MediaFacts:
    pictures = numbered_pictures(folder)
    sizes: set[tuple[int, int]] = set()
    alpha = False
    for path in pictures:
        try:
            with Image.open(path) as picture:
                sizes.add(picture.size)
                alpha = alpha or picture.has_transparency_data
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
            raise ClipRefusedError("corrupt", f"{path.name}: {error}") from error
    if len(sizes) != 1:
        raise ClipRefusedError("mixed_sizes", ", ".join(f"{w}x{h}" for w, h in sorted(sizes)))
    width, height = sizes.pop()
    return MediaFacts(
        codec=pictures[0].suffix.lower().lstrip("."),
        width=width,
        height=height,
        fps=PICTURE_RATE,
        frames=len(pictures),
        variable_rate=False,
        rotation=0,
        alpha=alpha,
        colour_range="full",
    )
