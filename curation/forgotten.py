"""Sources that a set has to forget: taken out of everything it keeps, and not let in again.

As when rights are withdrawn (`spec/curation.md` 4.3). The footage itself is left where it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from curation.dataset.forget import Told, forget
from curation.dataset.index import INDEX_NAME, read_index
from curation.footage_stages import is_of_source
from curation.review.page import DATA_NAME, read_review, write_page
from curation.run.ledger import without_clips
from curation.run.over_clips import MANIFEST_NAME, manifest_without
from curation.set_dataset import DATASET, drop_leftovers, only_writer
from shared.blobs import write_atomically
from shared.errors import AcetateError

PARTS = ("footage", "clips")
SHEETS = "sheets"
_LIST = "forgotten.jsonl"
_HALF_WRITTEN = ".part-*"
_ID = re.compile(r"[0-9a-f]{16,64}")


class ForgottenSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source that stays out. `source_id`: its first 16 or more digits; `at`: when, ISO."""

    source_id: str
    at: str


@dataclass(frozen=True)
class Removal:
    """What was taken out of a set: clips of its data set, and files of its kept work."""

    source_id: str
    clips: int
    files: int
    cards: int


def read_forgotten(out: Path) -> list[ForgottenSource]:
    """What the set in `out` was told to forget. Raises `invalid_request` for a damaged list."""
    path = out / _LIST
    lines = path.read_bytes().splitlines() if path.is_file() else []
    try:
        return [msgspec.json.decode(line, type=ForgottenSource) for line in lines]
    except msgspec.DecodeError as error:
        # without the list, a withdrawn source could come back: nothing goes on
        raise AcetateError("invalid_request", where=_LIST, detail=str(error)) from error


def is_forgotten(source_id: str, listed: list[ForgottenSource]) -> bool:
    """Whether a source has to stay out."""
    return any(source_id.startswith(item.source_id) for item in listed)


def let_in_again(out: Path, source_id: str) -> None:
    """Take a source off the list, as by `--include`; nothing happens where it is not on it."""
    wanted = checked_id(source_id)
    listed = read_forgotten(out)
    left = [item for item in listed if not _alike(item.source_id, wanted)]
    if len(left) < len(listed):
        _write(out, left)


def forget_source(out: Path, source_id: str, told: Told | None = None) -> Removal:
    """Take a source out of the set in `out` for good; end other runs of the set before.

    First it is put on the list, so that what a kill interrupts only has to be said again. Raises
    `usage` for no id, `not_found` where the set never had it, `dataset_busy`, `disk`.
    """
    wanted = checked_id(source_id)
    if not out.is_dir():
        raise AcetateError("not_found", what=f"set {out.name}")
    with only_writer(out, wait=False):
        known = _known(out, wanted)
        listed = read_forgotten(out)
        on_list = any(_alike(item.source_id, wanted) for item in listed)
        if not known and not on_list:
            raise AcetateError("not_found", what=f"clip of source {wanted[:16]}")
        if not on_list:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            _write(out, [*listed, ForgottenSource(wanted, now)])
        clips = sum(len(forget(out / DATASET, full, told).clips) for full in _in_data(out, wanted))
        drop_leftovers(out)
        files = sum(_without_work(out / part, wanted) for part in PARTS)
        files += _unlinked(_named_after(out / SHEETS, wanted))
        files += _unlinked(_named_after(out / "leases", wanted))
        for half in (*(out / SHEETS).rglob(_HALF_WRITTEN), *out.glob(_HALF_WRITTEN)):
            files += _unlinked([half]) if half.is_file() else 0
        return Removal(wanted, clips, files, _without_cards(out, wanted))


def checked_id(source_id: str) -> str:
    """At least 16 digits of a SHA-256, which is what names of clips begin with. Raises `usage`."""
    digits = source_id.strip().lower()
    if not _ID.fullmatch(digits):
        raise AcetateError("usage", where="--source is 16 to 64 hexadecimal digits of a source_id")
    return digits


def _alike(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _known(out: Path, wanted: str) -> bool:
    names = (path for part in PARTS for path in _named_after(out / part, wanted))
    return bool(_in_data(out, wanted)) or next(names, None) is not None


def _in_data(out: Path, wanted: str) -> list[str]:
    """Whole ids in the data set that begin so."""
    if not (out / DATASET / INDEX_NAME).is_file():
        return []
    ids = set(read_index(out / DATASET).column("source_id"))
    return sorted(full for full in ids if full.startswith(wanted))


def _named_after(folder: Path, wanted: str) -> Iterator[Path]:
    """Files that carry the name of a clip or piece of footage of this source."""
    for path in folder.rglob("*") if folder.is_dir() else ():
        if path.is_file() and is_of_source(path.name.split(".")[0], wanted):
            yield path


def _without_work(part: Path, wanted: str) -> int:
    """Remove units, and half-written ones of anybody; ledger and manifest lose its lines."""
    count = _unlinked(_named_after(part / "work", wanted))
    count += _unlinked(part.rglob(_HALF_WRITTEN))
    without_clips(part / "ledger", lambda clip_id: is_of_source(clip_id, wanted))
    manifest_without(part / MANIFEST_NAME, lambda clip_id: is_of_source(clip_id, wanted))
    return count


def _without_cards(out: Path, wanted: str) -> int:
    if not (out / DATA_NAME).is_file():
        return 0
    review = read_review(out)
    cards = [card for card in review.cards if not is_of_source(card.clip_id, wanted)]
    write_page(out, msgspec.structs.replace(review, cards=cards))
    return len(review.cards) - len(cards)


def _unlinked(paths: Iterable[Path]) -> int:
    found = list(paths)
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _write(out: Path, listed: list[ForgottenSource]) -> None:
    write_atomically(out / _LIST, b"".join(msgspec.json.encode(item) + b"\n" for item in listed))
