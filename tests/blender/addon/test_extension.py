"""The extension as a guest: it installs, names everything, draws idly and leaves no trace."""

from __future__ import annotations

import builtins
import importlib
import socket
import threading
import zipfile
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

pytest.importorskip("bpy")

import bpy

from build_steps import addon as addon_build
from tests.blender.addon.conftest import PACKAGE, ROOT, Part

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
    for _ in range(20):
        extension.register()
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
        "threads": [one.name for one in threading.enumerate() if one.name.startswith("acetate")],
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
    session.fail(part("shared.errors").AcetateError("no_camera"))
    layout = _FakeLayout()
    panels = [cls for cls in part("panels").CLASSES if issubclass(cls, bpy.types.Panel)]
    with monkeypatch.context() as patched:
        patched.setattr(builtins, "open", forbidden)
        patched.setattr(socket, "socket", forbidden)
        for panel in panels:
            if not hasattr(panel, "poll") or panel.poll(bpy.context):
                panel.draw(_Drawn(layout), bpy.context)
        assert not bpy.ops.acetate.take_apply.poll()
        assert not bpy.ops.acetate.job_cancel.poll()
    session.dismiss()
    assert "The scene has no camera" in layout.texts
    assert "acetate.generate" in layout.operators


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
    config = bpy.context.window_manager.keyconfigs.default
    for name in [*maps, "Window", "Screen", "Object Mode"]:
        found = config.keymaps.get(name) if config else None
        for item in found.keymap_items if found else ():
            assert (item.type, bool(item.ctrl), bool(item.shift), bool(item.alt)) not in wanted


def test_every_offered_fix_can_be_done(part: Part) -> None:
    fixes, errors = part("fixes").FIXES, part("shared.errors")
    # Errors of the artist's own click; the others belong to servers and command lines.
    for name in (
        "no_layers", "no_gap", "gap_too_long", "too_many_layers", "empty_key", "no_camera",
        "trajectory_outside", "unsaved", "unreachable", "auth", "offline_mode", "no_program",
        "server_ended", "model_missing", "model_corrupt", "worker_died", "nan", "job_failed",
        "job_unknown", "disk", "bug",
    ):  # fmt: skip
        assert errors.CATALOGUE[name].fix in fixes, name
