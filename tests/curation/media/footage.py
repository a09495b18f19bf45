"""Small real videos for tests, encoded on the spot; frame i shows its number as a grey level."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 320, 256


def level(index: int) -> int:
    """Grey level of frame `index`; neighbours differ by more than compression does."""
    return 40 + (index * 37) % 180


def picture(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """RGB [h, w, 3]: one grey, a white square in the top left corner."""
    frame = np.full((height, width, 3), level(index), np.uint8)
    frame[: height // 4, : height // 4] = 255
    return frame


def write_video(
    path: Path,
    frames: int = 24,
    *,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    times: Sequence[int] | None = None,
    rotation: int = 0,
) -> Path:
    """An H.264 file at 24 frames per second; `times` places frames elsewhere on that grid."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 24)
        stream.codec_context.gop_size = 8
        if rotation:
            stream.set_display_rotation(rotation)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(index, *size), format="rgb24")
            frame.pts = times[index] if times else index
            frame.time_base = Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_frames(path: Path, frames: np.ndarray) -> Path:
    """An H.264 file of RGB frames uint8 [n, h, w, 3] at 24 frames per second, hardly changed."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "12"})
        stream.width, stream.height = frames.shape[2], frames.shape[1]
        stream.pix_fmt = "yuv420p"
        for index, shown in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


LICENCE = """
title = "A walk"
rights_holder = "Studio"
licence = "CC-BY-4.0"
licence_evidence = "contract.pdf"
consent_for_training = true
consent_by = "A. Person"
consent_date = "2026-01-02"
attribution = "Studio, 2026"
acquired = "2026-01-03"
"""
