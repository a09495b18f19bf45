"""Label maps, tracks and flow as small npz files and back; packer and reader call this.

Forms after `spec/curation.md` 4.1. Nothing is unpickled, and nothing is unpacked that is longer
than announced.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from curation.dataset.clip import Tracks
from curation.dataset.damage import DamageError

TRACK_STEPS_PER_PX = 8
"""Tracks are kept in eighths of a pixel: at most 0.0625 px off per coordinate."""

_HEADER_BYTES = 1024
_MAX_ARRAYS = 4096 + 8


@dataclass(frozen=True)
class _Wanted:
    """What an array in a file has to be."""

    shape: tuple[int, ...]
    dtypes: tuple[type[np.generic], ...]


def encode_labels(labels: np.ndarray) -> bytes:
    """One array `frame_0000` ... per frame of uint8 or uint16 [frames, h, w]."""
    return _encode({_frame_name(number): frame for number, frame in enumerate(labels)})


def decode_labels(
    data: bytes, size: tuple[int, int], count: int, wanted: Sequence[int], highest: int
) -> np.ndarray:
    """Label maps of frames `wanted`: uint8 or uint16 [wanted, h, w], values 0 .. `highest`."""
    width, height = size
    shape = _Wanted((height, width), (np.uint8, np.uint16))
    names = [_frame_name(number) for number in wanted]
    found = _decode(data, dict.fromkeys(names, shape), arrays=count)
    labels = np.stack([found[name] for name in names]) if names else _no_labels(size)
    if labels.size and int(labels.max()) > highest:
        raise DamageError(f"label {labels.max()} of {highest} elements")
    return labels


def encode_tracks(tracks: Tracks) -> bytes:
    """Starts and steps in eighths of a pixel, visibility one bit each, elements.

    Steps are int16, or int32 where a point jumps more than 4095 px.
    """
    eighths = np.rint(tracks.points.astype(np.float64) * TRACK_STEPS_PER_PX).astype(np.int32)
    steps = np.diff(eighths, axis=1).swapaxes(0, 1)  # [frames - 1, n, 2]
    short = not steps.size or int(np.abs(steps).max()) <= np.iinfo(np.int16).max
    return _encode(
        {
            "start": eighths[:, 0],
            "steps": steps.astype(np.int16 if short else np.int32),
            "visible": np.packbits(tracks.visible, axis=1),
            "elements": tracks.elements,
        }
    )


def decode_tracks(
    data: bytes, points: int, count: int, wanted: Sequence[int], elements: int
) -> Tracks:
    """Tracks of `points` points through frames `wanted` of `count`; `elements` exist."""
    found = _decode(
        data,
        {
            "start": _Wanted((points, 2), (np.int32,)),
            "steps": _Wanted((count - 1, points, 2), (np.int16, np.int32)),
            "visible": _Wanted((points, -(-count // 8)), (np.uint8,)),
            "elements": _Wanted((points,), (np.uint16,)),
        },
        arrays=4,
    )
    if points and int(found["elements"].max()) >= elements:
        raise DamageError(f"a track of element {found['elements'].max()} of {elements}")
    places = np.empty((count, points, 2), np.int32)
    places[0] = found["start"]
    np.cumsum(found["steps"], axis=0, dtype=np.int32, out=places[1:])
    places[1:] += places[0]
    picked = list(wanted)
    visible = np.unpackbits(found["visible"], axis=1, count=count).astype(np.bool_)
    chosen = places[picked].swapaxes(0, 1)  # [n, wanted, 2]
    return Tracks(
        np.ascontiguousarray(chosen, np.float32) / np.float32(TRACK_STEPS_PER_PX),
        visible[:, picked],
        found["elements"],
    )


def encode_flow(flow: np.ndarray) -> bytes:
    """One array `flow`, float16 [frames - 1, h, w, 2]."""
    return _encode({"flow": flow})


def decode_flow(data: bytes, size: tuple[int, int], count: int) -> np.ndarray:
    """Flow of a clip of `count` frames: float16 [frames - 1, h, w, 2]."""
    shape = _Wanted((count - 1, size[1], size[0], 2), (np.float16,))
    return _decode(data, {"flow": shape}, arrays=1)["flow"]


def _frame_name(number: int) -> str:
    return f"frame_{number:04d}"


def _no_labels(size: tuple[int, int]) -> np.ndarray:
    return np.zeros((0, size[1], size[0]), np.uint8)


def _encode(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An npz without dates, so that the same arrays give the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            body = io.BytesIO()
            np.lib.format.write_array(body, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(entry, body.getvalue())
    return target.getvalue()


def _decode(data: bytes, wanted: Mapping[str, _Wanted], *, arrays: int) -> dict[str, np.ndarray]:
    """The wanted arrays of an npz that holds `arrays` arrays. Raises `DamageError`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if len(archive.infolist()) != min(arrays, _MAX_ARRAYS):
                raise DamageError(f"{len(archive.infolist())} arrays, expected {arrays}")
            return {name: _array(archive, name, what) for name, what in wanted.items()}
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        raise DamageError(f"{type(error).__name__}: {error}") from error
    except (OSError, RuntimeError) as error:
        raise DamageError(str(error)) from error


def _array(archive: zipfile.ZipFile, name: str, wanted: _Wanted) -> np.ndarray:
    entry = archive.getinfo(f"{name}.npy")
    largest = max(np.dtype(dtype).itemsize for dtype in wanted.dtypes)
    if entry.file_size > int(np.prod(wanted.shape)) * largest + _HEADER_BYTES:
        raise DamageError(f"{name} is longer than its clip allows")
    try:
        array = np.lib.format.read_array(io.BytesIO(archive.read(entry)), allow_pickle=False)
    except ValueError as error:
        raise DamageError(f"{name}: {error}") from error
    if array.shape != wanted.shape or array.dtype.type not in wanted.dtypes:
        raise DamageError(f"{name} is {array.dtype} {array.shape}, expected {wanted.shape}")
    return array
