"""What this process holds of the system: children and open files, as Linux lists them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def own_children() -> set[int]:
    """Process ids of the children, zombies included."""
    if not Path("/proc/self/task").is_dir():
        pytest.skip("only Linux lists a process's children as files")
    listed = [file.read_text() for file in Path("/proc/self/task").glob("*/children")]
    return {int(pid) for text in listed for pid in text.split()}


def open_files() -> list[str]:
    """What every file descriptor stands for, pipes by their kind alone."""
    found: list[str] = []
    for name in os.listdir("/proc/self/fd"):
        link = Path("/proc/self/fd") / name
        if link.is_symlink():  # the descriptor of the listing itself is closed by now
            found.append(str(link.readlink()).split("[")[0])
    return sorted(found)


def is_gone(pid: int) -> bool:
    """Whether a process ended; an orphan's zombie is the system's to collect."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"
