"""Stages over whole pieces of footage: what it is, where it shows something, and its shots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from curation.media.frames import WHOLE, Crop, read_frames
from curation.media.probe import IngestSettings, MediaFacts, probe, refuse_unusable
from curation.media.sources import Source
from curation.run.stage import ClipRef, ClipRefusedError, Product, Stage, View
from curation.stages.cuts import CutSettings, find_cuts, pieces
from curation.stages.drawings import DrawingSettings, active_rect
from curation.stages.proposals import Proposer, chosen, proposed_cuts
from curation.stages.transitions import Transition, TransitionSettings, find_transitions, outside

_CHUNK = 256  # frames in memory at a time
_LAP = 64  # frames that chunks share, so that what happens at a seam is seen whole
_LOOK_SIDE_PX = 320  # shots are told at this short side
_SAMPLED = 24  # frames that tell where bars are
_FOOTAGE, _FOOTAGE_DIGITS, _CLIP_DIGITS = "src", 24, 16  # how footage and clips are named


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
    """How footage is cut. `short_side`: height (or width, upright) of the frames stages get.

    `proposer`: who proposes cuts besides those that motion cannot explain.
    """

    short_side: int = 320
    proposer: Proposer = "auto"
    cuts: CutSettings = CutSettings()
    transitions: TransitionSettings = TransitionSettings()
    drawings: DrawingSettings = DrawingSettings()


@dataclass(frozen=True)
class Shots:
    """Where bars are, and the pieces between cuts."""

    settings: ShotSettings

    def __call__(self, clip: ClipRef, needed: Mapping[str, Product]) -> Product:
        """Facts: `view`, `pieces` [[first, end], ...], `cuts`, `transitions` like pieces.

        Refuses footage with no long piece.
        """
        media = msgspec.convert(needed["ingest"].facts["media"], MediaFacts)
        look = _Look(Path(clip.source), media, self.settings)
        cuts, gone = look.boundaries()
        found = pieces(media.frames, cuts, self.settings.cuts, gone)
        if not found:
            raise ClipRefusedError("no_long_shot", f"none of {self.settings.cuts.shortest} frames")
        inner = (media.width * look.crop[2], media.height * look.crop[3])
        width, height = _scaled(inner, self.settings.short_side)
        view = View(media.fps, width, height, look.crop, media.variable_rate)
        told = {
            "view": view,
            "pieces": [[piece.first, piece.end] for piece in found],
            "cuts": cuts,
            "transitions": [[part.first, part.end] for part in gone],
        }
        return Product(facts=msgspec.to_builtins(told))


class _Look:
    """Footage at the size that tells shots, without its bars."""

    def __init__(self, path: Path, media: MediaFacts, settings: ShotSettings) -> None:
        self._path = path
        self._media = media
        self._settings = settings
        size = (media.width, media.height)
        self._size = _scaled(size, min(settings.short_side, _LOOK_SIDE_PX))
        self.crop = WHOLE
        self.crop = self._inside_bars()

    def boundaries(self) -> tuple[list[int], list[Transition]]:
        """First frames of shots after hard cuts, and gradual transitions; both rising."""
        cuts: set[int] = set()
        gone: list[Transition] = []
        count = self._media.frames
        for first in range(0, max(1, count - _LAP), _CHUNK - _LAP):
            end = min(count, first + _CHUNK)
            # near a seam only the chunk that sees both sides of a change may speak
            begin = first + _LAP // 2 if first else 0
            stop = end - _LAP // 2 if end < count else count
            found, mixed = self._within(self._frames(first, end))
            cuts |= {first + cut for cut in found if begin <= first + cut < stop}
            for part in mixed:
                middle = first + (part.first + part.end) // 2
                if begin <= middle < stop:
                    gone.append(Transition(first + part.first, first + part.end))
        return outside(sorted(cuts), gone), gone

    def _within(self, frames: np.ndarray) -> tuple[list[int], list[Transition]]:
        proposed = proposed_cuts(frames, self._settings.proposer)
        cuts = find_cuts(frames, self._settings.cuts, proposed=proposed)
        return cuts, find_transitions(frames, self._settings.transitions)

    def _inside_bars(self) -> Crop:
        times = np.unique(np.linspace(0, self._media.frames - 1, _SAMPLED).astype(int))
        frames = np.concatenate([self._frames(int(t), int(t) + 1) for t in times])
        left, top, right, bottom = active_rect(frames, self._settings.drawings)
        width, height = self._size
        return left / width, top / height, (right - left) / width, (bottom - top) / height

    def _frames(self, first: int, end: int) -> np.ndarray:
        held_at = self._media.fps if self._media.variable_rate else None
        return read_frames(self._path, first, end, self._size, self.crop, held_at=held_at)


def _scaled(size: tuple[float, float], short_side: int) -> tuple[int, int]:
    """Width and height with that short side, both even, as video wants them; never enlarged."""
    scale = min(1.0, short_side / min(size))
    width, height = (max(2, 2 * round(side * scale / 2)) for side in size)
    return width, height


def footage_stages(ingest: IngestSettings, shots: ShotSettings) -> tuple[Stage, ...]:
    """The chain over footage."""
    shots = msgspec.structs.replace(shots, proposer=chosen(shots.proposer))  # as units are keyed
    return (
        Stage("ingest", 2, Ingest(ingest), ingest),
        Stage("shots", 3, Shots(shots), shots, needs=("ingest",)),
    )


def footage_ref(source: Source) -> ClipRef:
    """A whole piece of footage as what a run takes through its chain."""
    name = f"{_FOOTAGE}{source.source_id[:_FOOTAGE_DIGITS]}"
    return ClipRef(name, str(source.path), source.source_id, 0, 0)


def clips_of(source: Source, shots: Product) -> list[ClipRef]:
    """One reference for each piece that the shots stage found."""
    view = msgspec.convert(shots.facts["view"], View)
    return [
        ClipRef(
            f"{source.source_id[:_CLIP_DIGITS]}_{first:06d}_{end:06d}",
            str(source.path),
            source.source_id,
            first,
            end,
            view,
        )
        for first, end in shots.facts["pieces"]
    ]


def is_of_source(name: str, source_id: str) -> bool:
    """Whether a clip or piece of footage of that name comes of a source, by 16 digits or more."""
    digits = name.removeprefix(_FOOTAGE).partition("_")[0]
    return len(digits) >= _CLIP_DIGITS and (
        digits.startswith(source_id) or source_id.startswith(digits)
    )
