"""Frames of footage as arrays: a stretch of a file, upright, over white, at the size asked for."""

from __future__ import annotations

from collections.abc import Iterator
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
"""Formats whose frames do not say truly when they show: they are counted from the start."""

WHOLE = (0.0, 0.0, 1.0, 1.0)

Crop = tuple[float, float, float, float]
"""Left, top, width and height as shares of the picture."""


def read_frames(
    path: Path, first: int, last: int, size: tuple[int, int], crop: Crop = WHOLE
) -> np.ndarray:
    """Frames `first` .. `last - 1` as uint8 RGB [n, h, w, 3], cropped, then resized to (w, h).

    A video is sought to the key frame before, so a late clip of a long film costs no more than an
    early one. Raises `ClipRefusedError` `corrupt` where a frame is missing or cannot be decoded.
    """
    pictures = _of_folder(path, first, last) if path.is_dir() else _of_video(path, first, last)
    frames = [_resized(_cropped(picture, crop), size) for picture in pictures]
    if len(frames) != last - first:
        raise ClipRefusedError("corrupt", f"{len(frames)} of {last - first} frames decode")
    return np.stack(frames)


def _of_video(path: Path, first: int, last: int) -> Iterator[np.ndarray]:
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            timed = container.format.name not in _UNTIMED
            if timed:
                _seek(container, stream, first)
            for number, frame in enumerate(container.decode(stream)):
                index = _index(stream, frame) if timed else number
                if index >= last:
                    return
                if index >= first:
                    yield _upright(frame)
    except FFmpegError as error:
        raise ClipRefusedError("corrupt", error.strerror or "cannot be decoded") from error
    except IndexError as error:
        raise ClipRefusedError("no_video") from error


def _seek(container: InputContainer, stream: av.VideoStream, first: int) -> None:
    if first and stream.average_rate and stream.time_base:
        start = stream.start_time or 0
        container.seek(start + int(first / stream.average_rate / stream.time_base), stream=stream)


def _index(stream: av.VideoStream, frame: av.VideoFrame) -> int:
    """Which frame of the stream this is, by its time: constant rates have been checked."""
    if frame.pts is None or not stream.average_rate or not stream.time_base:
        raise ClipRefusedError("corrupt", "a frame without a time")
    start = stream.start_time or 0
    return round((frame.pts - start) * stream.time_base * stream.average_rate)


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
