"""Makes the keys of one layer: pictures and strokes as blobs, one step per rendered picture.

`shot` drives it; nothing is rendered twice within an export.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..scene.settings import LayerId, Quality
from ..scene.strokes import LayerReading
from ..shared.blobs import Blobs
from ..shared.pictures import Picture, encode_png
from ..shared.shot import ArrayRef, Key, PictureRef, Role
from ..shared.strokes import Drawing, drawing_to_bytes
from .drawing import is_representable, to_drawing
from .masks import masked
from .plan import LayerPlan
from .planes import plane_picture
from .reading import FrameReading
from .render import RenderLook, render_layer
from .windows import content_window

OVERSCAN = 0.25


@dataclass(eq=False)
class KeyMaker:
    """Turns readings into keys. `done` pictures are kept by what they show."""

    blobs: Blobs
    quality: Quality
    look: RenderLook
    done: dict[tuple[LayerId, str], PictureRef | None] = field(default_factory=dict)

    def keys(self, plan: LayerPlan, readings: Mapping[int, FrameReading]) -> Iterator[Key | None]:
        """Keys of one layer, ascending; None marks a pause after a render that made no key yet.

        Two equal keys of an animated layer are a hold, and both are kept; what is held anyway
        needs its later one no more.
        """
        id_ = plan.layer.id
        holds = plan.settings.role is not Role.ANIMATE
        previous: Key | None = None
        for frame in sorted({*plan.picture_frames, *plan.empty_frames}):
            key = Key(frame=frame)
            if frame in plan.picture_frames:
                reading = readings[frame]
                if id_ in reading.planes:
                    key = self._plane_key(frame, id_, reading)
                elif id_ in reading.strokes:
                    key = yield from self._stroke_key(frame, id_, reading)
            if holds and previous is not None and _same(previous, key):
                yield None
            else:
                previous = key
                yield key

    def _plane_key(self, frame: int, id_: LayerId, reading: FrameReading) -> Key:
        plane = reading.planes[id_]
        picture = plane_picture(plane.pixels, plane.place, reading.view, OVERSCAN)
        return Key(frame=frame, picture=self._keep(picture))

    def _stroke_key(
        self, frame: int, id_: LayerId, reading: FrameReading
    ) -> Generator[None, None, Key]:
        strokes = reading.strokes[id_]
        drawing = to_drawing(strokes, reading.view)
        if not drawing.stroke_count:
            return Key(frame=frame)
        blob = self.blobs.put(drawing_to_bytes(drawing))
        picture: PictureRef | None = None
        if self.quality is Quality.EXACT or not is_representable(strokes):
            picture = yield from self._rendered(id_, blob, drawing, reading)
        return Key(frame=frame, picture=picture, strokes=ArrayRef(blob=blob))

    def _rendered(
        self, id_: LayerId, blob: str, drawing: Drawing, reading: FrameReading
    ) -> Generator[None, None, PictureRef | None]:
        strokes = reading.strokes[id_]
        known = not strokes.masks and is_representable(strokes)
        if not known or (id_, blob) not in self.done:
            picture = yield from self._render(drawing, strokes, reading)
            self.done[id_, blob] = self._keep(picture)
        return self.done[id_, blob]

    def _render(
        self, drawing: Drawing, strokes: LayerReading, reading: FrameReading
    ) -> Generator[None, None, Picture | None]:
        window = content_window(drawing.points, drawing.radius, reading.view, OVERSCAN)
        if window is None:
            return None
        picture = render_layer(strokes, reading.view, window, self.look)
        factor = np.full(picture.pixels.shape[:2], strokes.opacity, np.float32)
        covers: list[np.ndarray | None] = []
        for mask in strokes.masks:
            source = reading.strokes.get(LayerId(strokes.id.object_name, mask.layer_name))
            if source is None or source.opacity == 0.0:
                covers.append(None)  # any other opacity of a mask's source does not matter
                continue
            yield  # one render per step
            cover = render_layer(source, reading.view, window, self.look).pixels[..., 3]
            covers.append(cover.astype(np.float32) / 255.0)
        return masked(picture, factor, [mask.invert for mask in strokes.masks], covers)

    def _keep(self, picture: Picture | None) -> PictureRef | None:
        if picture is None or picture.is_empty:
            return None
        tight = picture.cropped()
        return PictureRef(
            blob=self.blobs.put(encode_png(tight.pixels)),
            width=tight.width,
            height=tight.height,
            x=tight.x,
            y=tight.y,
        )


def _same(first: Key, second: Key) -> bool:
    """Whether two keys show the same, so that the later one may be left out."""
    return first.picture == second.picture and first.strokes == second.strokes
