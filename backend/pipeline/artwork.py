"""The artist's material of one shot, decoded when a stage asks for it; used by every stage."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from backend.layer_motion.strokes.cycle import comes_round
from backend.pipeline.plan import ShotPlan
from shared.blobs import Blobs
from shared.errors import AcetateError
from shared.pictures import Picture, check_size, decode_png, png_size
from shared.shot import (
    ArrayRef,
    Key,
    Layer,
    PictureRef,
    Role,
    ShotRequest,
    Sketch,
    SketchFrame,
    Trajectory,
)
from shared.strokes import Drawing, drawing_from_bytes, load_arrays

SKETCH_LINE_PX = 2.0
"""Width of sketch strokes in line maps, in pixels of a camera 512 wide; scaled with the camera."""

_KEPT_DRAWINGS = 10  # a gap's two keys, three on either side, and the layer's first and last


@dataclass(frozen=True, eq=False)
class Tracks:
    """Point tracks as stored: `frames` int [f] ascending, `points` float32 [f, p, 2] camera px,
    `known` bool [f, p]: seen, or outside the picture.
    """

    frames: np.ndarray
    points: np.ndarray
    known: np.ndarray

    def at(self, frames: tuple[float, ...] | tuple[int, ...]) -> np.ndarray:
        """Positions at any scene frames: float32 [len(frames), p', 2].

        Straight between known samples, constant outside them; points known nowhere are left out.
        """
        columns = []
        for point in np.flatnonzero(self.known.any(axis=0)):
            known = self.known[:, point]
            path = self.points[known, point]
            columns.append(
                np.stack(
                    [np.interp(frames, self.frames[known], path[:, axis]) for axis in (0, 1)],
                    axis=-1,
                )
            )
        if not columns:
            return np.zeros((len(frames), 0, 2), np.float32)
        return np.stack(columns, axis=1).astype(np.float32)  # [frames, p', 2]

    def moves_within(self, first: int, stop: int) -> bool:
        """Whether any sample lies between the two frames, so that the tracks tell something."""
        return bool(((self.frames > first) & (self.frames <= stop)).any() and len(self.frames) > 1)


class Artwork:
    """Pictures, strokes, tracks and sketches of a request, read from its blobs.

    Nothing is decoded twice in a row, and only a few pictures stay in memory. All methods raise
    the catalogue's error for damaged or impossible material.
    """

    def __init__(self, request: ShotRequest, blobs: Blobs) -> None:
        self._request = request
        self._blobs = blobs
        self._key_picture = functools.lru_cache(maxsize=_cache_size(request))(self._load_key)
        self._key_strokes = functools.lru_cache(maxsize=_KEPT_DRAWINGS)(self._load_strokes)
        self._rounds: dict[str, bool] = {}

    def key_picture(self, key: Key) -> Picture:
        """A key's own pixels, or its strokes drawn at camera size. Not for empty keys."""
        return self._key_picture(key)

    def key_strokes(self, key: Key) -> Drawing | None:
        """A key's strokes, where it has any; the same object as long as it stays in memory."""
        return self._key_strokes(key)

    def comes_round(self, layer: Layer) -> bool:
        """Whether the layer's last key shows its first one's strokes again, in the same place."""
        if layer.name not in self._rounds:
            first, last = (self.key_strokes(layer.keys[end]) for end in (0, -1))
            self._rounds[layer.name] = (
                first is not None and last is not None and comes_round(first, last)
            )
        return self._rounds[layer.name]

    def tracks(self, layer: Layer) -> Tracks | None:
        """The layer's trajectory, checked. Raises `bad_package`, `bad_numbers`,
        `trajectory_outside` where no point ever is inside the camera frame.
        """
        for control in layer.controls:
            if isinstance(control, Trajectory):
                tracks = self._load_tracks(layer, control.tracks)
                self._check_inside(layer, tracks)
                return tracks
        return None

    def sketch_frames(self, layer: Layer) -> dict[int, SketchFrame]:
        """The layer's sketch frames by scene frame."""
        return {
            sketch.frame: sketch
            for control in layer.controls
            if isinstance(control, Sketch)
            for sketch in control.frames
        }

    def line_map(self, sketch: SketchFrame) -> np.ndarray:
        """A sketch frame as lines: float32 [height, width], 1 on a stroke, 0 on paper."""
        width, height = self._request.width, self._request.height
        if sketch.strokes is not None:
            from backend import raster  # skia costs a third of a second; pictures do without

            drawing = drawing_from_bytes(self._blobs.get(sketch.strokes.blob))
            line_px = max(SKETCH_LINE_PX * width / 512, 1.0)
            return raster.draw_lines(drawing, width=width, height=height, line_px=line_px)
        if sketch.picture is None:
            return np.zeros((height, width), np.float32)
        alpha = self._load_picture(sketch.picture).on_canvas(width, height)[..., 3]
        return alpha.astype(np.float32) / 255

    def check(self, plan: ShotPlan) -> None:
        """Look at all headers and all numbers before any work starts, decoding no picture.

        Raises `bad_package`, `bad_numbers`, `trajectory_outside`, `size` or `bad_picture`.
        """
        for layer in self._request.layers:
            if layer.role is Role.IGNORE:
                continue
            for part in (*layer.keys, *self.sketch_frames(layer).values()):
                self._check_header(part.picture)
                self._check_strokes(part.strokes, layer)
        for layer_plan in plan.layers:
            if layer_plan.gaps:
                self.tracks(layer_plan.layer)

    def _check_strokes(self, ref: ArrayRef | None, layer: Layer) -> None:
        if ref is None:
            return
        try:
            drawing_from_bytes(self._blobs.get(ref.blob))
        except AcetateError as error:
            if error.name == "bad_numbers":  # it names the array; the artist knows the layer
                raise AcetateError("bad_numbers", layer=layer.name, detail=str(error)) from error
            raise

    def _check_header(self, ref: PictureRef | None) -> None:
        if ref is None:
            return
        width, height = png_size(self._blobs.get(ref.blob))
        check_size(width, height)
        if (width, height) != (ref.width, ref.height):
            raise AcetateError("bad_package", where="a picture has another size than its entry")

    def _load_key(self, key: Key) -> Picture:
        if key.picture is not None:
            return self._load_picture(key.picture)
        drawing = self.key_strokes(key)
        if drawing is None:
            raise ValueError(f"the key at frame {key.frame} is empty")
        from backend import raster

        width, height = self._request.width, self._request.height
        margin_px = max(width, height) // 4
        return raster.draw(drawing, width=width, height=height, margin_px=margin_px)

    def _load_strokes(self, key: Key) -> Drawing | None:
        return drawing_from_bytes(self._blobs.get(key.strokes.blob)) if key.strokes else None

    def _load_picture(self, ref: PictureRef) -> Picture:
        self._check_header(ref)
        return Picture(decode_png(self._blobs.get(ref.blob)), ref.x, ref.y)

    def _load_tracks(self, layer: Layer, ref: ArrayRef) -> Tracks:
        arrays = load_arrays(self._blobs.get(ref.blob))
        if not {"frames", "points"} <= set(arrays):
            raise AcetateError("bad_package", where=f'the trajectory of "{layer.name}"')
        frames, points = arrays["frames"], arrays["points"]
        shape_fits = points.ndim == 3 and points.shape[2] == 2 and frames.shape == points.shape[:1]
        if not shape_fits or frames.dtype.kind not in "iu" or points.dtype.kind != "f":
            raise AcetateError("bad_package", where=f'the trajectory of "{layer.name}"')
        visible = arrays.get("visible", np.ones(points.shape[:2], np.bool_))
        if visible.shape != points.shape[:2] or (np.diff(frames.astype(np.int64)) <= 0).any():
            raise AcetateError("bad_package", where=f'the trajectory of "{layer.name}"')
        if not np.isfinite(points).all():
            raise AcetateError("bad_numbers", layer=layer.name)
        # A point that is not seen because it has left the picture is still where it is said to be.
        known = visible.astype(np.bool_) | ~self._inside(points)
        return Tracks(frames, points.astype(np.float32), known)

    def _check_inside(self, layer: Layer, tracks: Tracks) -> None:
        if not (self._inside(tracks.points) & tracks.known).any():
            raise AcetateError("trajectory_outside", layer=layer.name)

    def _inside(self, points: np.ndarray) -> np.ndarray:
        """Which points [..., 2] lie in the picture: bool [...]."""
        x, y = points[..., 0], points[..., 1]
        return (x >= 0) & (x < self._request.width) & (y >= 0) & (y < self._request.height)


def _cache_size(request: ShotRequest) -> int:
    """Decoded pictures to keep: as many as fit 160 MB at overscan, at least one."""
    return max(1, min(64, 160_000_000 // (request.width * request.height * 4 * 2)))
