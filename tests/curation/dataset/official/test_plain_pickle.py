"""Plain data comes out of a pickle as it went in; anything that could act is refused unread."""

from __future__ import annotations

import collections
import os
import pickle
import pickletools
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.dataset.official.plain_pickle import plain_of, read_plain_pickle
from curation.dataset.official.plain_pickle_writer import plain_pickle
from shared.errors import AcetateError

_KEYS = st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.binary(max_size=300)
)
_PLAIN = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(value=_PLAIN, protocol=st.integers(0, 5))
def test_plain_data_is_read_in_every_protocol(value: object, protocol: int) -> None:
    assert plain_of(pickle.dumps(value, protocol), "x") == value


@settings(max_examples=100, deadline=None)
@given(value=_PLAIN)
def test_what_is_written_is_read_by_others_and_by_us(value: object) -> None:
    data = plain_pickle(value)
    assert pickle.loads(data) == value  # noqa: S301 - made on the line above
    assert plain_of(data, "x") == value


@pytest.mark.parametrize("protocol", range(6))
def test_numpy_numbers_arrays_and_tuples_are_read(protocol: int) -> None:
    column = np.arange(12, dtype=np.float32).reshape(3, 4, order="F")
    value = {
        "number": np.float64(1.5),
        "whole": np.int64(-3),
        "flag": np.bool_(True),
        "pair": (1, (2, b"3")),
        "ordered": collections.OrderedDict(a=1),
        "twice": [column, column],
        "flat": np.arange(5, dtype=">i4"),
    }
    if protocol == 5:
        value.pop("twice")
        value.pop("flat")
    read = plain_of(pickle.dumps(value, protocol), "x")
    assert isinstance(read, dict)
    assert (read["number"], read["whole"], read["flag"]) == (1.5, -3, True)
    assert read["pair"] == (1, (2, b"3"))
    assert read["ordered"] == {"a": 1}
    if protocol < 5:
        assert np.array_equal(read["twice"][0], column)
        assert read["twice"][0] is read["twice"][1]
        assert np.array_equal(read["flat"], np.arange(5))


class _Acts:
    """Runs a call when it is unpickled by anything that obeys."""

    def __init__(self, call: object, *arguments: object) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call, self.arguments


class _Stateful:
    def __init__(self) -> None:
        self.value = 1


def _touch(path: Path) -> list[object]:
    command = f"touch {path}"
    return [
        _Acts(os.system, command),
        _Acts(subprocess.check_output, ["touch", str(path)]),
        _Acts(eval, f"open({str(path)!r}, 'w')"),
        _Acts(exec, f"open({str(path)!r}, 'w')"),
        _Acts(open, str(path), "w"),
        _Acts(__import__, "os"),
        _Acts(partial, os.system, command),
        _Acts(np.save, str(path), [1]),
        _Acts(np.load, str(path)),
        _Stateful(),
        {"a": [_Stateful()]},
        np.array([_Acts(os.system, command)], dtype=object),
        np.dtype([("a", "i4")]),
        {1, 2},
        frozenset({1}),
        complex(1, 2),
        slice(1),
        Path("a"),
        os.system,
        np.ndarray,
    ]


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_pickles_that_act_are_refused_and_do_not_act(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "trace"
    for bad in _touch(trace):
        data = pickle.dumps({0: bad}, protocol)
        with pytest.raises(AcetateError, match="E608"):
            plain_of(data, "masks.pkl")
    assert not trace.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x03",
        b"not a pickle",
        b".",
        b"(.",
        b"}(K\x01.",
        b"]a.",
        b"h\x05.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.",
        b"cos\nsystem\n(S'id'\ntR.",
        b"(S'id'\nios\nsystem\n.",
        b"cnumpy\nndarray\n(K\x01tR.",
        b"cnumpy\nndarray\n)\x81.",
        b"cnumpy\ndtype\n(X\x02\x00\x00\x00O8tR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01btR.",
        b"Pother\n.",
        b"\x82\x01.",
        b"]\x94h\x00a0.",
        b"\x8b\xff\xff\xff\x7f.",
        b"}(]K\x01u.",
        b"}}K\x01s.",
        b"L" + b"9" * 4000 + b"L\n.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.",
    ],
)
def test_wrong_and_clever_instructions_are_refused(data: bytes) -> None:
    with pytest.raises(AcetateError) as caught:
        plain_of(data, "masks.pkl")
    assert caught.value.spec.name == "unsafe_pickle"
    assert caught.value.values["file"] == "masks.pkl"


def test_every_cut_of_a_pickle_is_refused() -> None:
    data = pickle.dumps({1: {"size": [2, 3], "counts": b"abc"}, 2: np.float32(3)}, 4)
    for length in range(len(data)):
        with pytest.raises(AcetateError):
            plain_of(data[:length], "x")


@settings(max_examples=300, deadline=None)
@given(noise=st.binary(max_size=40), place=st.integers(0, 60))
def test_noise_is_refused_or_plain(noise: bytes, place: int) -> None:
    data = pickle.dumps({1: [b"abc", 2.5, "x"], 2: np.float32(3)}, 2)
    mixed = data[:place] + noise + data[place + len(noise) :]
    with suppress(AcetateError):  # any other exception fails the test
        plain_of(mixed, "x")


def test_no_instruction_is_known_that_calls_or_imports() -> None:
    known = {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"}
    for opcode in pickletools.opcodes:
        if opcode.name in known:
            with pytest.raises(AcetateError):
                plain_of(b"]" + opcode.code.encode("latin1") + b"a\nb\n.....", "x")


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(AcetateError, match="E116"):
        read_plain_pickle(tmp_path / "none.pkl")
