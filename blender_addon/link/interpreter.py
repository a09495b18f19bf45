"""Which Python runs the link's process: one of Blender's version, as its wheels fit no other.

Official builds bring theirs and name it in `sys.executable`. Builds of a distribution name what
`PATH` holds, which may be no Python at all (None then) or one of another version.
"""

from __future__ import annotations

import sys
from pathlib import Path


def own_version() -> str:
    """Version of the Python that runs this, such as `3.11`: wheels fit no other."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def own_python() -> str:
    """The program beside this Python's own modules, else the one it was told; may be empty."""
    told = sys.executable or ""
    if told and Path(told).is_relative_to(sys.prefix):
        return told
    beside = Path(sys.base_prefix) / "bin" / f"python{own_version()}"
    return str(beside) if beside.is_file() else told
