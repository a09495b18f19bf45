"""Reads the project's own sources as syntax trees; only the tests in this folder use it."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT_ROOMS = ("shared", "backend", "training", "curation", "blender_addon")


@dataclass(frozen=True)
class Source:
    """One Python file: its path below the root, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The top folder, or the file's own name at the root."""
        return self.path.split("/", maxsplit=1)[0]

    @property
    def module(self) -> str:
        """Dotted name, packages without `__init__`."""
        dotted = self.path.removesuffix(".py").replace("/", ".")
        return dotted.removesuffix(".__init__")

    @property
    def package(self) -> str:
        """The package that a relative import of one dot means."""
        if self.path.endswith("__init__.py"):
            return self.module
        return self.module.rpartition(".")[0]


@dataclass(frozen=True)
class Import:
    """One imported module, absolute; `names` are what was taken from it; `level` counts dots."""

    module: str
    names: tuple[str, ...]
    level: int
    line: int


def tracked_files() -> list[str]:
    """Every file of the working tree that git does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in listed.splitlines() if (ROOT / path).is_file()]


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file of the tree, parsed."""
    return tuple(_read(path) for path in tracked_files() if path.endswith(".py"))


def product_sources() -> tuple[Source, ...]:
    """Only the rooms that are shipped."""
    return tuple(source for source in sources() if source.room in PRODUCT_ROOMS)


def _read(path: str) -> Source:
    text = (ROOT / path).read_text(encoding="utf-8")
    return Source(path, text, ast.parse(text, path))


def imports(source: Source, *, at_top: bool = False) -> Iterator[Import]:
    """All imports of a file, or only those that run when it is imported."""
    nodes = _top_nodes(source.tree.body) if at_top else ast.walk(source.tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, (), 0, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(_absolute(source, node), names, node.level, node.lineno)


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = source.package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _top_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Statements that run at import time; blocks for type checkers only are left out."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            yield from _top_nodes(getattr(node, field, []))
        for handler in getattr(node, "handlers", []):
            yield from _top_nodes(handler.body)


def functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
