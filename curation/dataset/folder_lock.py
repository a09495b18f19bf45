"""One writer per data set: a lock that the system lets go of when its process ends, however."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from shared.errors import AcetateError

LOCK_NAME = ".writer.lock"


class FolderLock:
    """Held from `with` to its end. Raises `dataset_busy` where another process writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> FolderLock:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self._folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise AcetateError("disk", detail=str(error)) from error
        try:
            _lock(self._handle)
        except OSError as error:
            os.close(self._handle)
            raise AcetateError("dataset_busy", folder=self._folder) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._handle)


def _lock(handle: int) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
