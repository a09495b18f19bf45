"""Reads the one kind of pickle that the official layout holds: plain dicts, numbers and bytes.

Why this exists: masks and scores of LayerAnimate's layout come as pickles, and a pickle is a
program. Here it is not run. Its instructions are read as data, and only those are carried out that
build dicts, lists, tuples, numbers, texts, bytes and NumPy's numbers and arrays. Names of functions
and classes are compared with a short list and never looked up, so nothing in a file can be called,
imported or made an object of. Everything else is refused by name. Only the importer uses this.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from shared.errors import AcetateError

MAX_BYTES = 256 * 1024 * 1024
_MAX_STEPS = 20_000_000

_SCALAR, _ARRAY, _ARRAY_TYPE, _DTYPE, _ENCODE, _BYTES, _ORDERED = range(7)
_NAMES = {
    "numpy.core.multiarray scalar": _SCALAR,
    "numpy._core.multiarray scalar": _SCALAR,
    "numpy.core.multiarray _reconstruct": _ARRAY,
    "numpy._core.multiarray _reconstruct": _ARRAY,
    "numpy ndarray": _ARRAY_TYPE,
    "numpy dtype": _DTYPE,
    "_codecs encode": _ENCODE,
    "builtins bytes": _BYTES,
    "__builtin__ bytes": _BYTES,
    "collections OrderedDict": _ORDERED,
}
_CODES = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"})


class _RefusedError(Exception):
    """What the pickle holds that is not plain data."""


class _Name:
    """A listed name that stands on the stack in place of what it names."""

    def __init__(self, meaning: int) -> None:
        self.meaning = meaning


class _Unfinished:
    """A dtype or an array whose state comes later; `places` are its slots in the memo."""

    def __init__(self, meaning: int, code: str = "") -> None:
        self.meaning = meaning
        self.code = code
        self.places: list[int] = []


_MARK = object()


def read_plain_pickle(path: Path) -> object:
    """The data of a pickle file: dicts, lists, tuples, numbers, texts, bytes and arrays.

    Raises `unsafe_pickle` for anything else and for files that are cut off or larger than
    `MAX_BYTES`; `not_found` where there is no file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise AcetateError("not_found", what=f"file {path.name}", detail=str(error)) from error
    return plain_of(data, path.name)


def plain_of(data: bytes, file: str) -> object:
    """As `read_plain_pickle`, of bytes; `file` is named in errors."""
    if len(data) > MAX_BYTES:
        raise AcetateError("unsafe_pickle", file=file, detail=f"more than {MAX_BYTES} bytes")
    try:
        return _Machine().run(data)
    except _RefusedError as refused:
        raise AcetateError("unsafe_pickle", file=file, detail=str(refused)) from refused
    except (ValueError, LookupError, TypeError, OverflowError, struct.error) as error:
        detail = f"{type(error).__name__}: {error}"[:200]
        raise AcetateError("unsafe_pickle", file=file, detail=detail) from error


class _Machine:
    """Stack and memo; each instruction has a small method or a row of the tables below."""

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}

    def run(self, data: bytes) -> object:
        for step, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if step >= _MAX_STEPS:
                raise _RefusedError(f"more than {_MAX_STEPS} instructions")
            if opcode.name == "STOP":
                (result,) = self.stack
                _check_plain(result)
                return result
            if opcode.name in _CONSTANTS:
                self.stack.append(_CONSTANTS[opcode.name](argument))
                continue
            action = _ACTIONS.get(opcode.name)
            if action is None:
                raise _RefusedError(f"the instruction {opcode.name}")
            action(self, argument)
        raise _RefusedError("no end")

    def since_mark(self) -> list[object]:
        """Takes everything above the last mark off the stack, and the mark."""
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at] is _MARK:
                items = self.stack[at + 1 :]
                del self.stack[at:]
                return items
        raise _RefusedError("items without a beginning")

    def take(self, count: int) -> list[object]:
        """Takes the last `count` values off the stack."""
        if len(self.stack) < count or any(item is _MARK for item in self.stack[-count:]):
            raise _RefusedError("an empty stack")
        items = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return items

    def keep(self, place: int) -> None:
        """Memoise the top of the stack."""
        top = self.stack[-1]
        if isinstance(top, _Unfinished):
            top.places.append(place)
        self.memo[place] = top


def _check_plain(result: object) -> None:
    """Nothing but data may leave: no names, no half-made arrays, no marks, however deep."""
    seen: set[int] = set()
    waiting = [result]
    while waiting:
        value = waiting.pop()
        if value is None or isinstance(value, _LEAVES):
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
        else:
            raise _RefusedError("something half-made")


_LEAVES = (bool, int, float, str, bytes, np.ndarray)


def _integer(value: object) -> int:
    if not isinstance(value, int) or not -(2**63) <= value < 2**64:
        raise _RefusedError("a number of more than 64 bits")
    return value


def _append(machine: _Machine, _: object) -> None:
    (value,) = machine.take(1)
    _list_at(machine).append(value)


def _appends(machine: _Machine, _: object) -> None:
    values = machine.since_mark()
    _list_at(machine).extend(values)


def _list_at(machine: _Machine) -> list[object]:
    target = machine.stack[-1]
    if type(target) is not list:
        raise _RefusedError("items for something that is no list")
    return target


def _set_item(machine: _Machine, _: object) -> None:
    _put(machine, machine.take(2))


def _set_items(machine: _Machine, _: object) -> None:
    _put(machine, machine.since_mark())


def _put(machine: _Machine, items: list[object]) -> None:
    target = machine.stack[-1]
    if type(target) is not dict:
        raise _RefusedError("entries for something that is no dict")
    target.update(_pairs(items))


def _pairs(items: list[object]) -> list[tuple[object, object]]:
    keys = items[::2]
    if len(items) % 2 or any(not isinstance(key, int | str | float | bytes) for key in keys):
        raise _RefusedError("a dict with keys that are no numbers or texts")
    return list(zip(keys, items[1::2], strict=True))


def _tuple(count: int) -> Callable[[_Machine, object], None]:
    def build(machine: _Machine, _: object) -> None:
        values = tuple(machine.take(count))
        machine.stack.append(values)

    return build


def _global(machine: _Machine, argument: object) -> None:
    if not isinstance(argument, str) or argument not in _NAMES:
        raise _RefusedError(f"the name {str(argument)[:80]}")
    machine.stack.append(_Name(_NAMES[argument]))


def _stack_global(machine: _Machine, _: object) -> None:
    module, name = machine.take(2)
    _global(machine, f"{module} {name}")


def _reduce(machine: _Machine, _: object) -> None:
    name, arguments = machine.take(2)
    if not isinstance(name, _Name) or type(arguments) is not tuple:
        raise _RefusedError("a call")
    machine.stack.append(_MAKERS[name.meaning](*arguments))


def _make_dtype(code: object, *_: object) -> _Unfinished:
    if not isinstance(code, str) or code not in _CODES:
        raise _RefusedError(f"arrays of {str(code)[:20]}")
    return _Unfinished(_DTYPE, code)


def _make_scalar(dtype: object, data: object) -> object:
    if not isinstance(data, bytes):
        raise _RefusedError("a number without bytes")
    return np.frombuffer(data, _as_dtype(dtype), count=1)[0].item()


def _make_array(kind: object, *_: object) -> _Unfinished:
    if not isinstance(kind, _Name) or kind.meaning != _ARRAY_TYPE:
        raise _RefusedError("an array of a kind of its own")
    return _Unfinished(_ARRAY)


def _make_bytes(text: object = "", coding: object = "latin1") -> bytes:
    if not isinstance(text, str) or coding != "latin1":
        raise _RefusedError("an encoded text")
    return text.encode("latin1")


def _make_dict() -> dict[object, object]:
    return {}


def _refuse_call(*_: object) -> object:
    raise _RefusedError("a call")


_MAKERS: dict[int, Callable[..., object]] = {
    _SCALAR: _make_scalar,
    _ARRAY: _make_array,
    _ARRAY_TYPE: _refuse_call,
    _DTYPE: _make_dtype,
    _ENCODE: _make_bytes,
    _BYTES: _make_bytes,
    _ORDERED: _make_dict,
}


def _as_dtype(value: object) -> np.dtype[np.generic]:
    if not isinstance(value, _Unfinished) or value.meaning != _DTYPE:
        raise _RefusedError("values without a type")
    return np.dtype(value.code)


def _build(machine: _Machine, _: object) -> None:
    target, state = machine.take(2)
    if not isinstance(target, _Unfinished) or type(state) is not tuple:
        raise _RefusedError("an object with a state")
    if target.meaning == _DTYPE:
        if state[1] not in ("<", ">", "|", "="):
            raise _RefusedError("an unknown byte order")
        target.code = f"{state[1]}{target.code.lstrip('<>|=')}"
        machine.stack.append(target)
        return
    _, shape, dtype, by_column, data = state
    machine.stack.append(_array(shape, _as_dtype(dtype), data, "F" if by_column else "C"))
    for place in target.places:
        machine.memo[place] = machine.stack[-1]


def _array(
    shape: object, dtype: np.dtype[np.generic], data: object, order: Literal["C", "F"]
) -> np.ndarray:
    if not isinstance(shape, tuple) or not all(type(side) is int and side >= 0 for side in shape):
        raise _RefusedError("an array without a shape")
    if not isinstance(data, bytes):
        raise _RefusedError("an array without bytes")
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _memoise(machine: _Machine, _: object) -> None:
    machine.keep(len(machine.memo))


def _keep_at(machine: _Machine, place: object) -> None:
    machine.keep(_integer(place))


def _get(machine: _Machine, place: object) -> None:
    machine.stack.append(machine.memo[_integer(place)])


def _pop(machine: _Machine, _: object) -> None:
    machine.stack.pop()


def _nothing(machine: _Machine, _: object) -> None:
    """Protocol and frame headers say nothing that matters here."""


def _same(value: object) -> object:
    return value


_CONSTANTS: dict[str, Callable[[object], object]] = {
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "MARK": lambda _: _MARK,
    "EMPTY_LIST": lambda _: [],
    "EMPTY_DICT": lambda _: {},
    "EMPTY_TUPLE": lambda _: (),
    **dict.fromkeys(("FLOAT", "BINFLOAT"), _same),
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"), _integer),
    **dict.fromkeys(("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), _same),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"), _same),
}

_ACTIONS: dict[str, Callable[[_Machine, object], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), _nothing),
    "POP": _pop,
    "APPEND": _append,
    "APPENDS": _appends,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "LIST": lambda machine, _: machine.stack.append(machine.since_mark()),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.since_mark())),
    "DICT": lambda machine, _: machine.stack.append(dict(_pairs(machine.since_mark()))),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "BUILD": _build,
    "MEMOIZE": _memoise,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _keep_at),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _get),
}
