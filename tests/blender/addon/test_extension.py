"""The extension as a guest: it installs, names everything, draws idly and leaves no trace."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import socket
import threading
import zipfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

import pytest

pytest.importorskip("bpy")

import bpy

from build_steps import addon as addon_build
from tests.blender.addon.conftest import PACKAGE, ROOT, Part
from tests.blender.addon.processes import open_files, own_children
from tests.blender.addon.scenes import draw_scene

if TYPE_CHECKING:
    from blender_addon.session import Session

pytestmark = pytest.mark.blender


def test_the_zip_is_the_same_whenever_it_is_built(extension_zip: Path, tmp_path: Path) -> None:
    platform = extension_zip.stem.partition("0.1.0-")[2]
    again = addon_build.build(ROOT, tmp_path, [platform])[0]
    assert again.read_bytes() == extension_zip.read_bytes()


def test_the_zip_carries_shared_unmodified_wheels_and_no_leftovers(extension_zip: Path) -> None:
    with zipfile.ZipFile(extension_zip) as archive:
        names = archive.namelist()
        for wheel in [name for name in names if name.endswith(".whl")]:
            cached = next((ROOT / ".cache/wheels").rglob(Path(wheel).name))
            assert archive.read(wheel) == cached.read_bytes()
        manifest = archive.read("blender_manifest.toml").decode()
    assert "shared/client.py" in names
    assert not [name for name in names if "__pycache__" in name or "test" in name]
    for tag in ("cp311-cp311", "cp313-cp313", "cp314-cp314", "cp312-abi3"):
        assert tag in manifest


def test_twenty_registrations_leave_nothing_behind(extension: ModuleType) -> None:
    extension.unregister()
    before = _traces()
    session = importlib.import_module(f"{PACKAGE}.runtime").session
    for _ in range(20):
        extension.register()
        session().disconnect()  # an order, so that the link really runs
        assert session().link_pid in own_children()
        extension.unregister()
    after = _traces()
    extension.register()
    assert after == before
    assert not hasattr(bpy.types.WindowManager, "acetate")


def _traces() -> dict[str, object]:
    handlers = {
        name: [str(handler) for handler in getattr(bpy.app.handlers, name)]
        for name in dir(bpy.app.handlers)
        if isinstance(getattr(bpy.app.handlers, name), list)
    }
    return {
        "handlers": handlers,
        "classes": [name for name in dir(bpy.types) if name.startswith("ACETATE")],
        "operators": dir(bpy.ops.acetate),
        "property": hasattr(bpy.types.Scene, "acetate"),
        "threads": threading.enumerate(),
        "processes": own_children(),
        "files": open_files(),
        "timers": bpy.app.timers.is_registered(importlib.import_module(f"{PACKAGE}.runtime").tick),
    }


def test_names_and_tooltips_are_short_sentences_without_full_stop(extension: ModuleType) -> None:
    texts = [
        getattr(bpy.ops.acetate, name).get_rna_type().description for name in dir(bpy.ops.acetate)
    ]
    properties = importlib.import_module(f"{PACKAGE}.properties")
    for cls in properties.CLASSES:
        own = [prop for prop in cls.bl_rna.properties if prop.identifier in cls.__annotations__]
        texts += [prop.description for prop in own if prop.type != "COLLECTION"]
    assert len(texts) > 40
    assert [text for text in texts if not text or text.endswith(".") or len(text) > 90] == []


def test_drawing_and_polling_touch_neither_sockets_nor_files(
    extension: ModuleType, saved_file: Path, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> NoReturn:
        raise AssertionError("work in draw or poll")

    session = part("runtime").session()
    error = part("shared.errors").AcetateError("no_camera", detail="a detail\nin two lines")
    session.fail(error)
    _furnish_session(session, part, saved_file.parent)
    layout = _FakeLayout()
    panels = [cls for cls in part("panels").CLASSES if issubclass(cls, bpy.types.Panel)]
    with monkeypatch.context() as patched:
        patched.setattr(builtins, "open", forbidden)
        patched.setattr(socket, "socket", forbidden)
        for panel in panels:
            if not hasattr(panel, "poll") or panel.poll(bpy.context):
                panel.draw(_Drawn(layout), bpy.context)
        _draw_rows(part, layout)
        assert bpy.ops.acetate.take_apply.poll()
        assert bpy.ops.acetate.job_cancel.poll()
    session.jobs.clear()
    session.dismiss()
    assert {"The scene has no camera", "a detail in two lines"} <= set(layout.texts)
    assert "acetate.generate" in layout.operators
    assert {"figure", "bg", "Take 7", "layer-motion"} <= set(layout.texts)
    assert [text for text in layout.texts if text.endswith("seed 0")] == [
        f"Take {number} · seed 0" for number in (3, 4, 5)
    ]
    assert "2 more" in layout.texts
    assert {"a note that is said", "2 more in the take's manifest.json"} <= set(layout.texts)


def _furnish_session(session: Session, part: Part, folder: Path) -> None:
    """Layers, two jobs that are over, five that are not, and a take in the open file."""
    draw_scene()
    bpy.ops.acetate.layers_sync()
    shot = bpy.context.scene.acetate
    shot.layers["figure"].use_motion, shot.layers["figure"].sketch = True, "bg"
    row = shot.take_list.add()
    row.name, row.number, row.engine = "take_007", 7, "layer-motion"
    row.notes = "\n".join(["a note that is said", *(f"more {number}" for number in range(9))])
    jobs, tracked = part("link.jobs"), part("session").Tracked
    for number in range(1, 8):
        state = jobs.JobState.DONE if number < 3 else jobs.JobState.QUEUED
        view = jobs.JobView(key=str(number), take="take_001", number=number, state=state)
        session.jobs[view.key] = tracked(view, bpy.context.scene.session_uid, folder)


def _draw_rows(part: Part, layout: _FakeLayout) -> None:
    """The rows of both lists, which Blender draws itself."""
    shot = bpy.context.scene.acetate
    for cls in part("panels").CLASSES:
        rows = shot.layers if cls.__name__ == "ACETATE_UL_layers" else shot.take_list
        for row in rows if issubclass(cls, bpy.types.UIList) else ():
            cls.draw_item(None, bpy.context, layout, shot, row, 0, shot, "")


def test_without_layers_jobs_and_takes_nothing_can_be_applied_or_cancelled(
    saved_file: Path, part: Part
) -> None:
    part("runtime").session().jobs.clear()
    assert not bpy.ops.acetate.take_apply.poll()
    assert not bpy.ops.acetate.job_cancel.poll()


class _Drawn:
    """What a panel's `draw` sees of itself."""

    def __init__(self, layout: _FakeLayout) -> None:
        self.layout = layout


class _FakeLayout:
    """Counts what is drawn: Blender itself draws panels only in a window (see tests/gui)."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.operators: list[str] = []

    def __getattr__(self, name: str) -> object:
        return lambda *args, **kwargs: self._called(name, args, kwargs)

    def _called(
        self, name: str, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> _FakeLayout:
        self.texts.append(str(kwargs.get("text", "")))
        if name == "operator":
            self.operators.append(str(args[0]))
        return self


def test_the_shortcuts_are_free_in_blenders_own_key_map(extension: ModuleType) -> None:
    keymap = importlib.import_module(f"{PACKAGE}.keymap")
    wanted = {(key, ctrl, shift, alt) for _, key, ctrl, shift, alt in keymap.BINDINGS}
    maps = [name for name, _ in keymap.EDITORS]
    defaults = _default_shortcuts()
    for name in [*maps, "Window", "Screen", "Object Mode"]:
        assert len(defaults[name]) > 3, name
        assert not defaults[name] & wanted, name


def _default_shortcuts() -> dict[str, set[tuple[str, bool, bool, bool]]]:
    """Blender's own key map as it ships: name -> (key, ctrl, shift, alt)."""
    folder = Path(bpy.utils.preset_paths("keyconfig")[0]) / "keymap_data"
    spec = importlib.util.spec_from_file_location("shipped", folder / "blender_default.py")
    assert spec is not None
    assert spec.loader is not None
    shipped = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shipped)
    found: dict[str, set[tuple[str, bool, bool, bool]]] = {}
    for name, _, content in shipped.generate_keymaps():
        events = [event for _, event, _ in content["items"] if event["value"] == "PRESS"]
        found[name] = {
            (one["type"], bool(one.get("ctrl")), bool(one.get("shift")), bool(one.get("alt")))
            for one in events
        }
    return found


def test_shortcuts_that_were_switched_off_stay_off_at_the_next_start(extension: ModuleType) -> None:
    keymap = importlib.import_module(f"{PACKAGE}.keymap")
    chosen = bpy.context.preferences.addons[PACKAGE].preferences
    chosen.use_keymap = False
    try:
        extension.unregister()
        extension.register()
        items = [
            item
            for found in bpy.context.window_manager.keyconfigs.addon.keymaps
            for item in found.keymap_items
            if item.idname in {binding[0] for binding in keymap.BINDINGS}
        ]
        assert len(items) == len(keymap.BINDINGS) * len(keymap.EDITORS)
        assert not any(item.active for item in items)
    finally:
        bpy.context.preferences.addons[PACKAGE].preferences.use_keymap = True
    assert all(item.active for item in items)


def test_no_button_is_given_what_another_button_said(extension: ModuleType) -> None:
    """Blender hands an operator's last values to the next button that does not name them."""
    del extension
    remembered = {
        f"{name}.{prop.identifier}"
        for name in dir(bpy.ops.acetate)
        for prop in getattr(bpy.ops.acetate, name).get_rna_type().properties
        if prop.identifier != "rna_type" and not prop.is_skip_save
    }
    assert remembered == {"export_package.filepath", "export_package.filter_glob"}


def test_every_offered_placement_says_where_it_is_seen(part: Part) -> None:
    place = part("takes.place")
    offered = [place.Placement(row[0]) for row in part("properties").PLACEMENTS]
    assert offered == list(place.SEEN_IN)


def test_every_offered_fix_can_be_done(part: Part) -> None:
    fixes, catalogue = part("fixes").FIXES, part("shared.errors").CATALOGUE
    offered = {row.fix for row in catalogue.values() if row.fix}
    assert offered == set(fixes)
    assert all(bool(row.fix) == bool(row.fix_label) for row in catalogue.values())
    assert not any("{" in row.fix_label for row in catalogue.values())
