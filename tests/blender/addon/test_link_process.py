"""The link as a process: it never holds Blender up, its end is said, and nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy

from tests.blender.addon.conftest import ROOT, Part, TakeMaker
from tests.blender.addon.processes import is_gone, open_files, own_children
from tests.blender.addon.pumping import connect, pump_until, send_long, send_square
from tests.blender.addon.scenes import draw_scene
from tests.blender.addon.server import RunningServer, announced_pid, free_port

if TYPE_CHECKING:
    from blender_addon.link.process import LinkProcess
    from blender_addon.session import Session

pytestmark = pytest.mark.blender

# Stands in for Blender: a process that has a link, tells the link's process id, and waits.
_HOLDER = """
import sys, time
from importlib import import_module
from types import ModuleType
package = ModuleType("held")
package.__path__ = [sys.argv[1]]
sys.modules["held"] = package
link = import_module("held.link.process").LinkProcess((sys.executable, "-I"))
orders = import_module("held.link.orders")
link.order(orders.Disconnect())
while sys.argv[3] == "while it connects" and link.next_report() is None:
    time.sleep(0.01)
link.order(orders.Connect(orders.Target(sys.argv[2]), patience_s=60.0))
print(link.pid, flush=True)
time.sleep(60)
"""
# The link's own entry point, with something in its process that prints where it should not.
_NOISY = """
import os, runpy, sys
real = runpy.run_path(sys.argv[4])["main"]
load = real.__globals__["import_module"]
def noisy(name):
    print("a stray print", flush=True)
    os.system("echo a stray program")
    return load(name)
real.__globals__["import_module"] = noisy
real(sys.argv[5:])
"""


@pytest.fixture
def make_link(part: Part) -> Iterator[Callable[..., LinkProcess]]:
    """Make links of their own, by default with Blender's Python; they end with the test."""
    made: list[LinkProcess] = []

    def make(*python: str) -> LinkProcess:
        command = python or (sys.executable, *bpy.app.python_args)
        made.append(part("link.process").LinkProcess(command))
        return made[-1]

    yield make
    for link in made:
        link.halt(stop_server=False)


def _next(link: LinkProcess, patience_s: float = 20.0) -> Any:  # noqa: ANN401 (one of the installed extension's reports)
    until = time.monotonic() + patience_s
    while (report := link.next_report()) is None:
        assert time.monotonic() < until
        time.sleep(0.005)
    return report


def _detail(report: Any) -> str:  # noqa: ANN401 (as above)
    assert report.error["code"] == "E212"
    assert report.error["fix"] == "connect"
    return report.error["detail"]


def test_orders_and_reports_go_through_a_real_process(
    make_link: Callable[..., LinkProcess], part: Part, tmp_path: Path
) -> None:
    link, orders = make_link(), part("link.orders")
    assert link.pid is None  # nothing runs before there is something to do
    survey = orders.Survey(tmp_path, "shot.blend", "Scene")
    link.order(survey)
    assert link.pid in own_children()
    assert _next(link) == orders.SurveyReport(survey, (), ())
    link.order(orders.Disconnect(4))
    report = _next(link)
    assert (report.signal.value, report.epoch) == ("closed", 4)


def test_a_folder_with_many_takes_comes_in_several_reports(
    make_link: Callable[..., LinkProcess],
    part: Part,
    saved_file: Path,
    pictures: dict[str, list[np.ndarray]],
    make_take: TakeMaker,
) -> None:
    make_take(pictures)
    library = part("takes.library")
    for number in range(2, 41):
        folder = saved_file.parent / "takes" / f"take_{number:03d}"
        folder.mkdir()
        note = library.TakeNote("0" * 32, number, job="j", file="shot.blend", scene="Scene")
        library.write_note(folder, note)
    link = make_link()
    link.order(part("link.orders").Survey(saved_file.parent / "takes", "shot.blend", "Scene"))
    reports = [_next(link) for _ in range(3)]
    assert [row.id for report in reports for row in report.takes] == ["take_001"]
    found = [note.number for report in reports for note in report.unfinished]
    assert found == list(range(2, 41))


def test_stray_prints_reach_the_log_and_no_frame(
    make_link: Callable[..., LinkProcess], part: Part, tmp_path: Path
) -> None:
    link = make_link(sys.executable, "-c", _NOISY)
    survey = part("link.orders").Survey(tmp_path, "shot.blend", "Scene")
    link.order(survey)
    assert _next(link).order == survey
    assert link.pid is not None
    os.kill(link.pid, signal.SIGKILL)
    assert "a stray print\na stray program" in _detail(_next(link))


@pytest.mark.parametrize(
    ("writes", "said"),
    [
        ("b'\\xff\\xff\\xff\\xff'", "a frame of 4294967295 bytes"),
        ("b'\\x00\\x00\\x00\\x01\\xc0'", "the link's pipe: "),
        ("b'\\x00\\x00\\x00\\x09half'", "in the middle of a report"),
        ("b''", "its last words"),
    ],
)
def test_a_process_that_talks_nonsense_is_ended_and_that_is_said(
    make_link: Callable[..., LinkProcess], part: Part, writes: str, said: str
) -> None:
    program = f"import os, sys; os.write(1, {writes}); sys.exit('its last words')"
    link = make_link(sys.executable, "-c", program)
    link.order(part("link.orders").Disconnect())
    assert said in _detail(_next(link))
    assert link.pid is None
    assert link.next_report() is None  # said once


def test_an_order_that_is_none_ends_the_process_with_a_reason(
    part: Part, make_link: Callable[..., LinkProcess]
) -> None:
    link = make_link(
        sys.executable,
        "-c",
        "import subprocess, sys; sys.exit(subprocess.run([sys.executable, *sys.argv[1:]],"
        " input=bytes([0, 0, 0, 1, 192])).returncode)",
    )
    link.order(part("link.orders").Disconnect())
    ended = _next(link)
    assert "the link's pipe: Expected" in _detail(ended)
    assert "exit code 2" in ended.error["text"]


@pytest.mark.parametrize("python", ["nothing", ""])
def test_without_a_python_that_runs_the_end_is_said_and_later_orders_try_again(
    make_link: Callable[..., LinkProcess], part: Part, tmp_path: Path, python: str
) -> None:
    link = make_link(str(tmp_path / python) if python else "")
    for _ in range(2):
        link.order(part("link.orders").Disconnect())
        assert _detail(_next(link))
        assert link.pid is None


def test_asking_for_reports_never_waits(make_link: Callable[..., LinkProcess], part: Part) -> None:
    link = make_link(sys.executable, "-c", "import time; time.sleep(60)")
    link.order(part("link.orders").Disconnect())
    started = time.perf_counter()
    assert [link.next_report() for _ in range(100)] == [None] * 100
    assert time.perf_counter() - started < 0.1
    link.halt(stop_server=False, join_s=0.1)


def test_halting_leaves_no_process_and_no_file_open(
    make_link: Callable[..., LinkProcess], part: Part
) -> None:
    children, files = own_children(), open_files()
    for _ in range(5):
        link = make_link()
        link.order(part("link.orders").Connect(part("link.orders").Target(), 60.0))
        link.halt(stop_server=True)
        assert (own_children(), open_files()) == (children, files)


def test_a_process_that_hangs_is_ended_firmly(
    make_link: Callable[..., LinkProcess], part: Part
) -> None:
    children, link = own_children(), make_link()
    link.order(part("link.orders").Disconnect())
    _next(link)
    assert link.pid is not None
    os.kill(link.pid, signal.SIGSTOP)
    started = time.monotonic()
    link.halt(stop_server=False, join_s=0.3)
    assert time.monotonic() - started < 3.0
    assert own_children() == children


def test_orders_to_a_process_that_was_stopped_never_wait_and_arrive_once_it_goes_on(
    make_link: Callable[..., LinkProcess], part: Part
) -> None:
    link, orders = make_link(), part("link.orders")
    link.order(orders.Disconnect())
    _next(link)
    assert link.pid is not None
    os.kill(link.pid, signal.SIGSTOP)
    started = time.monotonic()
    for epoch in range(20_000):  # far more than a pipe holds
        link.order(orders.Disconnect(epoch))
    assert link.next_report() is None
    assert time.monotonic() - started < 5.0
    os.kill(link.pid, signal.SIGCONT)
    assert [_next(link).epoch for _ in range(20_000)] == list(range(20_000))


def test_a_process_that_was_stopped_holds_up_no_exit_however_much_waits_for_it(
    make_link: Callable[..., LinkProcess], part: Part
) -> None:
    children, link, orders = own_children(), make_link(), part("link.orders")
    link.order(orders.Disconnect())
    _next(link)
    assert link.pid is not None
    os.kill(link.pid, signal.SIGSTOP)
    for epoch in range(10_000):
        link.order(orders.Disconnect(epoch))
    started = time.monotonic()
    link.halt(stop_server=False, join_s=0.3)
    assert time.monotonic() - started < 3.0
    assert own_children() == children


@pytest.mark.parametrize("moment", ["while it starts", "while it connects"])
def test_when_blender_dies_its_link_ends_by_itself(part: Part, moment: str) -> None:
    folder = Path(part("link").__path__[0]).parent
    address = f"tcp://127.0.0.1:{free_port()}"
    command = [sys.executable, "-c", _HOLDER, str(folder), address, moment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        pid = int(holder.stdout.readline())
        holder.kill()
    until = time.monotonic() + 3.0
    while not is_gone(pid):
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("stop_server", [True, False])
def test_a_server_started_by_the_link_ends_with_it_where_that_is_wanted(
    make_link: Callable[..., LinkProcess], part: Part, tmp_path: Path, stop_server: bool
) -> None:
    program = ROOT / ".venv/bin/acetate"
    if not program.is_file():
        pytest.skip("the backend's environment (.venv) is not set up")
    link, orders, address = make_link(), part("link.orders"), f"tcp://127.0.0.1:{free_port()}"
    run, data = tmp_path / "run", tmp_path / "data"
    link.order(orders.Surroundings({"ACETATE_RUN_DIR": str(run), "ACETATE_DATA_DIR": str(data)}))
    command = (str(program), "serve", "--listen", address)
    link.order(orders.StartServer(command, tmp_path / "log", orders.Target(address)))
    assert _next(link, 60.0).signal.value == "greeted"
    pid = announced_pid(run)
    assert not is_gone(pid)
    link.halt(stop_server=stop_server)
    assert is_gone(pid) == stop_server
    if not stop_server:
        os.kill(pid, signal.SIGTERM)


def test_a_killed_link_is_said_and_its_job_is_followed_on(
    session: Session, part: Part, server: RunningServer
) -> None:
    tracked = send_long(session, part)
    _kill_link(session)
    assert session.connection.value == "off"
    assert not tracked.view.is_over
    assert session.job_text(tracked.view) == "Waiting for the server"
    bpy.ops.acetate.error_fix()
    pump_until(session, lambda: tracked.view.is_over)
    assert tracked.view.state.value == "done", session.error
    assert tracked.folder.name in bpy.context.scene.acetate.take_list
    assert session.error is None


def _kill_link(session: Session) -> None:
    """Kill the link's process and wait for what is said about it."""
    assert session.link_pid is not None
    os.kill(session.link_pid, signal.SIGKILL)
    pump_until(session, lambda: session.error is not None)
    assert session.error is not None
    assert (session.error["code"], session.error["fix"]) == ("E212", "connect")
    assert "-9" in session.error["text"]


@pytest.mark.parametrize("moment", ["just before", "long before", "while layers are read"])
def test_after_a_killed_link_generate_works_and_finishes_the_older_job_too(
    session: Session, part: Part, server: RunningServer, moment: str
) -> None:
    draw_scene()
    bpy.context.scene.acetate.engine = "layer-motion"
    send_long(session, part)
    assert session.link_pid is not None
    if moment == "while layers are read":
        session.generate(bpy.context)
    pid = session.link_pid
    os.kill(pid, signal.SIGKILL)
    if moment != "just before":
        pump_until(session, lambda: session.link_pid != pid)
    if moment != "while layers are read":
        session.generate(bpy.context)
    pump_until(session, lambda: session.export is None and not session.has_work)
    assert [tracked.view.state.value for tracked in session.jobs.values()] == ["done"] * 2
    assert len(bpy.context.scene.acetate.take_list) == 2
    assert session.error is None


def test_a_wish_to_stop_outlives_the_link(
    session: Session, part: Part, server: RunningServer
) -> None:
    tracked = send_long(session, part)
    server.kill()
    pump_until(session, lambda: session.connection.value == "reconnecting")
    tracked.is_stopping = True  # as if the link had died with the order in its hands
    _kill_link(session)
    server.start_again()
    connect(session)
    pump_until(session, lambda: tracked.view.is_over)
    assert tracked.view.state.value == "cancelled"


def test_a_shot_that_was_not_sent_yet_fails_and_can_be_sent_again(
    session: Session, part: Part, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACETATE_SERVER", f"tcp://127.0.0.1:{free_port()}")
    session.connect(patience_s=60.0)
    tracked = send_square(session, part)
    assert (tracked.folder / ".outgoing").is_dir()
    _kill_link(session)
    assert tracked.view.state.value == "failed"
    assert not (tracked.folder / ".outgoing").exists()
    monkeypatch.delenv("ACETATE_SERVER")
    assert session.send_again()
    again = session.jobs[session.last_keys[0]]
    pump_until(session, lambda: again.view.is_over)
    assert again.view.state.value == "done", session.error
    assert not (again.folder / ".outgoing").exists()


def test_a_cancel_is_acted_on_while_the_loop_is_busy_and_a_halt_ends_it(
    part: Part, tmp_path: Path
) -> None:
    orders, note = part("link.orders"), part("takes.library").TakeNote("0" * 32, 1)
    seen: list[bool] = []

    def report(told: Any) -> None:  # noqa: ANN401 (as above)
        del told
        if not seen:  # the loop is in the middle of its first order; the next ones arrive
            loop.accept(orders.Stop(note.key))
            seen.append(loop._works[note.key].stop.is_set())
            loop.accept(orders.Halt(stop_server=False))

    loop = part("link.loop").LinkLoop(report)
    loop.accept(orders.Follow(tmp_path, note))
    loop.accept(orders.Survey(tmp_path, "shot.blend", "Scene"))
    loop.run()
    assert seen == [True]
    assert loop.is_halting


@pytest.mark.parametrize("order", ["cancel, then open", "open, then cancel"])
def test_a_cancel_beside_opening_the_file_again_is_kept(
    session: Session, part: Part, server: RunningServer, saved_file: Path, order: str
) -> None:
    connect(session)
    tracked = send_square(session, part, frames=25, side=256)
    key = tracked.view.key
    pump_until(session, lambda: bool(tracked.view.job) and bool(bpy.context.scene.acetate.jobs))
    bpy.ops.wm.save_mainfile()
    if order == "cancel, then open":
        session.cancel(key)
    bpy.ops.wm.open_mainfile(filepath=str(saved_file))
    if order == "open, then cancel":
        session.cancel(key)
    pump_until(session, lambda: key not in session.jobs or session.jobs[key].view.is_over)
    note = part("takes.library").read_note(tracked.folder)
    assert note.job == ""
    assert not part("takes.library").is_finished(tracked.folder)


def test_opening_another_file_keeps_the_process_and_no_thread_is_started(
    session: Session, part: Part, server: RunningServer, saved_file: Path
) -> None:
    before = threading.enumerate()
    connect(session)
    pid = session.link_pid
    bpy.ops.wm.open_mainfile(filepath=str(saved_file))
    tracked = send_square(session, part)
    pump_until(session, lambda: tracked.view.is_over)
    assert tracked.view.state.value == "done"
    assert session.link_pid == pid
    assert threading.enumerate() == before


def test_a_link_that_cannot_be_started_is_said_each_time_and_nothing_runs_in_circles(
    session: Session, part: Part, saved_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (saved_file.parent / "takes").mkdir()  # so that every new link would be asked to look there
    broken = part("link.process").LinkProcess((str(saved_file.parent / "no python"),))
    monkeypatch.setattr(session, "_link", broken)
    monkeypatch.setattr(session, "_surroundings", None)
    for _ in range(3):
        session.undone()
        pump_until(session, lambda: session.error is not None)
        assert session.error is not None
        assert session.error["code"] == "E212"
        session.dismiss()
    monkeypatch.undo()
    session._surroundings = None
