"""A shot on its way out, in the folder of its take: the interface lays it out, the loop sends it.

So pictures never go through the pipe between both. A later process of the link never sends what an
earlier one left: the loop clears it away as it leaves, the session where the loop died.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ..shared.blobs import Blobs, FolderBlobs, write_atomically
from ..shared.errors import AcetateError
from ..shared.shot import MAX_JSON_BYTES, ShotRequest, blob_hashes, shot_from_json, to_json
from ..takes.library import REQUEST

OUTGOING = ".outgoing"


def lay_out(folder: Path, request: ShotRequest, blobs: Blobs) -> None:
    """Write a request and what it refers to. Raises `disk`, or `not_found` for a missing blob.

    Nothing waits for the disk: after a power failure the artist presses Generate once more.
    """
    store = FolderBlobs(folder / OUTGOING, durable=False)
    for sha256 in blob_hashes(request):
        store.put(blobs.get(sha256))
    write_atomically(folder / REQUEST, to_json(request), durable=False)


def read(folder: Path) -> tuple[ShotRequest, Blobs]:
    """What was laid out. Raises `disk` where it cannot be read, else `invalid_request`."""
    try:
        with (folder / REQUEST).open("rb") as file:
            data = file.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error
    return shot_from_json(data), FolderBlobs(folder / OUTGOING, durable=False)


def clear(folder: Path) -> None:
    """Forget the blobs; the request stays with the take."""
    shutil.rmtree(folder / OUTGOING, ignore_errors=True)
