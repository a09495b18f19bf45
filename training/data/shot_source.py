"""Shot packages as a source of training clips: drawings of Grease Pencil with exact layers.

Called by recipes, by `acetate clips make` and by tests. `spec/curation.md` 4.3: nothing is learned
from without a word on whose it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from backend.pipeline.rescale import rescale_shot
from backend.server.about import version
from curation.dataset.clip import Element, LayeredClip, LayerFacts, ScoreScale
from curation.dataset.provenance import Annotation, Provenance
from shared.blobs import Blobs
from shared.errors import AcetateError
from shared.package import read_package
from shared.shot import Look, Role, ShotRequest
from training.data.cut import cut
from training.data.shot_clip import DrawnShot, draw_shot
from training.procedural.canvas import PAINTER
from training.procedural.words import heading, listed, sentence

EXTRACTOR = "acetate.shot-source/1"
MAX_LENGTH = 128
_LEAST_FRAMES = 2
_MOVES_PX = 2.0
_RESTS_PX = 0.02


class Rights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What whoever brings a shot says of it; dates are ISO. Consent is to training on it."""

    rights_holder: str
    licence: str
    licence_evidence: str
    consent_by: str
    consent_date: str
    acquired: str
    attribution: str = ""

    def check(self, clip: str) -> None:
        """Raise `licence_missing` for the first empty field but the attribution."""
        for field in self.__struct_fields__:
            if field != "attribution" and not getattr(self, field).strip():
                raise AcetateError("licence_missing", clip=clip, field=field)


@dataclass(frozen=True)
class ShotPart:
    """Some frames of one package: scene frames in order.

    `content`: SHA-256 of all that is drawn in the package. `origin`, `origin_sha256`: the file that
    it was made from; the package itself if from none.
    """

    file: Path
    content: str
    origin: str
    origin_sha256: str
    number: int
    frames: tuple[int, ...]


@dataclass(frozen=True)
class ShotClips:
    """Clips of shot packages; a `ClipSource`. Make it with `open`."""

    parts: tuple[ShotPart, ...]
    rights: Rights
    height: int | None

    @classmethod
    def open(
        cls,
        files: Sequence[Path],
        rights: Rights,
        *,
        height: int | None = None,
        length: int = MAX_LENGTH,
        drawn_only: bool = False,
        origins: Mapping[Path, Path] | None = None,
    ) -> ShotClips:
        """Look at all packages; long shots become several clips of at most `length` frames.

        `height`: of the clips in pixels, the width follows; None keeps the camera's size.
        `drawn_only`: leave out frames on which no moving layer has a drawing of its own; else what
        is held repeats. `origins`: the file that a package was exported from. Raises
        `licence_missing`, `usage`, `not_found`, `bad_package` and the like.
        """
        if not files or not _LEAST_FRAMES <= length <= MAX_LENGTH:
            where = f"name shot packages, and a length of {_LEAST_FRAMES} to {MAX_LENGTH} frames"
            raise AcetateError("usage", where=where)
        rights.check(files[0].name)
        parts: list[ShotPart] = []
        for file in files:
            origin = (origins or {}).get(file, file)
            parts += _parts(file, origin, length, drawn_only=drawn_only)
        names = [_clip_id(part) for part in parts]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise AcetateError("clip_exists", clip=twice)
        return cls(tuple(parts), rights, height)

    @property
    def fingerprint(self) -> str:
        """Hash of all packages and settings."""
        shown = [(part.content, part.origin_sha256, part.frames) for part in self.parts]
        told = msgspec.json.encode([EXTRACTOR, PAINTER, shown, self.rights, self.height])
        return hashlib.sha256(told).hexdigest()

    def __len__(self) -> int:
        return len(self.parts)

    def frame_count(self, index: int) -> int:
        """Frames of clip `index`."""
        return len(self._part(index).frames)

    def clip_id(self, index: int) -> str:
        """Name of clip `index`: of its file, its content and its place in it."""
        return _clip_id(self._part(index))

    def clip(self, index: int, frames: Sequence[int] | None = None) -> LayeredClip:
        """See `ClipSource`. Raises `not_found`, or `bad_package` for one changed since `open`."""
        part = self._part(index)
        request, blobs = _read(part)
        if self.height is not None and self.height != request.height:
            width = max(16, round(request.width * self.height / request.height))
            request, blobs = rescale_shot(request, blobs, width, self.height)
        whole = self._layered(part, request, blobs)
        return whole if frames is None else cut(whole, frames)

    def _part(self, index: int) -> ShotPart:
        if not 0 <= index < len(self.parts):
            raise AcetateError("not_found", what=f"clip {index} of {len(self.parts)} of the shots")
        return self.parts[index]

    def _layered(self, part: ShotPart, request: ShotRequest, blobs: Blobs) -> LayeredClip:
        shot = draw_shot(request, blobs, part.frames)
        phrases = _phrases(shot)
        names = [layer.name for layer in shot.layers]
        prompts = [layer.prompt for layer in shot.layers]
        scores = [float(score) for score in shot.scores]
        return LayeredClip(
            clip_id=_clip_id(part),
            fps=request.fps,
            frames=shot.frames,
            labels=shot.top,
            elements=tuple(map(Element, names, scores, range(len(names)))),
            layers=tuple(
                LayerFacts(name, score, prompt or sentence(phrase))
                for name, score, prompt, phrase in zip(names, scores, prompts, phrases, strict=True)
            ),
            score_scale=ScoreScale(request.width, request.height),
            tracks=shot.tracks,
            caption=request.look.prompt or sentence(listed(phrases)),
            provenance=self._provenance(part, request, shot, names),
            depth_known=True,
            sketch=shot.sketch,
            flow=None if shot.flow is None else shot.flow.astype(np.float16),
        )

    def _provenance(
        self, part: ShotPart, request: ShotRequest, shot: DrawnShot, names: Sequence[str]
    ) -> Provenance:
        rights = self.rights
        settings = f"{EXTRACTOR}/{self.height}/{part.frames}"
        return Provenance(
            source_id=part.origin_sha256,
            source=part.origin,
            title=f"{part.origin}, frames {part.frames[0]} to {part.frames[-1]}",
            rights_holder=rights.rights_holder,
            licence=rights.licence,
            licence_evidence=rights.licence_evidence,
            consent_for_training=True,
            consent_by=rights.consent_by,
            consent_date=rights.consent_date,
            attribution=rights.attribution or rights.rights_holder,
            acquired=rights.acquired,
            first=part.frames[0] - request.start,
            last=part.frames[-1] - request.start,
            toolkit=f"acetate {version()}",
            parameters_hash=hashlib.sha256(settings.encode()).hexdigest(),
            derived_from=f"{part.origin}: {', '.join(names)}",
            annotations=_annotations(shot),
        )


def _annotations(shot: DrawnShot) -> tuple[Annotation, ...]:
    lines = "strokes" if shot.sketched_by_hand else "difference of Gaussians"
    moved = "optical flow (DIS) where strokes have no partner" if shot.guessed else "strokes"
    made = {"masks": "layers' alpha", "tracks": "strokes", "scores": moved, "sketch": lines,
            "caption": "names and motion of layers"}  # fmt: skip
    if shot.flow is not None:
        made["flow"] = "strokes"
    return tuple(Annotation(kind, name, EXTRACTOR, "Apache-2.0") for kind, name in made.items())


def _parts(file: Path, origin: Path, length: int, *, drawn_only: bool) -> list[ShotPart]:
    """The clips of one package. Raises `invalid_request` where it has fewer than two frames."""
    request, _ = read_package(file)
    content = _drawn_hash(request)
    frames = _drawn(request) if drawn_only else list(range(request.start, request.end + 1))
    pieces = [tuple(frames[at : at + length]) for at in range(0, len(frames), length)]
    kept = [piece for piece in pieces if len(piece) >= _LEAST_FRAMES]
    if not kept:
        raise AcetateError("invalid_request", where=f"{file.name[:40]} has no two frames")
    origin_hash = _file_hash(origin)
    return [
        ShotPart(file, content, origin.name, origin_hash, number, piece)
        for number, piece in enumerate(kept)
    ]


def _drawn(request: ShotRequest) -> list[int]:
    """Frames on which a layer of more than one drawing has one of its own, from the first on
    which all of them show something.
    """
    moving = [layer for layer in request.stack if len(layer.keys) > 1]
    frames = {key.frame for layer in moving for key in layer.keys}
    first = max(
        (layer.keys[0].frame for layer in moving if layer.role is Role.ANIMATE),
        default=request.start,
    )
    return sorted(frame for frame in frames if max(first, request.start) <= frame <= request.end)


def _read(part: ShotPart) -> tuple[ShotRequest, Blobs]:
    request, blobs = read_package(part.file)
    if _drawn_hash(request) != part.content:
        name = part.file.name[:30]
        raise AcetateError("bad_package", where=f"{name} has changed since it was opened")
    return request, blobs


def _drawn_hash(request: ShotRequest) -> str:
    """SHA-256 of a request without how it would be generated; it names all drawings by content."""
    look = Look(prompt=request.look.prompt)
    return msgspec.structs.replace(request, look=look).sha256


def _file_hash(file: Path) -> str:
    """SHA-256 of a file, or of the request in a package that is a folder."""
    path = file / "shot.json" if file.is_dir() else file
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError as error:
        raise AcetateError("not_found", what=f"file {file.name}") from error
    except OSError as error:
        raise AcetateError("bad_package", where=file.name[:40], detail=str(error)) from error


def _clip_id(part: ShotPart) -> str:
    stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(part.origin).stem).strip("-").lower()[:40] or "shot"
    return f"{stem}-{part.content[:10]}-{part.number:03d}"


def _phrases(shot: DrawnShot) -> list[str]:
    """What every layer does, and where it goes."""
    phrases: list[str] = []
    for number, layer in enumerate(shot.layers):
        way, name = _way(shot, number), f'the layer "{layer.name}"'
        if float(shot.scores[number]) < _RESTS_PX:
            phrases.append(f"{name} rests")
        elif float(np.linalg.norm(way)) < _MOVES_PX:
            phrases.append(f"{name} moves in place")
        else:
            phrases.append(f"{name} moves {heading(way.tolist())}")
    return phrases


def _way(shot: DrawnShot, number: int) -> np.ndarray:
    """How far a layer goes, [2] pixels: its middle where it is seen whole, else its points."""
    masks = shot.top == number + 1
    seen = np.flatnonzero(masks.any(axis=(1, 2)))
    if not seen.size:
        return np.zeros(2)
    ends = [masks[seen[0]], masks[seen[-1]]]
    if not any(_at_border(mask) for mask in ends):
        first, last = (np.argwhere(mask).mean(axis=0)[::-1] for mask in ends)
        return last - first
    mine = shot.tracks.elements == number
    points, visible = shot.tracks.points[mine], shot.tracks.visible[mine]
    both = visible[:, 1:] & visible[:, :-1]  # [n, f - 1]
    steps = np.where(both[..., None], np.diff(points, axis=1), 0.0).sum(axis=0)
    return (steps / np.maximum(both.sum(axis=0), 1)[:, None]).sum(axis=0)


def _at_border(mask: np.ndarray) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
