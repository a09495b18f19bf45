"""The link against a real server: takes arrive, and no failure leaves a state that never ends."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("bpy")

import bpy

from tests.blender.addon.conftest import Part
from tests.blender.addon.pumping import connect, pump_until, send_long, send_square
from tests.blender.addon.server import OtherVersion, RunningServer, free_port

if TYPE_CHECKING:
    from blender_addon.session import Session

pytestmark = pytest.mark.blender


def _shown(session: Session) -> dict[str, str]:
    assert session.error is not None
    return session.error


def test_a_shot_goes_out_and_a_take_comes_back(
    session: Session, part: Part, server: RunningServer
) -> None:
    connect(session)
    tracked = send_square(session, part)
    pump_until(session, lambda: tracked.view.is_over)
    assert tracked.view.state.value == "done", session.error
    take = part("takes.library").read_take(tracked.folder)
    assert [layer.name for layer in take.manifest.layers] == ["sky", "square"]
    assert len(take.layer_files("square")) == 9
    assert all(file.is_file() for file in take.layer_files("square"))
    assert not (tracked.folder / ".incoming").exists()
    assert take.id in bpy.context.scene.acetate.take_list


def test_without_a_server_the_job_fails_with_a_hint_and_nothing_hangs(
    session: Session, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACETATE_SERVER", f"tcp://127.0.0.1:{free_port()}")
    session.connect()
    tracked = send_square(session, part)
    pump_until(session, lambda: tracked.view.is_over)
    assert tracked.view.state.value == "failed"
    assert _shown(session)["code"] == "E201"
    assert _shown(session)["fix"] == "server_start"
    assert session.connection.value == "off"


def test_a_killed_server_means_reconnecting_and_the_job_ends_once_it_is_back(
    session: Session, part: Part, server: RunningServer
) -> None:
    tracked = send_long(session, part)
    server.kill()
    pump_until(session, lambda: session.connection.value == "reconnecting")
    assert session.job_text(tracked.view) == "Waiting for the server"
    server.start_again()
    pump_until(session, lambda: tracked.view.is_over)
    assert tracked.view.state.value == "done", session.error
    assert session.connection.value == "ready"


def test_a_job_is_cancelled_even_while_the_server_is_gone(
    session: Session, part: Part, server: RunningServer
) -> None:
    tracked = send_long(session, part)
    server.kill()
    pump_until(session, lambda: session.connection.value == "reconnecting")
    session.cancel(tracked.view.key)
    pump_until(session, lambda: tracked.view.is_over)
    assert tracked.view.state.value == "cancelled"


def test_a_saved_file_collects_its_take_when_it_is_opened_again(
    session: Session, part: Part, server: RunningServer, saved_file: Path
) -> None:
    connect(session)
    tracked = send_square(session, part)
    pump_until(session, lambda: bool(tracked.view.job))
    bpy.ops.wm.save_mainfile()
    key = tracked.view.key
    bpy.ops.wm.open_mainfile(filepath=str(saved_file))
    pump_until(session, lambda: len(bpy.context.scene.acetate.take_list) == 1)
    pump_until(session, lambda: key not in session.jobs or session.jobs[key].view.is_over)


def test_a_crash_before_saving_loses_nothing_because_the_take_folder_knows_the_job(
    session: Session, part: Part, server: RunningServer, saved_file: Path
) -> None:
    connect(session)
    tracked = send_square(session, part)
    pump_until(session, lambda: tracked.view.is_over)
    # As if Blender had died before the result was laid out.
    (tracked.folder / "manifest.json").unlink()
    bpy.ops.wm.open_mainfile(filepath=str(saved_file))
    assert bpy.context.scene.acetate.jobs == ""
    pump_until(session, lambda: len(bpy.context.scene.acetate.take_list) == 1)


def test_a_wrong_secret_asks_for_the_right_one(
    session: Session, server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("0" * 64)
    monkeypatch.setenv("ACETATE_TOKEN_FILE", str(wrong))
    monkeypatch.setenv("ACETATE_SERVER", server.address)
    session.connect()
    pump_until(session, lambda: session.connection.value == "auth_required")
    assert _shown(session)["code"] == "E203"


def test_a_server_of_another_version_is_named_and_never_asked_again(
    session: Session, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OtherVersion() as other:
        monkeypatch.setenv("ACETATE_SERVER", other.address)
        session.connect()
        tracked = send_square(session, part)
        pump_until(session, lambda: session.connection.value == "incompatible")
        pump_until(session, lambda: tracked.view.is_over)
    assert tracked.view.state.value == "failed"
    assert _shown(session)["code"] == "E204"
    assert "protocol 9" in _shown(session)["hint"]
    assert _shown(session)["fix"] == ""
    assert other.greetings == 1


def test_a_taken_port_ends_the_start_of_a_server_with_the_reason(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = Path(__file__).resolve().parents[3] / ".venv/bin/acetate"
    if not program.is_file():
        pytest.skip("the backend's environment (.venv) is not set up")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("ACETATE_RUN_DIR", str(tmp_path / "run"))
        monkeypatch.setenv("ACETATE_SERVER", address)
        monkeypatch.setenv("ACETATE_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("ACETATE_PROGRAM", str(program))
        bpy.ops.acetate.server_start()
        pump_until(session, lambda: session.connection.value == "off")
    assert _shown(session)["code"] == "E211"
    assert "E202" in _shown(session)["detail"]


def test_starting_a_program_that_is_not_there_says_so(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ACETATE_PROGRAM", str(tmp_path / "nothing"))
    bpy.ops.acetate.server_start()
    pump_until(session, lambda: session.connection.value == "off")
    assert _shown(session)["code"] == "E210"


def test_the_server_starts_and_stops_by_the_users_click(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = Path(__file__).resolve().parents[3]
    program = root / ".venv/bin/acetate"
    if not program.is_file():
        pytest.skip("the backend's environment (.venv) is not set up")
    monkeypatch.setenv("ACETATE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("ACETATE_SERVER", f"tcp://127.0.0.1:{free_port()}")
    monkeypatch.setenv("ACETATE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ACETATE_PROGRAM", str(program))
    bpy.ops.acetate.server_start()
    assert session.connection.value == "starting"
    pump_until(session, lambda: session.connection.value in ("ready", "off"))
    assert session.connection.value == "ready", session.error
    bpy.ops.acetate.server_stop()
    pump_until(session, lambda: session.connection.value == "off")


def test_undo_never_makes_the_scene_forget_a_running_job(
    session: Session, part: Part, server: RunningServer
) -> None:
    connect(session)
    bpy.ops.ed.undo_push(message="before")
    tracked = send_square(session, part, frames=25, side=256)
    pump_until(session, lambda: bool(bpy.context.scene.acetate.jobs))
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    assert not tracked.view.is_over
    session.pump()
    assert tracked.view.key in bpy.context.scene.acetate.jobs
    pump_until(session, lambda: tracked.view.is_over)
    assert bpy.context.scene.acetate.take_list[0].name == tracked.folder.name
