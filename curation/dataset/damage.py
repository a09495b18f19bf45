"""How the codecs of this folder say that bytes are not what they should be; the reader names them.

A codec knows neither clip nor shard; the reader turns this into the error of the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import AcetateError


class DamageError(ValueError):
    """Bytes that are too many, too few, or something else than announced."""


@contextmanager
def told_of(clip: str, shard: str, member: str) -> Iterator[None]:
    """Name the place: a `DamageError` inside becomes `clip_damaged`."""
    try:
        yield
    except DamageError as damage:
        raise AcetateError(
            "clip_damaged", clip=clip, shard=shard, member=member, detail=str(damage)
        ) from damage
