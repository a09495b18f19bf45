"""Promises of a take's strokes: they are what its pictures show, and none stand for pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from backend import raster
from backend.pipeline.context import LocalContext
from backend.pipeline.execute import execute
from backend.pipeline.output_folder import write_result
from shared.blobs import MemoryBlobs
from shared.result import result_from_json
from shared.shot import ArrayRef, Key, Layer, Look, Role
from shared.strokes import drawing_from_bytes, drawing_to_bytes
from tests.backend.layer_motion.strokes.puppet import drawing, puppet
from tests.backend.pipeline.shots import ShotBuilder, layer_pixels, walking_disc

WIDTH, HEIGHT = 384, 256


def test_strokes_come_back_for_every_frame_and_draw_the_pictures(tmp_path: Path) -> None:
    builder = walking_disc(ShotBuilder(WIDTH, HEIGHT))
    keys = {1: drawing(puppet(0)), 9: drawing(puppet(1))}
    made = tuple(
        Key(frame=frame, strokes=ArrayRef(blob=builder.blobs.put(drawing_to_bytes(strokes))))
        for frame, strokes in keys.items()
    )
    builder.layers.append(Layer(name="pup", order=1, role=Role.ANIMATE, keys=made))
    results = MemoryBlobs()
    request = builder.request(look=Look(engine="layer-motion"), exposure=2)
    manifest = execute(request, builder.blobs, results, LocalContext())
    disc, pup = manifest.layers
    assert disc.strokes == ()
    assert len(pup.strokes) == 9
    assert pup.strokes[2] == pup.strokes[3]  # on twos
    for frame in (1, 3, 9):
        strokes = drawing_from_bytes(results.get(pup.strokes[frame - 1] or ""))
        drawn = raster.draw(strokes, width=WIDTH, height=HEIGHT, margin_px=96)
        seen = layer_pixels(manifest, results, "pup", frame)
        assert np.array_equal(drawn.on_canvas(WIDTH, HEIGHT), seen)
    write_result(manifest, results, tmp_path / "out")
    files = sorted(path.name for path in (tmp_path / "out" / "strokes" / "pup").iterdir())
    assert files == [f"{frame:04d}.npz" for frame in range(1, 10)]
    assert [path.name for path in (tmp_path / "out" / "strokes").iterdir()] == ["pup"]
    assert result_from_json((tmp_path / "out" / "manifest.json").read_bytes()) == manifest
    write_result(manifest, results, tmp_path / "out", force=True)
