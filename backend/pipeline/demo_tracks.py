"""Reads the point tracks of an official demo folder, NPZ or JSON; used by `official_demo`."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
from scipy.interpolate import PchipInterpolator

from shared.errors import AcetateError
from shared.strokes import load_arrays

_CANVAS_PX = (512, 320)
_MAX_BYTES = 64 * 1024 * 1024


def read_tracks(folder: Path, length: int, size: tuple[int, int]) -> np.ndarray | None:
    """Tracks in pixels of `size` (width, height): float32 [length, p, 2]; None without any.

    `trajectory.npz` holds [frames, p, 2] on a canvas of its own size; `trajectory.json` one list
    of positions per point on the official canvas. Clicked paths with fewer positions are carried
    to `length` frames by a monotone cubic. Raises `bad_package` or `bad_numbers`.
    """
    for name in ("trajectory.npz", "trajectory.json"):
        path = folder / name
        if path.is_file():
            if path.stat().st_size > _MAX_BYTES:
                raise AcetateError("bad_package", where=f"{name} is too large")
            data = path.read_bytes()
            tracks, canvas = _from_npz(data) if name.endswith("npz") else _from_json(data)
            return _fitted(tracks, length, canvas, size)
    return None


def _from_npz(data: bytes) -> tuple[np.ndarray, tuple[int, int]]:
    arrays = load_arrays(data)
    if "trajectory" not in arrays:
        raise AcetateError("bad_package", where="trajectory.npz holds no trajectory")
    width, height = _CANVAS_PX
    if {"width", "height"} <= set(arrays):
        width, height = (int(arrays[name].reshape(-1)[0]) for name in ("width", "height"))
    return arrays["trajectory"].astype(np.float32), (width, height)


def _from_json(data: bytes) -> tuple[np.ndarray, tuple[int, int]]:
    try:
        paths = msgspec.json.decode(data, type=list[list[tuple[float, float]]])
    except msgspec.DecodeError as error:
        raise AcetateError("bad_package", where="trajectory.json", detail=str(error)) from error
    if not paths or len({len(path) for path in paths}) != 1:
        raise AcetateError("bad_package", where="paths of trajectory.json differ in length")
    return np.asarray(paths, np.float32).transpose(1, 0, 2), _CANVAS_PX


def _fitted(
    tracks: np.ndarray, length: int, canvas: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    if tracks.ndim != 3 or tracks.shape[2] != 2 or 0 in tracks.shape or min(canvas) < 1:
        raise AcetateError("bad_package", where="a trajectory has another shape")
    if not np.isfinite(tracks).all():
        raise AcetateError("bad_numbers", layer="trajectory")
    if len(tracks) == 1:
        tracks = np.repeat(tracks, length, axis=0)
    elif len(tracks) != length:
        known = np.linspace(0, 1, len(tracks))
        wanted = np.linspace(0, 1, length)
        tracks = np.asarray(PchipInterpolator(known, tracks, axis=0)(wanted), np.float32)
    scale = np.array([size[0] / canvas[0], size[1] / canvas[1]])
    return (tracks * scale).astype(np.float32)
