"""In a real window: the tab is there, a click on Generate brings a take, a click applies it."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from build_steps import addon as addon_build
from tests.blender.addon.server import RunningServer, start_server
from tests.gui.stage import Stage, copy_in, make_stage

pytestmark = pytest.mark.gui
ROOT = Path(__file__).resolve().parents[2]
SCENE = "demo.blend"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """The backend, outside of the chroot."""
    running = start_server(ROOT, tmp_path)
    yield running
    running.kill()


@pytest.fixture
def stage(server: RunningServer) -> Iterator[Stage]:
    """Blender's folder with the installed extension and the demo scene, not started yet."""
    named = os.environ.get("ACETATE_BLENDER_CHROOT", "")
    if not named:
        pytest.skip("ACETATE_BLENDER_CHROOT is not set; see tests/gui/README.md")
    chroot = Path(named)
    folder = chroot / "tmp" / f"acetate-gui-{uuid.uuid4().hex[:8]}"
    secret = "/" + (folder / "secret").relative_to(chroot).as_posix()
    made = make_stage(
        chroot, folder, {"ACETATE_SERVER": server.address, "ACETATE_TOKEN_FILE": secret}
    )
    shutil.copyfile(server.folder / "run" / "secret", folder / "secret")
    archive = addon_build.build(ROOT, server.folder / "dist", ["linux-x64"])[0]
    copy_in(made, [archive, ROOT / "tests/gui/observer.py", ROOT / "tests/gui/prepare.py"])
    (folder / "examples").mkdir()
    shutil.copytree(ROOT / "examples/demo", folder / "examples/demo")
    shutil.copytree(ROOT / "training/gallery", folder / "training/gallery")
    zip_inside = made.inside(folder / archive.name)
    made.call(
        "blender", "--command", "extension", "install-file", "-r", "user_default", "-e", zip_inside
    )
    made.call(
        "blender", "--background", "--python-use-system-env", "--python-exit-code", "1",
        "--python", made.inside(folder / "prepare.py"), "--", made.inside(folder / SCENE),
    )  # fmt: skip
    yield made
    made.close()
    shutil.rmtree(folder, ignore_errors=True)


def _pictures(tmp_path: Path) -> Path:
    return Path(os.environ.get("ACETATE_GUI_SCREENSHOTS", tmp_path / "screens"))


def test_two_clicks_bring_a_take_into_the_scene(stage: Stage, tmp_path: Path) -> None:
    pictures = _pictures(tmp_path)
    stage.open_window(stage.folder / SCENE, stage.folder / "observer.py")
    state = stage.wait_for("the Acetate tab with its layers", ready=True, layers=True)
    assert "fox" in state["layers"]
    stage.screenshot(pictures / "1_tab.png")

    stage.click(stage.find_button("acetate.generate"))
    stage.wait_for("an export under way", seen_states=True)
    stage.film(pictures, "2_progress", until=lambda facts: bool(facts["takes"]))
    state = stage.wait_for("a finished take", takes=["take_001"])
    assert state["error"] is None
    assert {"exporting", "done"} <= set(state["seen_states"])
    assert set(state["seen_states"]) & {"running", "receiving"}
    stage.screenshot_soon(pictures / "3_take.png")

    stage.click(stage.find_button("acetate.take_apply"))
    stage.wait_for_any("the placed take", "collections", {"Take 001"})
    stage.screenshot_soon(pictures / "4_applied.png")
    assert all(file.stat().st_size > 10_000 for file in sorted(pictures.glob("?_*.png")))
