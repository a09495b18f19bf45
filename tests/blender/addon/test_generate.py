"""From a drawn scene to a placed take by the operators that an artist's clicks run."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy

from tests.blender.addon.conftest import Part
from tests.blender.addon.inventory import inventory
from tests.blender.addon.renders import read_picture, render_frame
from tests.blender.addon.scenes import FIRST, LAST, draw, draw_scene
from tests.blender.addon.server import RunningServer, free_port

if TYPE_CHECKING:
    from blender_addon.export.shot import ExportProgress
    from blender_addon.session import Session

pytestmark = pytest.mark.blender


@pytest.fixture
def session(part: Part, saved_file: Path) -> Iterator[Session]:
    """The session, without connection, jobs and errors."""
    running = part("runtime").session()
    running.disconnect()
    running.jobs.clear()
    running.dismiss()
    yield running
    running.cancel()
    running.disconnect()


@pytest.fixture
def drawn(saved_file: Path) -> bpy.types.Object:
    """The saved file with a drawing in it."""
    art = draw_scene()
    bpy.context.scene.acetate.engine = "layer-motion"
    bpy.ops.wm.save_mainfile()
    return art


def test_one_call_brings_a_take_from_a_drawn_scene(
    session: Session, drawn: bpy.types.Object, server: RunningServer, part: Part
) -> None:
    before = inventory()
    assert bpy.ops.acetate.generate(timeout_s=120) == {"FINISHED"}
    scene = bpy.context.scene
    take = part("takes.library").read_take(
        Path(bpy.path.abspath(scene.acetate.take_list[0].folder))
    )
    assert [layer.name for layer in take.manifest.layers] == ["bg", "figure"]
    assert (take.manifest.start, take.manifest.end) == (FIRST, LAST)
    assert take.manifest.layers[1].painted
    bpy.ops.acetate.take_apply(placement="compositor")
    bpy.ops.acetate.take_apply(placement="planes")
    after = inventory()
    mine = [name for name in before if not name.startswith(("scenes/", "node/"))]
    assert {name: after.get(name) for name in mine} == {name: before[name] for name in mine}


def test_untouched_drawings_come_back_as_blender_itself_renders_them(
    session: Session, drawn: bpy.types.Object, server: RunningServer, tmp_path: Path
) -> None:
    bpy.context.scene.camera.data.type = "ORTHO"
    bpy.ops.acetate.generate(timeout_s=120)
    folder = Path(bpy.path.abspath(bpy.context.scene.acetate.take_list[0].folder)) / "layers"
    for layer in drawn.data.layers:
        layer.use_lights = False
    for name, frame in (("bg", FIRST), ("bg", 5), ("figure", FIRST), ("figure", LAST)):
        for layer in drawn.data.layers:
            layer.hide = layer.name != name
        rendered = render_frame(frame, tmp_path / "own.png")
        np.testing.assert_array_equal(read_picture(folder / name / f"{frame:04d}.png"), rendered)


def test_a_click_returns_at_once_and_the_ticks_bring_the_take(
    session: Session, drawn: bpy.types.Object, server: RunningServer
) -> None:
    session.generate(bpy.context)  # what the click does; without a window no operator is invoked
    assert session.export is not None
    until = time.monotonic() + 90.0
    while not bpy.context.scene.acetate.take_list:
        assert time.monotonic() < until, (session.error, session.jobs)
        assert session.error is None
        session.pump()
        time.sleep(0.01)


def test_what_went_otherwise_stands_with_the_take_in_every_session(
    session: Session, drawn: bpy.types.Object, server: RunningServer, part: Part
) -> None:
    draw(drawn, "bird", FIRST, [(-1.0, 0.6), (-0.2, 0.6), (-0.6, 1.0)], material=1)
    for x in (1.0, 1.05):  # specks: one stroke more than the bird has, and next to nothing to see
        draw(drawn, "bird", LAST, [(x, 0.6), (x + 0.01, 0.6), (x, 0.61)], material=1)
    bpy.ops.acetate.generate(timeout_s=120)
    rows = bpy.context.scene.acetate.take_list
    assert '"bird"' in rows[0].notes
    assert "fades out" in rows[0].notes
    assert rows[0].notes.splitlines() == session.warnings
    rows[0].notes = ""  # as in a file that an earlier version saved
    take = part("takes.library").read_take(Path(bpy.path.abspath(rows[0].folder)))
    row = part("takes.library").row_of(take)
    part("scene_state").add_take(bpy.context.scene, row)
    assert len(rows) == 1
    assert "fades out" in rows[0].notes


def test_a_spacing_chosen_in_the_panel_changes_request_and_drawings(
    session: Session, drawn: bpy.types.Object, server: RunningServer, part: Part
) -> None:
    folders: dict[str, Path] = {}
    bpy.ops.acetate.layers_sync()
    for spacing in ("even", "slow_in"):
        bpy.context.scene.acetate.layers["figure"].spacing = spacing
        bpy.ops.acetate.generate(timeout_s=120)
        folder = Path(bpy.path.abspath(bpy.context.scene.acetate.take_list[0].folder))
        request = part("shared.shot").shot_from_json((folder / "request.json").read_bytes())
        (figure,) = [layer for layer in request.layers if layer.name == "figure"]
        assert [one.chart.value for one in figure.controls] == [spacing]
        folders[spacing] = folder / "layers" / "figure"
    early = f"{FIRST + 2:04d}.png"
    even, slow_in = (_middle_px(read_picture(folders[name] / early)) for name in folders)
    assert slow_in > even + 3  # slow in: most of the way is gone early
    for frame in (FIRST, LAST):
        one, other = (read_picture(folders[name] / f"{frame:04d}.png") for name in folders)
        np.testing.assert_array_equal(one, other)


def _middle_px(pixels: np.ndarray) -> float:
    """Where the art lies across: pixels [h, w, 4] -> column."""
    weight = pixels[..., 3].astype(float).sum(axis=0)
    return float(weight @ np.arange(len(weight)) / weight.sum())


def test_takes_differ_by_seed_and_are_each_a_job(
    session: Session, drawn: bpy.types.Object, server: RunningServer
) -> None:
    shot = bpy.context.scene.acetate
    shot.takes, shot.seed, shot.seed_lock = 2, 7, True
    bpy.ops.acetate.generate(timeout_s=120)
    assert sorted(row.seed for row in shot.take_list) == [7, 8]
    assert [row.number for row in shot.take_list] == [2, 1]
    shot.seed, shot.range = 0, "scene"
    bpy.ops.acetate.take_reuse(take=shot.take_list[0].name)
    assert (shot.seed, shot.seed_lock, shot.range) == (8, True, "custom")
    bpy.ops.acetate.take_discard(take=shot.take_list[0].name)
    assert [row.number for row in shot.take_list] == [1]


def test_cancel_during_the_export_leaves_no_job_and_no_take_folder(
    session: Session, drawn: bpy.types.Object, saved_file: Path
) -> None:
    session.generate(bpy.context)
    session.pump()
    bpy.ops.acetate.job_cancel()
    session.pump()
    assert session.export is None
    assert session.jobs == {}
    assert not (saved_file.parent / "takes").exists()


def test_the_export_reads_the_view_layer_in_which_it_was_asked_for(
    session: Session, drawn: bpy.types.Object, part: Part
) -> None:
    scene = bpy.context.scene
    second = scene.view_layers.new("Second")
    with bpy.context.temp_override(scene=scene, view_layer=second):
        session.generate(bpy.context)
    assert session.export is not None
    seen: list[str] = []

    def steps() -> Iterator[ExportProgress]:
        while True:
            seen.append(bpy.context.view_layer.name)
            yield part("export.shot").ExportProgress(0, 1, "")

    session.drop_export()
    with bpy.context.temp_override(scene=scene, view_layer=second):
        session.generate(bpy.context)
    assert session.export is not None
    session.export.steps = steps()
    session.pump()
    scene.view_layers.remove(second)
    session.pump()
    session.drop_export()
    assert seen == ["Second", scene.view_layers[0].name]


def test_a_full_disk_is_said_when_a_take_has_no_room(
    session: Session,
    drawn: bpy.types.Object,
    saved_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole_mkdir = Path.mkdir

    def mkdir(
        path: Path, mode: int = 0o777, *, parents: bool = False, exist_ok: bool = False
    ) -> None:
        if path.name.startswith("take_"):
            raise OSError(errno.ENOSPC, "No space left on device")
        whole_mkdir(path, mode, parents=parents, exist_ok=exist_ok)

    # The one thing that a test cannot do to a disk that others use too is to fill it.
    monkeypatch.setattr(Path, "mkdir", mkdir)
    _refused("E501")
    assert session.error is not None
    assert "No space left" in session.error["detail"]
    assert session.error["fix"] == "save_as"
    assert session.jobs == {}
    assert list((saved_file.parent / "takes").iterdir()) == []


def _refused(code: str) -> None:
    with pytest.raises(RuntimeError, match=code):
        bpy.ops.acetate.generate(timeout_s=60)


def _fix(session: Session) -> None:
    assert session.error is not None
    assert len(session.error["text"]) <= 80
    assert session.error["hint"]
    bpy.ops.acetate.error_fix()
    assert session.error is None


def test_without_a_camera_the_fix_adds_one(session: Session, drawn: bpy.types.Object) -> None:
    bpy.data.objects.remove(bpy.context.scene.camera)
    _refused("E106")
    _fix(session)
    assert bpy.context.scene.camera is not None


def test_an_empty_scene_is_refused(session: Session) -> None:
    _refused("E101")
    assert session.error is not None
    assert session.error["fix"] == "layers_sync"


def test_outside_all_keys_the_fix_jumps_to_a_gap(session: Session, drawn: bpy.types.Object) -> None:
    scene = bpy.context.scene
    scene.acetate.mode = "interpolate"
    scene.frame_set(LAST + 40)
    _refused("E102")
    _fix(session)
    assert scene.frame_current == FIRST


def test_an_unsaved_file_is_refused_unless_a_temporary_folder_is_allowed(
    session: Session, part: Part
) -> None:
    bpy.ops.wm.read_homefile(use_empty=True)
    _refused("E109")
    assert session.error is not None
    assert session.error["fix"] == "save_as"
    chosen = bpy.context.preferences.addons[part("preferences").PACKAGE].preferences
    chosen.allow_temporary = True
    try:
        _refused("E106")
    finally:
        chosen.allow_temporary = False


def test_seventeen_animated_layers_are_refused_and_the_fix_holds_one(
    session: Session, drawn: bpy.types.Object
) -> None:
    for index in range(16):
        for frame in (FIRST, LAST):
            draw(drawn, f"part {index}", frame, [(0.0, 0.0), (0.2, 0.0), (0.1, 0.2)])
    bpy.context.scene.acetate.quality = "fast"
    _refused("E104")
    _fix(session)
    roles = [row.role for row in bpy.context.scene.acetate.layers]
    assert roles.count("animate") == 16


def test_without_a_server_the_error_offers_to_start_one(
    session: Session, drawn: bpy.types.Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACETATE_SERVER", f"tcp://127.0.0.1:{free_port()}")
    _refused("E201")
    assert session.error is not None
    assert session.error["fix"] == "server_start"


def test_roles_chosen_by_hand_survive_a_scan(session: Session, drawn: bpy.types.Object) -> None:
    bpy.ops.acetate.layers_sync()
    shot = bpy.context.scene.acetate
    assert [(row.name, row.role) for row in shot.layers] == [
        ("figure", "animate"),
        ("bg", "background"),
    ]
    bpy.ops.acetate.layer_role(layer="figure", role="hold")
    drawn.data.layers.new("above")
    bpy.ops.acetate.layers_sync()
    assert shot.layers["figure"].role == "hold"
    assert [row.name for row in shot.layers] == ["above", "figure", "bg"]


def test_the_list_follows_the_drawing_by_itself(session: Session, drawn: bpy.types.Object) -> None:
    until = time.monotonic() + 10.0
    session.scene_changed()
    while len(bpy.context.scene.acetate.layers) != 2:
        assert time.monotonic() < until
        session.pump()
        time.sleep(0.02)


def test_a_package_is_written_without_any_server(
    session: Session, drawn: bpy.types.Object, tmp_path: Path, part: Part
) -> None:
    target = tmp_path / "shot.zip"
    bpy.ops.acetate.layers_sync()
    bpy.ops.acetate.export_package(filepath=str(target))
    request, _ = part("shared.package").read_package(target)
    assert [layer.name for layer in request.stack] == ["bg", "figure"]


def test_diagnostics_name_versions_states_and_the_last_error(
    session: Session, drawn: bpy.types.Object, part: Part
) -> None:
    bpy.context.scene.camera = None
    _refused("E106")
    text = part("diagnostics").collect(bpy.context, session)
    assert bpy.app.version_string in text
    assert "E106" in text
    assert str(Path.home()) not in text
