"""The asynchronous twin of the blocking client, for scripts that run an event loop.

It keeps a blocking client on one thread of its own, because a socket may not change threads; the
calls and their errors are those of `client.Client`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from .blobs import Blobs
from .client import Client, Progress, Update, no_progress
from .errors import AcetateError
from .messages import HealthReport, JobStatus, ServerInfo
from .result import ResultManifest
from .shot import ShotRequest

_T = TypeVar("_T")
_POLL_S = 1.0


class AsyncClient:
    """`async with await AsyncClient.connect() as client: ...`; calls are answered in order."""

    def __init__(self, client: Client, thread: ThreadPoolExecutor) -> None:
        self._client = client
        self._thread = thread

    @classmethod
    async def connect(
        cls, address: str | None = None, *, secret_file: Path | None = None, timeout_s: float = 5.0
    ) -> AsyncClient:
        """Connect as `Client.connect` does."""
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="acetate-client")

        def open_client() -> Client:
            return Client.connect(address, secret_file=secret_file, timeout_s=timeout_s)

        try:
            client = await asyncio.get_running_loop().run_in_executor(thread, open_client)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(client, thread)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave the server; jobs go on."""
        await self._run(self._client.close)
        self._thread.shutdown(wait=False)

    @property
    def server(self) -> ServerInfo:
        """What the server said about itself at the last connection."""
        return self._client.server

    async def submit(
        self,
        request: ShotRequest,
        blobs: Blobs,
        key: str | None = None,
        *,
        progress: Progress = no_progress,
    ) -> str:
        """See `Client.submit`; `progress` is called on the client's own thread."""
        return await self._run(lambda: self._client.submit(request, blobs, key, progress=progress))

    async def status(self, job: str) -> JobStatus:
        """See `Client.status`."""
        return await self._run(lambda: self._client.status(job))

    async def jobs(self, limit: int = 32) -> list[JobStatus]:
        """See `Client.jobs`."""
        return await self._run(lambda: self._client.jobs(limit))

    async def cancel(self, job: str) -> JobStatus:
        """See `Client.cancel`."""
        return await self._run(lambda: self._client.cancel(job))

    async def preview(self, job: str, known: int = 0) -> bytes | None:
        """See `Client.preview`."""
        return await self._run(lambda: self._client.preview(job, known))

    async def fetch(
        self, job: str, sink: Blobs | Path, *, progress: Progress = no_progress
    ) -> ResultManifest:
        """See `Client.fetch`; `progress` is called on the client's own thread."""
        return await self._run(lambda: self._client.fetch(job, sink, progress=progress))

    async def health(self) -> HealthReport:
        """See `Client.health`."""
        return await self._run(self._client.health)

    async def events(self, job: str, from_seq: int = 0) -> AsyncIterator[Update]:
        """See `Client.events`; other calls get their turn about once a second meanwhile."""
        seen = from_seq
        while True:
            updates, ended = await self._run(partial(_some_events, self._client, job, seen))
            for update in updates:
                seen = update.seq
                yield update
            if ended:
                return

    async def wait(self, job: str) -> JobStatus:
        """Wait until a job ended; a failed job is returned, not raised."""
        status = await self.status(job)
        async for update in self.events(status.id, status.seq - 1):
            status = update.status
        return status

    async def _run(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _some_events(client: Client, job: str, from_seq: int) -> tuple[list[Update], bool]:
    """What happens within about a second, and whether the job has ended."""
    found: list[Update] = []
    try:
        for update in client.events(job, from_seq, timeout_s=_POLL_S):
            found.append(update)
            if not update.is_transition:
                return found, False
    except AcetateError as error:
        if error.name != "wait_timeout":
            raise
        return found, False
    return found, True
