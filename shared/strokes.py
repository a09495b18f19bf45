"""Strokes of one Grease Pencil drawing, evaluated and projected to camera pixels.

The exporter resolves materials, tint and modifiers, so that whoever draws or matches these
strokes needs no Blender. Travels as a deterministic NPZ of plain arrays.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from dataclasses import dataclass, fields

import numpy as np

from .errors import AcetateError

MAX_POINTS = 4_000_000
MAX_ARRAYS_BYTES = 256 * 1024 * 1024
# Other methods may be missing in a Python, and fail with errors of their own.
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, eq=False)
class Drawing:
    """All strokes of one key, in painting order. S strokes, P points in total.

    `offsets` int32 [S + 1]: stroke s owns points offsets[s]..offsets[s+1].
    `points` float32 [P, 2] camera pixels; `radius` float32 [P] pixels; `opacity` float32 [P] 0..1.
    `stroke_colour`, `fill_colour` float32 [S, 4]: straight RGBA, display-referred sRGB, 0..1,
    material and tint resolved; alpha 0 where a stroke shows no line or no fill.
    `point_colour` float32 [P, 4]: vertex paint; alpha is its mix factor over the stroke colour.
    `cyclic` bool [S]; `holdout` uint8 [S]: bit 0 the line, bit 1 the fill cuts a hole.
    `round_caps` bool [S]. `material` int32 [S]: index for stroke matching only.
    `layer_opacity` float32 [1]: scales the finished layer as a whole.
    """

    offsets: np.ndarray
    points: np.ndarray
    radius: np.ndarray
    opacity: np.ndarray
    stroke_colour: np.ndarray
    fill_colour: np.ndarray
    point_colour: np.ndarray
    cyclic: np.ndarray
    holdout: np.ndarray
    round_caps: np.ndarray
    material: np.ndarray
    layer_opacity: np.ndarray

    @property
    def stroke_count(self) -> int:
        """Number of strokes."""
        return len(self.offsets) - 1

    def stroke_points(self, stroke: int) -> np.ndarray:
        """Points of one stroke: float32 [p, 2] camera pixels."""
        return self.points[self.offsets[stroke] : self.offsets[stroke + 1]]


# name -> (dtype, shape with S strokes and P points)
_LAYOUT: dict[str, tuple[str, tuple[str | int, ...]]] = {
    "offsets": ("int32", ("S+1",)),
    "points": ("float32", ("P", 2)),
    "radius": ("float32", ("P",)),
    "opacity": ("float32", ("P",)),
    "stroke_colour": ("float32", ("S", 4)),
    "fill_colour": ("float32", ("S", 4)),
    "point_colour": ("float32", ("P", 4)),
    "cyclic": ("bool", ("S",)),
    "holdout": ("uint8", ("S",)),
    "round_caps": ("bool", ("S",)),
    "material": ("int32", ("S",)),
    "layer_opacity": ("float32", (1,)),
}


def save_arrays(arrays: dict[str, np.ndarray]) -> bytes:
    """Write named arrays as an uncompressed NPZ whose bytes depend on the arrays alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(
                member, np.ascontiguousarray(arrays[name]), version=(1, 0), allow_pickle=False
            )
            info = zipfile.ZipInfo(f"{name}.npy")
            info.create_system = 3  # the same bytes on every operating system
            archive.writestr(info, member.getvalue())
    return buffer.getvalue()


def load_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Read an NPZ without pickles and within `MAX_ARRAYS_BYTES`. Raises `bad_package`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > 64 or sum(m.file_size for m in members) > MAX_ARRAYS_BYTES:
                raise AcetateError("bad_package", where="an array file is too large")
            if any(m.compress_type not in ZIP_METHODS for m in members):
                raise AcetateError("bad_package", where="an array file is packed unusually")
            return {
                member.filename.removesuffix(".npy"): _read_array(archive.read(member))
                for member in members
            }
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RuntimeError) as error:
        raise AcetateError("bad_package", where="an array file", detail=str(error)) from error


def _read_array(data: bytes) -> np.ndarray:
    """One NPY file. Its header is compared with its length before anything is allocated."""
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("unknown NPY version")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=4096)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise ValueError("an array does not fill its file")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False, max_header_size=4096)


def drawing_to_bytes(drawing: Drawing) -> bytes:
    """NPZ form of a drawing. Raises `bad_numbers` or `bad_package` where arrays disagree."""
    arrays = {
        field.name: np.asarray(getattr(drawing, field.name), _LAYOUT[field.name][0])
        for field in fields(Drawing)
    }
    _check(arrays)
    return save_arrays(arrays)


def drawing_from_bytes(data: bytes) -> Drawing:
    """Read and validate a drawing. Raises `bad_package` or `bad_numbers`."""
    arrays = load_arrays(data)
    if set(arrays) != set(_LAYOUT):
        raise AcetateError("bad_package", where="a stroke file has other arrays than expected")
    _check(arrays)
    return Drawing(**arrays)


def _check(arrays: dict[str, np.ndarray]) -> None:
    sizes = {"S+1": arrays["offsets"].size, "S": arrays["offsets"].size - 1}
    sizes["P"] = len(arrays["points"])
    if sizes["P"] > MAX_POINTS:
        raise AcetateError("bad_package", where="too many stroke points")
    for name, (dtype, shape) in _LAYOUT.items():
        expected = tuple(sizes[part] if isinstance(part, str) else part for part in shape)
        if arrays[name].dtype != np.dtype(dtype) or arrays[name].shape != expected:
            raise AcetateError("bad_package", where=f"stroke array {name}")
        if dtype == "float32" and not np.isfinite(arrays[name]).all():
            raise AcetateError("bad_numbers", layer=name)
    offsets = arrays["offsets"]
    if (
        not offsets.size
        or offsets[0] != 0
        or offsets[-1] != sizes["P"]
        or (np.diff(offsets) < 0).any()
    ):
        raise AcetateError("bad_package", where="stroke offsets")
