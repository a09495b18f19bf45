"""Frames as small H.264 files and back, only the wanted ones; packer and reader call this.

Groups of 8 frames, of which five are leaned on by no other, so that picking every third frame
decodes little more than half of them (`spec/curation.md` 4.1; decoding dominates reading).
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import cast

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.container import InputContainer
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

from curation.dataset.damage import DamageError

GROUP_FRAMES = 8
PICTURE_QUALITY = 16
SKETCH_QUALITY = 8
_X264 = (
    f"keyint={GROUP_FRAMES}:min-keyint={GROUP_FRAMES}:scenecut=0:open-gop=0:bframes=3:b-adapt=0"
    ":b-pyramid=none:threads=1:sliced-threads=0"
    # Or what a macroblock is worth to later frames is reckoned by the processor's own code, whose
    # AVX-512 form gave up to sixteen different files of the same frames.
    ":cpu-independent=1"
)
_EXACT = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
_NON_REFERENCE_SLICE, _KEY_SLICE = 1, 5


def encode_video(frames: np.ndarray, fps: float) -> bytes:
    """An mp4 of uint8 frames [frames, h, w, 3] (RGB, becomes 4:2:0) or [frames, h, w] (grey).

    One thread and no time stamps: the same frames give the same bytes. Odd sides are continued by
    one pixel, which the reader cuts off again.
    """
    grey = frames.ndim == 3
    frames = _even(frames)
    rate = Fraction(fps).limit_denominator(1001)
    target = io.BytesIO()
    with av.open(target, "w", format="mp4", container_options={"fflags": "+bitexact"}) as file:
        stream = cast(VideoStream, file.add_stream("libx264", rate=rate))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "gray" if grey else "yuv420p"
        context = stream.codec_context
        context.thread_count = 1
        context.flags |= Flags.bitexact
        quality = SKETCH_QUALITY if grey else PICTURE_QUALITY
        # Without entropy-coded arithmetic and deblocking, decoding costs half.
        context.options = {"crf": str(quality), "tune": "fastdecode", "x264-params": _X264}
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="gray" if grey else "rgb24")
            if not grey:
                frame = frame.reformat(format="yuv420p", interpolation=_EXACT)
            frame.pts = number
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return target.getvalue()


def decode_video(
    data: bytes, size: tuple[int, int], count: int, wanted: Sequence[int], *, grey: bool = False
) -> np.ndarray:
    """Frames `wanted` of an mp4 of `count` frames: uint8 [wanted, h, w, 3] or [wanted, h, w].

    `size`: width and height that the frames must have, so that no file makes the reader take more
    memory than its index announced. Raises `DamageError`.
    """
    width, height = size
    shape = (len(wanted), height, width) if grey else (len(wanted), height, width, 3)
    out = np.empty(shape, np.uint8)
    places: dict[int, list[int]] = {}
    for place, number in enumerate(wanted):
        places.setdefault(number, []).append(place)
    found = 0
    try:
        for number, frame in _decoded(data, size, count, places.keys()):
            found += 1
            if frame.width < size[0] or frame.height < size[1]:
                raise DamageError(f"a frame of {frame.width}x{frame.height}")
            pixels = _luma(frame) if grey else _rgb(frame)
            for place in places[number]:
                out[place] = pixels[:height, :width]
    except FFmpegError as error:
        raise DamageError(str(error)) from error
    if found != len(places):
        raise DamageError(f"{found} of {len(places)} frames could be decoded")
    return out


def _decoded(
    data: bytes, size: tuple[int, int], count: int, keep: Collection[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Wanted frames with their numbers, in the order of decoding."""
    with av.open(io.BytesIO(data), "r", format="mp4") as file:
        stream = _only_stream(file, size)
        packets = [packet for packet in file.demux(stream) if packet.size]
        if len(packets) != count:
            raise DamageError(f"{len(packets)} frames, expected {count}")
        times = sorted(packet.pts for packet in packets if packet.pts is not None)
        numbers = {time: number for number, time in enumerate(times)}
        if len(numbers) != count:
            raise DamageError("frames without a time of their own")
        asked = [numbers.get(packet.pts or 0, -1) in keep for packet in packets]
        for packet in _needed(packets, asked):
            yield from _kept(packet.decode(), numbers, keep)
        yield from _kept(stream.codec_context.decode(None), numbers, keep)


def _only_stream(file: InputContainer, size: tuple[int, int]) -> VideoStream:
    if len(file.streams) != 1 or len(file.streams.video) != 1:
        raise DamageError("not one single video stream")
    stream = file.streams.video[0]
    even = (size[0] + size[0] % 2, size[1] + size[1] % 2)
    context: VideoCodecContext | None = stream.codec_context  # none for codecs it knows not
    if context is None or context.name != "h264":
        raise DamageError("not H.264")
    if (context.width, context.height) != even:
        raise DamageError(f"frames of {context.width}x{context.height}")
    # A stream may change its size on the way: the decoder must not make room for anything larger.
    context.options = {"max_pixels": str((size[0] + 32) * (size[1] + 32))}
    context.thread_count = 1
    return stream


def _needed(packets: Sequence[av.Packet], asked: Sequence[bool]) -> Iterator[av.Packet]:
    """Packets without which no wanted frame can be decoded, in order, group by group."""
    starts = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    for start, end in zip(starts, [*starts[1:], len(packets)], strict=True):
        last = max((number for number in range(start, end) if asked[number]), default=-1)
        for number in range(start, last + 1):
            if asked[number] or _leaned_on(packets[number]):
                yield packets[number]


def _leaned_on(packet: av.Packet) -> bool:
    """Whether other frames refer to this one: `nal_ref_idc` of its first slice (H.264, 7.4.1)."""
    head = bytes(memoryview(packet)[:4096])
    at = 0
    while at + 5 <= len(head):
        unit = head[at + 4]
        if unit & 31 in (_NON_REFERENCE_SLICE, _KEY_SLICE):
            return bool(unit >> 5 & 3)
        at += 4 + int.from_bytes(head[at : at + 4], "big")
    return True


def _kept(
    frames: Sequence[av.VideoFrame], numbers: dict[int, int], keep: Collection[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    for frame in frames:
        number = -1 if frame.pts is None else numbers.get(frame.pts, -1)
        if number in keep:
            yield number, frame


def _rgb(frame: av.VideoFrame) -> np.ndarray:
    """In integers, which give the same picture on every processor."""
    if frame.format.name != "yuv420p":
        raise DamageError(f"pixels of kind {frame.format.name}")
    return cv2.cvtColor(frame.to_ndarray(), cv2.COLOR_YUV2RGB_I420)


def _luma(frame: av.VideoFrame) -> np.ndarray:
    plane = frame.planes[0]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)


def _even(frames: np.ndarray) -> np.ndarray:
    height, width = frames.shape[1:3]
    if height % 2 == 0 and width % 2 == 0:
        return frames
    margins = ((0, 0), (0, height % 2), (0, width % 2), (0, 0))[: frames.ndim]
    return np.pad(frames, margins, mode="edge")
