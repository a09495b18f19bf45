"""Frames of footage as arrays: a stretch of a file, upright, over white, at the size asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from PIL import Image, UnidentifiedImageError

from curation.media.sources import numbered_pictures
from curation.run.stage import ClipRefusedError

_UNTIMED = ("avi", "gif")
"""Formats that are never sought in. Where their frames last alike these are counted from the start:
AVI names the order of decoding."""

WHOLE = (0.0, 0.0, 1.0, 1.0)

Crop = tuple[float, float, float, float]
"""Left, top, width and height as shares of the picture."""


def read_frames(
    path: Path,
    first: int,
    last: int,
    size: tuple[int, int],
    crop: Crop = WHOLE,
    *,
    held_at: float | None = None,
) -> np.ndarray:
    """Frames `first` .. `last - 1` as uint8 RGB [n, h, w, 3], cropped, then resized to (w, h).

    `held_at`: frames per second for footage whose frames do not last alike; frame i is then what it
    shows i / `held_at` seconds after its start.

    A video is sought to the key frame before, so a late clip of a long film costs no more than an
    early one. Raises `ClipRefusedError` `corrupt` where a frame is missing or cannot be decoded.
    """
    if path.is_dir():
        pictures = _of_folder(path, first, last)
    elif held_at is None:
        pictures = _of_video(path, first, last)
    else:
        pictures = _held(path, first, last, held_at)
    frames = [_resized(_cropped(picture, crop), size) for picture in pictures]
    if len(frames) != last - first:
        raise ClipRefusedError("corrupt", f"{len(frames)} of {last - first} frames decode")
    return np.stack(frames)


def _of_video(path: Path, first: int, last: int) -> Iterator[np.ndarray]:
    with _opened(path) as (container, stream):
        timed = container.format.name not in _UNTIMED
        if timed and stream.average_rate:
            _seek(container, stream, first / float(stream.average_rate))
        for number, frame in enumerate(container.decode(stream)):
            index = _index(stream, frame) if timed else number
            if index >= last:
                return
            if index >= first:
                yield _upright(frame)


def _held(path: Path, first: int, last: int, rate: float) -> Iterator[np.ndarray]:
    """Every frame as often as it lasts, told by the times alone."""
    with _opened(path) as (container, stream):
        if container.format.name not in _UNTIMED:
            _seek(container, stream, first / rate)
        shown: av.VideoFrame | None = None
        tick = first
        for frame in container.decode(stream):
            begins = round(_seconds(stream, frame) * rate)
            yield from _repeated(shown, min(begins, last) - tick)
            tick = max(tick, min(begins, last))
            shown = frame
            if tick == last:
                return
        yield from _repeated(shown, last - tick)


def _repeated(frame: av.VideoFrame | None, times: int) -> Iterator[np.ndarray]:
    if frame is not None and times > 0:
        yield from [_upright(frame)] * times


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, av.VideoStream]]:
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            yield container, stream
    except FFmpegError as error:
        raise ClipRefusedError("corrupt", error.strerror or "cannot be decoded") from error
    except IndexError as error:
        raise ClipRefusedError("no_video") from error


def _seek(container: InputContainer, stream: av.VideoStream, to_s: float) -> None:
    if to_s and stream.time_base:
        start = stream.start_time or 0
        container.seek(start + int(to_s / float(stream.time_base)), stream=stream)


def _seconds(stream: av.VideoStream, frame: av.VideoFrame) -> float:
    """When a frame is shown first, from the start of the stream."""
    if frame.pts is None or not stream.time_base:
        raise ClipRefusedError("corrupt", "a frame without a time")
    return float((frame.pts - (stream.start_time or 0)) * stream.time_base)


def _index(stream: av.VideoStream, frame: av.VideoFrame) -> int:
    """Which frame of the stream this is, by its time: constant rates have been checked."""
    if not stream.average_rate:
        raise ClipRefusedError("corrupt", "no frame rate")
    return round(_seconds(stream, frame) * float(stream.average_rate))


def _upright(frame: av.VideoFrame) -> np.ndarray:
    if any(part.is_alpha for part in frame.format.components):
        picture = _over_white(frame.to_ndarray(format="rgba"))
    else:
        picture = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(picture, (frame.rotation // 90) % 4))


def _over_white(rgba: np.ndarray) -> np.ndarray:
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _of_folder(folder: Path, first: int, last: int) -> Iterator[np.ndarray]:
    for path in numbered_pictures(folder)[first:last]:
        try:
            with Image.open(path) as picture:
                yield _over_white(np.array(picture.convert("RGBA")))
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
            raise ClipRefusedError("corrupt", f"{path.name}: {error}") from error


def _cropped(picture: np.ndarray, crop: Crop) -> np.ndarray:
    height, width = picture.shape[:2]
    left, top = round(crop[0] * width), round(crop[1] * height)
    right, bottom = round((crop[0] + crop[2]) * width), round((crop[1] + crop[3]) * height)
    return picture[top:bottom, left:right]


def _resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    smaller = size[0] * size[1] < width * height
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
