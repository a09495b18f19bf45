"""Files and functions stay short, annotated and documented; nothing is swallowed or left undone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from .tree import ROOT, Source, functions, imports, product_sources, sources, tracked_files

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60
P95_FUNCTION_LINES = 45
MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_WEIGHTS_BYTES = 64 * 1024 * 1024
VAGUE_NAMES = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}
# Written in halves, so that this file does not contain what it looks for.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|NotImplemented" r"Error)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:ho" r"me|wo" r"rk|ro" r"ot)/[\w.]")
UNSAFE_CALLS = {"eval", "exec"}
UNSAFE_MODULES = {"pickle", "marshal", "shelve", "dill", "joblib"}
TEXT_SUFFIXES = (".py", ".md", ".toml", ".yml", ".yaml", ".sh", ".json", ".cfg", ".txt")


def _lengths() -> Iterator[tuple[str, int]]:
    for source in sources():
        for function in functions(source):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            yield f"{source.path}:{function.lineno} {function.name}", lines


def test_files_stay_short() -> None:
    long = {s.path: n for s in sources() if (n := s.text.count("\n")) > MAX_FILE_LINES}
    assert not long


def test_functions_stay_short() -> None:
    lengths = list(_lengths())
    assert not [f"{name}: {count}" for name, count in lengths if count > MAX_FUNCTION_LINES]
    ordered = sorted(count for _, count in lengths)
    assert ordered[int(0.95 * len(ordered))] <= P95_FUNCTION_LINES


def test_files_say_in_their_first_line_what_lives_there() -> None:
    silent = [s.path for s in sources() if s.text.strip() and not ast.get_docstring(s.tree)]
    assert not silent


def test_every_signature_is_annotated() -> None:
    bare = [
        f"{source.path}:{function.lineno} {function.name}"
        for source in sources()
        for function in functions(source)
        if not _annotated(function)
    ]
    assert not bare


def _annotated(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    arguments += [a for a in (given.vararg, given.kwarg) if a]
    named = [a for a in arguments if a.arg not in ("self", "cls")]
    return function.returns is not None and all(a.annotation for a in named)


def test_public_code_of_the_product_is_documented() -> None:
    silent = [
        f"{source.path}:{node.lineno} {node.name}"
        for source in product_sources()
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not silent


def test_exceptions_are_named_and_never_swallowed() -> None:
    wrong = [
        f"{source.path}:{node.lineno}"
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or all(isinstance(line, ast.Pass) for line in node.body))
    ]
    assert not wrong


def test_files_are_named_after_what_they_do() -> None:
    assert not [s.path for s in sources() if s.path.rsplit("/", maxsplit=1)[-1] in VAGUE_NAMES]


def test_nothing_is_left_unfinished() -> None:
    assert not [s.path for s in sources() if UNFINISHED.search(s.text)]


def test_no_pickles_and_no_evaluated_text() -> None:
    wrong = [f"{s.path} imports {name}" for s in product_sources() for name in _unsafe_imports(s)]
    wrong += [f"{s.path}:{line}" for s in product_sources() for line in _unsafe_calls(s)]
    assert not wrong


def _unsafe_imports(source: Source) -> list[str]:
    names = {item.module.split(".")[0] for item in imports(source)}
    return sorted(names & UNSAFE_MODULES)


def _unsafe_calls(source: Source) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in UNSAFE_CALLS
    ]


@pytest.mark.parametrize("pattern", [MACHINE_PATHS], ids=["paths of one machine"])
def test_texts_hold_no_traces_of_one_machine(pattern: re.Pattern[str]) -> None:
    texts = [path for path in tracked_files() if path.endswith(TEXT_SUFFIXES)]
    found = [p for p in texts if pattern.search((ROOT / p).read_text("utf-8", "replace"))]
    assert not found


def test_the_repository_stays_light() -> None:
    sizes = {path: (ROOT / path).stat().st_size for path in tracked_files()}
    assert not [path for path, size in sizes.items() if size > MAX_FILE_BYTES]
    weights = sum(size for path, size in sizes.items() if path.endswith(".safetensors"))
    assert weights <= MAX_WEIGHTS_BYTES
