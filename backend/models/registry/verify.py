"""Compares an imported model with its manifest, byte for byte; for `acetate models verify`."""

from __future__ import annotations

from collections.abc import Callable

from backend.models.registry.importing import MEGABYTE, file_hash
from backend.models.registry.installed import InstalledModel


def problems_of(
    model: InstalledModel, progress: Callable[[str, int, int], None] = lambda *_: None
) -> tuple[str, ...]:
    """One line per file that is missing, unreadable or not what was imported; none: all is well."""
    found: list[str] = []
    total, done = max(model.manifest.size_bytes, 1), 0

    def report(count_bytes: int) -> None:
        nonlocal done
        done += count_bytes
        progress("verify MB", min(done, total) // MEGABYTE, total // MEGABYTE)

    for file in model.manifest.files:
        try:
            size, sha256 = file_hash(model.folder / file.path, report)
        except OSError as error:
            found.append(f"{file.path}: {error.strerror or error}")
            continue
        if size != file.size_bytes:
            found.append(f"{file.path}: {size} bytes instead of {file.size_bytes}")
        elif sha256 != file.sha256:
            found.append(f"{file.path}: its content has changed")
    return tuple(found)
