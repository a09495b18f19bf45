"""A scene becomes a shot request: keys, roles, controls; the artist's file stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import bpy
import numpy as np
import pytest

from tests.blender import drawings
from tests.blender.conftest import Staged
from tests.blender.drawings import HEIGHT, WIDTH, disc, draw, grease_pencil, line
from tests.blender.export.deep_inventory import deep_inventory

if TYPE_CHECKING:
    from blender_addon.export.shot import ExportProgress
    from shared.blobs import MemoryBlobs
    from shared.errors import AcetateError
    from shared.shot import Layer, MotionScore, ShotRequest, Sketch, Spacing, Trajectory

pytestmark = pytest.mark.blender


class Exporter:
    """Exports the open scene with roles and controls given by layer name; fast by default."""

    def __init__(self, staged: Staged) -> None:
        self.settings = staged("scene.settings")
        self.shared = staged("shared.shot")
        self.shot = staged("export.shot")
        self.layers = staged("scene.layers")
        self.strokes = staged("shared.strokes")
        self.error: type[AcetateError] = staged("shared.errors").AcetateError
        self.blobs: MemoryBlobs = staged("shared.blobs").MemoryBlobs()
        self.roles: dict[str, str] = {}
        self.controls: dict[str, dict[str, object]] = {}

    def steps(self, start: int = 1, end: int = 5, **settings: object) -> list[ExportProgress]:
        """All steps of an export of these frames."""
        chosen = [
            self.settings.LayerSettings(
                found.id.object_name,
                found.id.layer_name,
                self.shared.Role(self.roles.get(found.name, found.suggested_role.value)),
                **self.controls.get(found.name, {}),
            )
            for found in self.layers.scan(bpy.context.scene)
        ]
        wanted = {"quality": self.settings.Quality.FAST, **settings}
        shot = self.settings.ShotSettings(start, end, **wanted)
        return list(self.shot.export_steps(bpy.context, shot, chosen, self.blobs))

    def request(self, start: int = 1, end: int = 5, **settings: object) -> ShotRequest:
        """The request of these frames."""
        request = self.steps(start, end, **settings)[-1].request
        assert request is not None
        return request

    def layer(self, name: str, start: int = 1, end: int = 5, **settings: object) -> Layer:
        """One layer of the request."""
        layers = self.request(start, end, **settings).layers
        return next(layer for layer in layers if layer.name == name)

    def tracks(self, layer: Layer) -> dict[str, np.ndarray]:
        """The arrays of a layer's trajectory."""
        trajectory = cast("Trajectory", _only(layer, "Trajectory"))
        return self.strokes.load_arrays(self.blobs.get(trajectory.tracks.blob))


def _only(layer: Layer, kind: str) -> object:
    (control,) = [one for one in layer.controls if type(one).__name__ == kind]
    return control


@pytest.fixture
def exporter(staged: Staged) -> Exporter:
    """An exporter of a fresh scene with one object, `Fox`."""
    drawings.new_scene()
    grease_pencil("Fox")
    return Exporter(staged)


def _fox() -> bpy.types.Object:
    return bpy.data.objects["Fox"]


def _two_keys(name: str = "body", frames: tuple[int, ...] = (1, 5)) -> None:
    for frame in frames:
        draw(_fox(), name, frame, [disc((40 + 5 * frame, 50), 15)])


def _animate(item: bpy.types.Object, **places: tuple[float, float, float]) -> None:
    for frame, place in places.items():
        item.location = place
        item.keyframe_insert("location", frame=int(frame[1:]))


def test_a_two_key_layer_is_sent_with_both_keys(exporter: Exporter) -> None:
    _two_keys()
    request = exporter.request()
    assert (request.width, request.height, request.fps) == (WIDTH, HEIGHT, 24.0)
    assert [key.frame for key in request.layers[0].keys] == [1, 5]
    strokes = [key.strokes for key in request.layers[0].keys]
    assert all(ref is not None and exporter.blobs.has(ref.blob) for ref in strokes)


def test_the_same_scene_gives_the_same_request(exporter: Exporter) -> None:
    _two_keys()
    assert exporter.request().sha256 == exporter.request().sha256


def test_the_key_in_effect_at_the_start_becomes_a_key_there(exporter: Exporter) -> None:
    _two_keys("body", (3, 9))
    draw(_fox(), "bg", -4, [disc((80, 50), 60)])
    layers = {layer.name: layer for layer in exporter.request(5, 9).layers}
    assert [key.frame for key in layers["body"].keys] == [5, 9]
    assert [key.frame for key in layers["bg"].keys] == [5]


@pytest.mark.parametrize(("role", "sent"), [("animate", [1, 3, 5]), ("hold", [1, 5])])
def test_two_equal_keys_are_a_hold_where_a_layer_is_animated(
    exporter: Exporter, role: str, sent: list[int]
) -> None:
    _two_keys()
    _fox().data.layers["body"].frames.copy(1, 3)
    _two_keys("other")
    exporter.roles["body"] = role
    assert [key.frame for key in exporter.layer("body").keys] == sent


def test_an_empty_key_is_sent_as_empty_with_a_warning(exporter: Exporter) -> None:
    _two_keys("body", (1, 3))
    draw(_fox(), "body", 5, [])
    last = exporter.steps()[-1]
    assert last.request is not None
    assert [key.is_empty for key in last.request.layers[0].keys] == [False, False, True]
    assert [warning.name for warning in last.warnings] == ["empty_key"]


def test_a_layer_with_empty_keys_alone_is_e105(exporter: Exporter) -> None:
    for frame in (1, 5):
        draw(_fox(), "arm", frame, [])
    exporter.roles["arm"] = "animate"
    with pytest.raises(exporter.error, match="E105"):
        exporter.request()


def test_a_scene_without_layers_is_e101(exporter: Exporter) -> None:
    bpy.data.objects.remove(_fox())
    with pytest.raises(exporter.error, match="E101"):
        exporter.request()


def test_nothing_set_to_animate_is_e101(exporter: Exporter) -> None:
    _two_keys()
    exporter.roles["body"] = "hold"
    with pytest.raises(exporter.error, match="E101"):
        exporter.request()


def test_seventeen_animated_layers_are_e104(exporter: Exporter) -> None:
    for index in range(17):
        _two_keys(f"layer {index}")
    with pytest.raises(exporter.error, match="E104"):
        exporter.request()


def test_no_camera_is_e106(exporter: Exporter) -> None:
    _two_keys()
    bpy.context.scene.camera = None
    with pytest.raises(exporter.error, match="E106"):
        exporter.request()


def test_one_key_without_a_path_is_e102(exporter: Exporter) -> None:
    draw(_fox(), "body", 1, [disc((50, 50), 15)])
    exporter.roles["body"] = "animate"
    exporter.controls["body"] = {
        "trajectory": exporter.settings.TrajectorySource(exporter.settings.TrajectoryKind.NONE)
    }
    with pytest.raises(exporter.error, match="E102"):
        exporter.request()


def test_frames_before_every_key_are_e102(exporter: Exporter) -> None:
    _two_keys("body", (20, 30))
    with pytest.raises(exporter.error, match="E102"):
        exporter.request(1, 5)


def test_a_tiny_picture_is_e107(exporter: Exporter) -> None:
    _two_keys()
    bpy.context.scene.render.resolution_percentage = 5
    with pytest.raises(exporter.error, match="E107"):
        exporter.request()


def test_points_that_are_not_numbers_are_e111(exporter: Exporter) -> None:
    _two_keys()
    stroke = _fox().data.layers["body"].frames[1].drawing.strokes[0]
    stroke.points[3].position = (float("nan"), 0.0, 0.0)
    with pytest.raises(exporter.error, match="E111"):
        exporter.request()


def test_hidden_layers_stay_behind_unless_given_a_role(exporter: Exporter) -> None:
    _two_keys()
    _two_keys("extra")
    _fox().data.layers["extra"].hide = True
    assert [layer.name for layer in exporter.request().layers] == ["body"]
    exporter.roles["extra"] = "animate"
    last = exporter.steps()[-1]
    assert last.request is not None
    assert [layer.name for layer in last.request.layers] == ["body", "extra"]
    assert [warning.name for warning in last.warnings] == ["hidden"]


def test_agx_gives_a_clear_warning(exporter: Exporter) -> None:
    _two_keys()
    bpy.context.scene.view_settings.view_transform = "AgX"
    (warning,) = exporter.steps()[-1].warnings
    assert warning.name == "view_transform"
    assert "AgX" in warning.text
    assert "Standard" in warning.text


def test_a_guide_becomes_the_sketch_of_another_layer(exporter: Exporter) -> None:
    _two_keys()
    for frame in (1, 3, 5, 9):
        draw(_fox(), "rough", frame, [line((10, 10), (10 + frame, 50))]).hide = True
    exporter.controls["body"] = {"sketch": exporter.settings.LayerId("Fox", "rough")}
    request = exporter.request()
    assert [layer.name for layer in request.layers] == ["body"]
    sketch = cast("Sketch", _only(request.layers[0], "Sketch"))
    assert [frame.frame for frame in sketch.frames] == [1, 3, 5]
    ref = sketch.frames[1].strokes
    assert ref is not None
    drawing = exporter.strokes.drawing_from_bytes(exporter.blobs.get(ref.blob))
    np.testing.assert_allclose(drawing.points, [[10, 10], [13, 50]], atol=0.01)


def test_object_motion_becomes_a_trajectory_in_camera_pixels(exporter: Exporter) -> None:
    draw(_fox(), "ball", 1, [disc((40, 50), 10)])
    _animate(_fox(), f1=(0.0, 0.0, 0.0), f5=(0.4, 0.0, 0.2))
    tracks = exporter.tracks(exporter.layer("ball"))
    assert tracks["frames"].tolist() == [1, 2, 3, 4, 5]
    assert tracks["points"].shape == (5, 1, 2)
    np.testing.assert_allclose(tracks["points"][0, 0], (40, 50), atol=0.1)
    np.testing.assert_allclose(tracks["points"][-1, 0], (80, 30), atol=0.1)
    assert tracks["visible"].all()


def test_a_turning_object_is_tracked_at_several_points(exporter: Exporter) -> None:
    draw(_fox(), "wheel", 1, [disc((80, 50), 20)])
    for frame, turn in ((1, 0.0), (5, 1.5)):
        _fox().rotation_euler.y = turn
        _fox().keyframe_insert("rotation_euler", frame=frame)
    tracks = exporter.tracks(exporter.layer("wheel"))
    assert tracks["points"].shape == (5, 5, 2)


def test_a_still_layer_has_no_trajectory(exporter: Exporter) -> None:
    _two_keys()
    assert exporter.layer("body").controls == ()


def test_a_moving_camera_moves_layers_and_redraws_held_ones(exporter: Exporter) -> None:
    _two_keys()
    draw(_fox(), "bg", 1, [disc((80, 50), 30)])
    _animate(bpy.context.scene.camera, f1=(0.0, -10.0, 0.0), f5=(0.2, -10.0, 0.0))
    layers = {layer.name: layer for layer in exporter.request().layers}
    moved = exporter.tracks(layers["body"])["points"]
    np.testing.assert_allclose(moved[-1, 0] - moved[0, 0], (-20, 0), atol=0.1)
    assert [key.frame for key in layers["bg"].keys] == [1, 2, 3, 4, 5]
    assert bpy.context.scene.frame_current == 1


def test_training_material_has_every_frame_of_what_the_camera_moves(exporter: Exporter) -> None:
    _two_keys()
    draw(_fox(), "bg", 1, [disc((80, 50), 30)])
    assert [key.frame for key in exporter.layer("body", every_frame=True).keys] == [1, 5]
    _animate(bpy.context.scene.camera, f1=(0.0, -10.0, 0.0), f5=(0.2, -10.0, 0.0))
    for layer in exporter.request(every_frame=True).layers:
        assert [key.frame for key in layer.keys] == [1, 2, 3, 4, 5]
        assert not layer.controls


def test_another_object_can_lead_a_layer(exporter: Exporter) -> None:
    _two_keys()
    leader = bpy.data.objects.new("leader", None)
    bpy.context.scene.collection.objects.link(leader)
    _animate(leader, f1=(-0.4, 0.0, 0.0), f5=(0.4, 0.0, 0.0))
    kind = exporter.settings.TrajectoryKind.TARGET
    exporter.controls["body"] = {"trajectory": exporter.settings.TrajectorySource(kind, "leader")}
    points = exporter.tracks(exporter.layer("body"))["points"]
    np.testing.assert_allclose(points[[0, -1], 0], [(40, 50), (120, 50)], atol=0.1)


def test_a_curve_can_be_the_path(exporter: Exporter) -> None:
    _two_keys()
    curve = bpy.data.curves.new("path", "CURVE")
    spline = curve.splines.new("POLY")
    spline.points.add(1)
    for point, place in zip(spline.points, [(-0.5, 0, 0, 1), (0.5, 0, 0.2, 1)], strict=True):
        point.co = place
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("path", curve))
    kind = exporter.settings.TrajectoryKind.PATH
    exporter.controls["body"] = {"trajectory": exporter.settings.TrajectorySource(kind, "path")}
    points = exporter.tracks(exporter.layer("body"))["points"][:, 0]
    np.testing.assert_allclose(points[[0, 2, -1]], [(30, 50), (80, 40), (130, 30)], atol=0.1)


def test_a_stroke_can_be_the_path(exporter: Exporter) -> None:
    _two_keys()
    draw(_fox(), "path guide", 1, [line((20, 20), (20, 60), (60, 60))])
    source = exporter.settings.TrajectorySource(
        exporter.settings.TrajectoryKind.PATH, "Fox", layer_name="path guide"
    )
    exporter.controls["body"] = {"trajectory": source}
    points = exporter.tracks(exporter.layer("body"))["points"][:, 0]
    np.testing.assert_allclose(points[[0, 2, -1]], [(20, 20), (20, 60), (60, 60)], atol=0.1)


def test_a_path_that_never_enters_the_picture_is_e108(exporter: Exporter) -> None:
    _two_keys()
    leader = bpy.data.objects.new("leader", None)
    bpy.context.scene.collection.objects.link(leader)
    _animate(leader, f1=(-9.0, 0.0, 0.0), f5=(-8.0, 0.0, 0.0))
    kind = exporter.settings.TrajectoryKind.TARGET
    exporter.controls["body"] = {"trajectory": exporter.settings.TrajectorySource(kind, "leader")}
    with pytest.raises(exporter.error, match="E108"):
        exporter.request()


def test_a_motion_score_is_sent(exporter: Exporter) -> None:
    _two_keys()
    exporter.controls["body"] = {"motion_score": 0.7}
    score = cast("MotionScore", _only(exporter.layer("body"), "MotionScore"))
    assert score.score == pytest.approx(0.7)


def test_a_spacing_is_sent(exporter: Exporter) -> None:
    _two_keys()
    exporter.controls["body"] = {"spacing": (0.1, 0.5)}
    assert cast("Spacing", _only(exporter.layer("body"), "Spacing")).chart == (0.1, 0.5)
    exporter.controls["body"] = {}
    assert not exporter.layer("body").controls


def test_names_with_umlauts_and_slashes_are_sent_as_they_are(exporter: Exporter) -> None:
    for name in ("Füße/links", "linker Arm"):
        _two_keys(name)
    assert [layer.name for layer in exporter.request().layers] == ["Füße/links", "linker Arm"]


def test_progress_counts_up_to_the_request(exporter: Exporter) -> None:
    _two_keys()
    steps = exporter.steps()
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert all(step.request is None for step in steps[:-1])
    assert steps[-1].done == steps[-1].total


def _artists_scene() -> None:
    """Something of everything that an export touches while it reads and renders."""
    _two_keys()
    draw(_fox(), "rough", 1, [line((10, 10), (50, 50))]).hide = True
    _fox().modifiers.new("more", "GREASE_PENCIL_SUBDIV")
    _fox().data.layers["body"].tint_factor = 0.5
    _animate(_fox(), f1=(0.0, 0.0, 0.0), f5=(0.4, 0.0, 0.2))
    extra = grease_pencil("Owl")
    draw(extra, "owl", 1, [disc((50, 50), 10)])
    extra.hide_set(True)
    bpy.context.scene.frame_set(3)


def test_an_export_leaves_every_value_of_the_file_as_it_was(exporter: Exporter) -> None:
    _artists_scene()
    before = deep_inventory()
    exporter.request(quality=exporter.settings.Quality.EXACT)
    assert deep_inventory() == before


def test_an_export_that_fails_midway_leaves_the_file_as_it_was(exporter: Exporter) -> None:
    _artists_scene()
    owl = bpy.data.objects["Owl"]
    draw(owl, "owl", 5, [line((10, 10), (20, 20))])
    broken = owl.data.layers["owl"].frames[-1].drawing.strokes[0].points[0]
    broken.position = (float("nan"), 0.0, 0.0)
    exporter.roles["owl"] = "animate"
    before = deep_inventory()
    with pytest.raises(exporter.error, match="E111"):
        exporter.request(quality=exporter.settings.Quality.EXACT)
    assert deep_inventory() == before


def test_a_layer_deleted_during_the_export_is_e116(exporter: Exporter, staged: Staged) -> None:
    settings, shared = exporter.settings, exporter.shared
    for done in range(1, 5):
        _two_keys()
        _animate(_fox(), f1=(0.0, 0.0, 0.0), f5=(0.4, 0.0, 0.2))
        layers = [settings.LayerSettings("Fox", "body", shared.Role.ANIMATE)]
        shot = settings.ShotSettings(1, 5, quality=settings.Quality.FAST)
        steps = iter(staged("export.shot").export_steps(bpy.context, shot, layers, exporter.blobs))
        for _ in range(done):
            assert next(steps).request is None
        _fox().data.layers.remove(_fox().data.layers["body"])
        with pytest.raises(exporter.error, match='E116 There is no layer "Fox/body"'):
            list(steps)


def test_nothing_is_left_in_the_file_between_two_steps(exporter: Exporter, staged: Staged) -> None:
    _artists_scene()
    before = deep_inventory()
    settings, shared = exporter.settings, exporter.shared
    layers = [settings.LayerSettings("Fox", "body", shared.Role.ANIMATE)]
    shot = settings.ShotSettings(1, 5)
    for step in staged("export.shot").export_steps(bpy.context, shot, layers, exporter.blobs):
        assert deep_inventory() == before, step.text


def test_a_full_disk_is_e501_and_leaves_nothing_behind(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch, staged: Staged
) -> None:
    _artists_scene()
    before = deep_inventory()

    def full_disk(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(staged("export.render"), "_read_back", full_disk)
    with pytest.raises(exporter.error, match="E501"):
        exporter.request(quality=exporter.settings.Quality.EXACT)
    assert deep_inventory() == before


@pytest.mark.parametrize("broken", ["Fox", "Camera"])
def test_a_place_that_is_no_number_is_e111(exporter: Exporter, broken: str) -> None:
    _two_keys()
    item = bpy.data.objects[broken]
    holder = bpy.data.objects.new("holder", None)
    bpy.context.scene.collection.objects.link(holder)
    item.parent = holder
    inverse = item.matrix_parent_inverse.copy()
    inverse[0][3] = float("nan")
    item.matrix_parent_inverse = inverse
    with pytest.raises(exporter.error, match="E111") as caught:
        exporter.request()
    assert caught.value.name == "bad_numbers"


def test_a_trajectory_that_is_no_number_is_e111(exporter: Exporter) -> None:
    _two_keys()
    leader, holder = bpy.data.objects.new("leader", None), bpy.data.objects.new("holder", None)
    for item in (leader, holder):
        bpy.context.scene.collection.objects.link(item)
    leader.parent = holder
    inverse = leader.matrix_parent_inverse.copy()
    inverse[0][3] = float("nan")
    leader.matrix_parent_inverse = inverse
    source = exporter.settings.TrajectorySource(exporter.settings.TrajectoryKind.TARGET, "leader")
    exporter.controls["body"] = {"trajectory": source}
    with pytest.raises(exporter.error, match="E111") as caught:
        exporter.request()
    assert caught.value.name == "bad_numbers"


def test_seven_animated_layers_are_sent_together(exporter: Exporter) -> None:
    names = [f"part {number}" for number in range(7)]
    for name in names:
        _two_keys(name)
        exporter.roles[name] = "animate"
    layers = exporter.request().layers
    assert sorted(layer.name for layer in layers) == names
    assert all(len(layer.keys) == 2 for layer in layers)
