"""Stages over whole pieces of footage: what it is, where it shows something, and its shots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from curation.media.frames import read_frames
from curation.media.probe import IngestSettings, MediaFacts, probe, refuse_unusable
from curation.media.sources import Source
from curation.run.stage import ClipRef, ClipRefusedError, Product, Stage, View
from curation.stages.cuts import CutSettings, find_cuts, pieces
from curation.stages.drawings import DrawingSettings, active_rect

_CHUNK = 256  # frames in memory at a time
_LAP = 12  # frames that chunks share, so that a flash at a seam is seen whole
_LOOK_SIDE_PX = 320  # shots are told at this short side
_SAMPLED = 24  # frames that tell where bars are


@dataclass(frozen=True)
class Ingest:
    """Facts of one piece of footage; refuses what a set cannot use."""

    settings: IngestSettings

    def __call__(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """Facts: `media`."""
        path = Path(clip.source)
        facts = probe(Source(path, "pictures" if path.is_dir() else "video", clip.source_id))
        refuse_unusable(facts, self.settings)
        return Product(facts={"media": msgspec.to_builtins(facts)})


class ShotSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How footage is cut. `short_side`: height (or width, upright) of the frames stages get."""

    short_side: int = 320
    cuts: CutSettings = CutSettings()
    drawings: DrawingSettings = DrawingSettings()


@dataclass(frozen=True)
class Shots:
    """Where bars are, and the pieces between cuts."""

    settings: ShotSettings

    def __call__(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """Facts: `view`, `pieces` [[first, end], ...]. Refuses footage with no long one."""
        media = msgspec.convert(needed["ingest"].facts["media"], MediaFacts)
        path = Path(clip.source)
        look = _scaled((media.width, media.height), min(self.settings.short_side, _LOOK_SIDE_PX))
        crop = self._crop(path, media, look)
        inner = (media.width * crop[2], media.height * crop[3])
        width, height = _scaled(inner, self.settings.short_side)
        found = pieces(media.frames, self._cuts(path, media.frames, look, crop), self.settings.cuts)
        if not found:
            raise ClipRefusedError("no_long_shot", f"none of {self.settings.cuts.shortest} frames")
        view = View(media.fps, width, height, crop)
        told = {"view": view, "pieces": [[piece.first, piece.end] for piece in found]}
        return Product(facts=msgspec.to_builtins(told))

    def _crop(
        self, path: Path, media: MediaFacts, size: tuple[int, int]
    ) -> tuple[float, float, float, float]:
        times = np.unique(np.linspace(0, media.frames - 1, _SAMPLED).astype(int))
        frames = np.concatenate([read_frames(path, int(t), int(t) + 1, size) for t in times])
        left, top, right, bottom = active_rect(frames, self.settings.drawings)
        width, height = size
        return left / width, top / height, (right - left) / width, (bottom - top) / height

    def _cuts(
        self,
        path: Path,
        count: int,
        size: tuple[int, int],
        crop: tuple[float, float, float, float],
    ) -> list[int]:
        cuts: set[int] = set()
        for first in range(0, max(1, count - _LAP), _CHUNK - _LAP):
            end = min(count, first + _CHUNK)
            frames = read_frames(path, first, end, size, crop)
            # near a seam only the chunk that sees both sides of a flash may speak
            begin = first + _LAP // 2 if first else 0
            stop = end - _LAP // 2 if end < count else count
            found = {first + cut for cut in find_cuts(frames, self.settings.cuts)}
            cuts |= {cut for cut in found if begin <= cut < stop}
        return sorted(cuts)


def _scaled(size: tuple[float, float], short_side: int) -> tuple[int, int]:
    """Width and height with that short side, both even, as video wants them; never enlarged."""
    scale = min(1.0, short_side / min(size))
    width, height = (max(2, 2 * round(side * scale / 2)) for side in size)
    return width, height


def footage_stages(ingest: IngestSettings, shots: ShotSettings) -> tuple[Stage, ...]:
    """The chain over footage."""
    return (
        Stage("ingest", 1, Ingest(ingest), ingest),
        Stage("shots", 2, Shots(shots), shots, needs=("ingest",)),
    )


def footage_ref(source: Source) -> ClipRef:
    """A whole piece of footage as what a run takes through its chain."""
    return ClipRef(f"src{source.source_id[:24]}", str(source.path), source.source_id, 0, 0)


def clips_of(source: Source, shots: Product) -> list[ClipRef]:
    """One reference for each piece that the shots stage found."""
    view = msgspec.convert(shots.facts["view"], View)
    return [
        ClipRef(
            f"{source.source_id[:16]}_{first:06d}_{end:06d}",
            str(source.path),
            source.source_id,
            first,
            end,
            view,
        )
        for first, end in shots.facts["pieces"]
    ]
