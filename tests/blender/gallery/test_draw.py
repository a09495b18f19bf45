"""The gallery's scenes hold what a shot says, and the committed packages are what Blender draws."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest

from shared.blobs import MemoryBlobs
from shared.package import read_package
from shared.shot import Layer, ShotRequest, Sketch, Trajectory
from shared.strokes import Drawing, drawing_from_bytes
from training.gallery import draw
from training.gallery.easel import to_world
from training.gallery.ink import HEIGHT, WIDTH
from training.gallery.scene import BACKDROP, DRAWINGS, build_scene, path_name, rough_name
from training.gallery.shot import GalleryShot
from training.gallery.shots import all_shots

pytestmark = pytest.mark.blender
SHOTS = {shot.name: shot for shot in all_shots()}


@pytest.fixture(scope="module", autouse=True)
def exporter() -> Iterator[None]:
    """The extension's own exporter, staged once."""
    with draw.exporter():
        yield


def _open(shot: GalleryShot, *, fine: bool = False) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    build_scene(shot, fine=fine)


def _keys(layer: str, item: str = DRAWINGS) -> list[int]:
    return [key.frame_number for key in bpy.data.objects[item].data.layers[layer].frames]


def test_a_scene_holds_the_artists_keys_roughs_and_paths() -> None:
    shot = SHOTS["ball"]
    _open(shot)
    ball = shot.layers[-1]
    assert _keys("court", BACKDROP) == [1]
    assert _keys("ball") == [1, 6, 7, 8, 13]
    assert _keys(rough_name(ball)) == [4, 10]
    assert ball.path is not None
    bpy.context.scene.frame_set(7)
    path = bpy.data.objects[path_name(ball)]
    place = to_world(np.array([ball.path(7)]), (WIDTH, HEIGHT))[0]
    assert np.allclose(path.matrix_world.translation, place, atol=1e-5)


def test_the_truth_has_a_key_at_every_frame_and_no_guides() -> None:
    _open(SHOTS["ball"], fine=True)
    assert _keys("ball") == list(range(1, 14))
    names = [layer.name for layer in bpy.data.objects[DRAWINGS].data.layers]
    assert not [name for name in names if name.endswith("rough")]


def _drawings(layer: Layer, blobs: MemoryBlobs) -> list[Drawing]:
    return [drawing_from_bytes(blobs.get(key.strokes.blob)) for key in layer.keys if key.strokes]


def _read(data: bytes, folder: Path) -> tuple[ShotRequest, MemoryBlobs]:
    target = folder / "package.zip"
    target.write_bytes(data)
    return read_package(target)


@pytest.mark.parametrize("fine", [False, True], ids=["given", "truth"])
@pytest.mark.parametrize("name", ["border", "pan", "frog"])
def test_the_committed_packages_are_what_blender_draws(
    name: str, fine: bool, tmp_path: Path
) -> None:
    _open(SHOTS[name], fine=fine)
    made, made_blobs = _read(draw.export(SHOTS[name], fine=fine), tmp_path)
    stored, blobs = read_package(draw.SHOTS / f"{name}{'-truth' if fine else ''}.zip")
    assert (made.width, made.height, made.start, made.end) == (
        stored.width, stored.height, stored.start, stored.end,
    )  # fmt: skip
    for one, other in zip(made.layers, stored.layers, strict=True):
        assert (one.name, one.role, one.order) == (other.name, other.role, other.order)
        assert [key.frame for key in one.keys] == [key.frame for key in other.keys]
        pairs = zip(_drawings(one, made_blobs), _drawings(other, blobs), strict=True)
        for first, second in pairs:
            assert np.array_equal(first.offsets, second.offsets)
            assert np.allclose(first.points, second.points, atol=0.01)
            assert np.allclose(first.fill_colour, second.fill_colour, atol=1e-3)


def test_given_and_truth_are_the_same_drawing_where_nothing_was_drawn_anew(tmp_path: Path) -> None:
    shot = SHOTS["crane"]
    _open(shot)
    given, blobs = _read(draw.export(shot, fine=False), tmp_path)
    layer = next(layer for layer in given.layers if layer.name == "crane")
    strokes = shot.layers[2].draw(17)
    last = _drawings(layer, blobs)[-1]
    assert np.array_equal(np.diff(last.offsets), [len(stroke.points) for stroke in strokes])
    assert np.allclose(last.points, 2 * np.concatenate([s.points for s in strokes]), atol=0.01)


def test_controls_travel_with_the_artists_package_only(tmp_path: Path) -> None:
    _open(SHOTS["ball"])
    given, _ = _read(draw.export(SHOTS["ball"], fine=False), tmp_path)
    kinds = {type(control) for layer in given.layers for control in layer.controls}
    assert kinds == {Sketch, Trajectory}
    _open(SHOTS["ball"], fine=True)
    truth, _ = _read(draw.export(SHOTS["ball"], fine=True), tmp_path)
    assert not [control for layer in truth.layers for control in layer.controls]
    assert [key.frame for key in truth.layers[-1].keys] == list(SHOTS["ball"].judged)
