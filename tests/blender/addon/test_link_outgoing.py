"""Shots on their way out: nothing of them stays behind, and a spoilt one spoils no other."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("bpy")

import bpy

from tests.blender.addon.conftest import Part
from tests.blender.addon.pumping import connect, pump_until, send_square
from tests.blender.addon.server import RunningServer, free_port

if TYPE_CHECKING:
    from blender_addon.session import Session

pytestmark = pytest.mark.blender


def _while_the_link_sleeps(session: Session, act: Callable[[], None]) -> None:
    assert session.link_pid is not None
    os.kill(session.link_pid, signal.SIGSTOP)
    act()
    os.kill(session.link_pid, signal.SIGCONT)


def test_leaving_before_a_shot_was_sent_leaves_no_pictures_behind(
    session: Session, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACETATE_SERVER", f"tcp://127.0.0.1:{free_port()}")
    session.connect(patience_s=60.0)
    waiting = send_square(session, part)
    pump_until(session, lambda: (waiting.folder / "note.json").is_file())  # taken by the loop
    latest = send_square(session, part)
    assert (latest.folder / ".outgoing").is_dir()
    session._link.halt(stop_server=False)
    session.jobs.clear()
    assert not (waiting.folder / ".outgoing").exists()
    assert not (latest.folder / ".outgoing").exists()


def test_a_picture_that_cannot_be_read_fails_its_own_job_only(
    session: Session, part: Part, server: RunningServer
) -> None:
    connect(session)
    sent: list[Path] = []

    def send_both() -> None:
        sent.extend(send_square(session, part).folder for _ in range(2))
        for file in [file for file in (sent[0] / ".outgoing").rglob("*") if file.is_file()]:
            file.unlink()
            file.mkdir()

    _while_the_link_sleeps(session, send_both)
    pump_until(session, lambda: not session.has_work)
    ends = {tracked.folder: tracked.view for tracked in session.jobs.values()}
    assert ends[sent[0]].state.value == "failed"
    assert (ends[sent[0]].error or {})["name"] == "disk"
    assert ends[sent[1]].state.value == "done"
    assert session.connection.value == "ready"


@pytest.mark.parametrize("take", ["..", "", "other", "take_001/..", "take_x"])
def test_a_record_that_names_no_take_is_not_followed(
    session: Session, saved_file: Path, take: str
) -> None:
    theirs = saved_file.parent / ".outgoing"
    theirs.mkdir()
    record = {"key": "0" * 32, "take": take, "number": 1, "seed": 0, "job": "j", "state": "running"}
    (saved_file.parent / "takes").mkdir()
    bpy.context.scene.acetate.jobs = json.dumps([record])
    session.file_loaded()
    assert not session.jobs
    assert theirs.is_dir()
