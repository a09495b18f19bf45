"""What a server forgets, at its start and once a day: jobs of long ago, blobs that no job needs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from backend.jobs.content_store import ContentStore
from backend.jobs.queue import JobQueue
from shared.errors import AcetateError
from shared.result import result_blobs, result_from_json
from shared.shot import blob_hashes, shot_from_json

KEEP_JOBS_S = 14 * 24 * 3600.0
KEEP_UPLOADS_S = 24 * 3600.0
SWEEP_EVERY_S = 24 * 3600.0
log = logging.getLogger("acetate.retention")


class Sweeper:
    """Sweeps when it is made, and once a day while it is ticked: servers run for months."""

    def __init__(self, queue: JobQueue, store: ContentStore) -> None:
        self._queue, self._store = queue, store
        self._sweep()

    def tick(self, *, is_idle: bool) -> None:
        """To be called often. A running job may be about to name blobs that nobody needed."""
        if is_idle and time.monotonic() - self._swept_s >= SWEEP_EVERY_S:
            self._sweep()

    def _sweep(self) -> None:
        self._swept_s = time.monotonic()
        sweep(self._queue, self._store)


def sweep(queue: JobQueue, store: ContentStore, now: float | None = None) -> int:
    """Forget what is too old at `now` (seconds since 1970); returns how many jobs were forgotten.

    Blobs are looked at only when jobs were forgotten. One younger than a day is never removed,
    because a client may be about to name it in a submit.
    """
    now = time.time() if now is None else now
    store.drop_uploads(now - KEEP_UPLOADS_S)
    count = queue.forget_before(now - KEEP_JOBS_S)
    if count:
        removed = store.keep_only(set(_needed(queue, store)), now - KEEP_UPLOADS_S)
        log.info("forgot %d old jobs and %d blobs", count, removed)
    return count


def _needed(queue: JobQueue, store: ContentStore) -> Iterator[str]:
    for document in queue.documents():
        yield from _readable(lambda document=document: blob_hashes(shot_from_json(document)))
    for manifest in queue.manifests():
        yield manifest
        yield from _readable(
            lambda manifest=manifest: result_blobs(result_from_json(store.blobs.get(manifest)))
        )


def _readable(hashes: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """Nothing, where a document is damaged or of another version: it could not be used either."""
    try:
        return hashes()
    except AcetateError as error:
        log.warning("a stored document cannot be read: %s", error)
        return ()
