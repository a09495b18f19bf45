"""Promises of stroke files and array files: deterministic, checked, without pickles."""

from __future__ import annotations

import io
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from shared.errors import AcetateError
from shared.strokes import (
    Drawing,
    drawing_from_bytes,
    drawing_to_bytes,
    load_arrays,
    save_arrays,
)


def drawing(strokes_count: int = 2, points_count: int = 3) -> Drawing:
    total = strokes_count * points_count
    return Drawing(
        offsets=np.arange(0, total + 1, points_count, dtype=np.int32),
        points=np.linspace(0, 50, total * 2, dtype=np.float32).reshape(total, 2),
        radius=np.full(total, 2, np.float32),
        opacity=np.ones(total, np.float32),
        stroke_colour=np.ones((strokes_count, 4), np.float32),
        fill_colour=np.zeros((strokes_count, 4), np.float32),
        point_colour=np.zeros((total, 4), np.float32),
        cyclic=np.zeros(strokes_count, np.bool_),
        holdout=np.zeros(strokes_count, np.uint8),
        round_caps=np.ones(strokes_count, np.bool_),
        material=np.zeros(strokes_count, np.int32),
        layer_opacity=np.ones(1, np.float32),
    )


def test_a_drawing_comes_back_equal_and_its_bytes_are_always_the_same() -> None:
    original = drawing()
    data = drawing_to_bytes(original)
    assert drawing_to_bytes(drawing()) == data
    restored = drawing_from_bytes(data)
    for field in fields(Drawing):
        assert np.array_equal(getattr(restored, field.name), getattr(original, field.name))
    assert restored.stroke_count == 2
    assert np.array_equal(restored.stroke_points(1), original.points[3:6])


def test_an_empty_drawing_is_legal() -> None:
    assert drawing_from_bytes(drawing_to_bytes(drawing(0, 3))).stroke_count == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    points = drawing().points.copy()
    points[1, 0] = bad
    with pytest.raises(AcetateError) as caught:
        drawing_to_bytes(replace(drawing(), points=points))
    assert caught.value.code == "E111"


@pytest.mark.parametrize("offsets", [[1, 3, 6], [0, 4, 3], [0, 3, 99], []])
def test_offsets_that_do_not_fit_are_refused(offsets: list[int]) -> None:
    with pytest.raises(AcetateError) as caught:
        drawing_to_bytes(replace(drawing(), offsets=np.array(offsets, np.int32)))
    assert caught.value.code == "E113"


def test_array_files_never_unpickle() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, frames=np.array([{"a": 1}], dtype=object))
    with pytest.raises(AcetateError) as caught:
        load_arrays(buffer.getvalue())
    assert caught.value.code == "E113"


def test_a_zip_bomb_is_refused_before_it_unpacks() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.npy", bytes(300 * 1024 * 1024))
    assert len(buffer.getvalue()) < 1_000_000
    with pytest.raises(AcetateError) as caught:
        load_arrays(buffer.getvalue())
    assert caught.value.code == "E113"


def test_truncated_array_files_are_refused() -> None:
    data = save_arrays({"points": np.zeros((4, 2), np.float32)})
    for cut in (0, 10, len(data) // 2, len(data) - 3):
        with pytest.raises(AcetateError) as caught:
            load_arrays(data[:cut])
        assert caught.value.code == "E113"


def test_an_array_that_claims_more_than_its_file_holds_is_refused() -> None:
    member = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (2**40, 2)}
    np.lib.format.write_array_header_1_0(member, header)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("points.npy", member.getvalue())
    with pytest.raises(AcetateError) as caught:
        load_arrays(buffer.getvalue())
    assert caught.value.code == "E113"


def test_array_files_with_damaged_or_unusual_packing_are_refused() -> None:
    arrays = {"a": np.arange(4000) % 7}
    whole = io.BytesIO()
    np.savez_compressed(whole, a=arrays["a"])
    assert np.array_equal(load_arrays(whole.getvalue())["a"], arrays["a"])
    for position in range(40, len(whole.getvalue()), 3):
        damaged = bytearray(whole.getvalue())
        damaged[position] ^= 0xFF
        assert _outcome(bytes(damaged)) in ("E113", "read")
    assert _outcome(_with_broken_stream(whole.getvalue())) == "E113"
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        unusual = io.BytesIO()
        with zipfile.ZipFile(unusual, "w", method) as archive:
            archive.writestr("a.npy", b"x" * 1000)
        assert _outcome(unusual.getvalue()) == "E113"


def _outcome(data: bytes) -> str:
    try:
        load_arrays(data)
    except AcetateError as error:
        return error.code
    return "read"


def _with_broken_stream(data: bytes) -> bytes:
    """A compressed array file whose first block is of a kind that does not exist."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.infolist()[0]
        head = data[info.header_offset : info.header_offset + 30]
    start = info.header_offset + 30 + int.from_bytes(head[26:28], "little")
    start += int.from_bytes(head[28:30], "little")
    return data[:start] + bytes([data[start] | 0b110]) + data[start + 1 :]
