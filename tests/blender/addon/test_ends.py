"""How jobs end: for good, with nothing left behind, and the take found again whatever happens."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy

from tests.blender.addon.conftest import Part, TakeMaker
from tests.blender.addon.pumping import connect, pump_until, reset, send_square
from tests.blender.addon.server import RunningServer
from tests.blender.addon.shots import moving_square

if TYPE_CHECKING:
    from blender_addon.link.work import Work
    from blender_addon.session import Session, Tracked
    from shared.client import Client

pytestmark = pytest.mark.blender
Pictures = dict[str, list[np.ndarray]]


def test_a_cancelled_job_does_not_come_back_when_the_file_is_opened_again(
    session: Session,
    part: Part,
    server: RunningServer,
    saved_file: Path,
    pictures: Pictures,
    make_take: TakeMaker,
) -> None:
    connect(session)
    tracked = send_square(session, part, frames=25, side=256)
    pump_until(session, lambda: bool(tracked.view.job) and bool(bpy.context.scene.acetate.jobs))
    bpy.ops.wm.save_mainfile()
    session.cancel(tracked.view.key)
    assert tracked.is_stopping
    pump_until(session, lambda: tracked.view.is_over)
    assert tracked.view.state.value == "cancelled"
    note = part("takes.library").read_note(tracked.folder)
    assert (note.key, note.job) == (tracked.view.key, "")
    reset(session)
    other = make_take(pictures)
    bpy.ops.wm.open_mainfile(filepath=str(saved_file))
    assert bpy.context.scene.acetate.jobs
    # The other take comes into the list by the look at the folder, which has happened then.
    pump_until(session, lambda: other.id in bpy.context.scene.acetate.take_list)
    assert session.jobs == {}
    assert session.connection.value == "off"


def test_undo_after_apply_keeps_the_take_in_the_list(
    session: Session, pictures: Pictures, make_take: TakeMaker
) -> None:
    bpy.ops.ed.undo_push(message="before the take")
    take = make_take(pictures)
    bpy.ops.acetate.take_apply("EXEC_DEFAULT", True, placement="planes")
    bpy.ops.ed.undo()
    assert take.title not in bpy.data.collections
    pump_until(session, lambda: take.id in bpy.context.scene.acetate.take_list)


def _taken(session: Session, part: Part) -> Tracked:
    """A take of a square that arrived after the last undo step."""
    connect(session)
    bpy.ops.ed.undo_push(message="before the take")
    tracked = send_square(session, part)
    pump_until(session, lambda: tracked.view.is_over)
    return tracked


def test_undo_lists_a_take_that_arrived_since_before_anything_else_runs(
    session: Session, part: Part, server: RunningServer
) -> None:
    tracked = _taken(session, part)
    bpy.ops.acetate.take_apply("EXEC_DEFAULT", True, placement="planes")
    bpy.ops.ed.undo()
    # No tick in between: adjusting the last operation looks for the take at once.
    assert [row.name for row in bpy.context.scene.acetate.take_list] == [tracked.folder.name]


def test_a_discarded_take_does_not_come_back_with_undo(
    session: Session, part: Part, server: RunningServer
) -> None:
    tracked = _taken(session, part)
    bpy.ops.ed.undo_push(message="with the take")
    bpy.ops.acetate.take_discard(take=tracked.folder.name)
    bpy.ops.ed.undo_push(message="without the take")
    for step in (bpy.ops.ed.undo, bpy.ops.ed.undo, bpy.ops.ed.redo):
        step()
        assert len(bpy.context.scene.acetate.take_list) == 0
    assert not tracked.folder.exists()


def test_a_renamed_scene_still_gets_its_take(
    session: Session, part: Part, server: RunningServer
) -> None:
    connect(session)
    tracked = send_square(session, part)
    bpy.context.scene.name = "Shot 010"
    pump_until(session, lambda: tracked.view.is_over)
    assert [row.name for row in bpy.data.scenes["Shot 010"].acetate.take_list] == [
        tracked.folder.name
    ]


def test_a_file_saved_elsewhere_still_finds_its_takes(
    session: Session, saved_file: Path, pictures: Pictures, make_take: TakeMaker
) -> None:
    folder = make_take(pictures).folder
    rows = bpy.context.scene.acetate.take_list
    (saved_file.parent / "other place").mkdir()
    copy, moved = (saved_file.parent / "other place" / name for name in ("copy.blend", "a.blend"))
    bpy.ops.wm.save_as_mainfile(filepath=str(copy), copy=True)
    assert rows[0].folder == f"//takes/{folder.name}"
    bpy.ops.wm.save_as_mainfile(filepath=str(moved))
    assert Path(bpy.path.abspath(rows[0].folder)).resolve() == folder
    for file in (copy, moved):
        bpy.ops.wm.open_mainfile(filepath=str(file))
        bpy.ops.acetate.take_apply(placement="planes")


def test_a_take_whose_folder_is_gone_says_what_to_do(
    session: Session, pictures: Pictures, make_take: TakeMaker
) -> None:
    shutil.rmtree(make_take(pictures).folder)
    for operator in (bpy.ops.acetate.take_apply, bpy.ops.acetate.take_reveal):
        with pytest.raises(RuntimeError, match="E508 The files of take_001"):
            operator()
    bpy.ops.acetate.take_discard()
    assert not bpy.context.scene.acetate.take_list


def test_a_take_on_another_drive_keeps_its_whole_path(
    saved_file: Path, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_drive(path: str, start: str | None = None) -> str:
        raise ValueError(f"path is on mount 'D:', start on mount 'C:': {path}")

    # Only Windows has drives; this is what Python's relpath says there.
    monkeypatch.setattr(bpy.path, "relpath", other_drive)
    assert part("takes.images").display_path(saved_file) == str(saved_file)


@pytest.fixture
def client(part: Part, server: RunningServer, tmp_path: Path) -> Iterator[Client]:
    """A client of the running server."""
    secret = tmp_path / "run" / "secret"
    with part("shared.client").Client.connect(server.address, secret_file=secret) as connected:
        yield connected


def _desk(part: Part, seen: Callable[[Any], None], *, is_interrupted: Callable[[], bool]) -> Any:  # noqa: ANN401 (a class of the installed extension)
    return part("link.work").Desk(seen, is_interrupted)


def _finished_job(part: Part, client: Client, folder: Path) -> Work:
    """A job whose result waits on the server."""
    library = part("takes.library")
    request, blobs = moving_square(part)
    key = part("shared.client").new_job_key()
    job = client.submit(request, blobs, key)
    client.wait(job, 90.0)
    folder.mkdir()
    note = library.TakeNote(key, 1, job=job)
    library.write_note(folder, note)
    return part("link.work").Work(folder, note)


def _state(report: Any) -> str:  # noqa: ANN401 (one of the installed extension's reports)
    news = getattr(report, "news", None)
    return news.state.value if news is not None and news.state is not None else ""


def test_cancel_during_the_fetch_ends_it_and_leaves_no_pieces(
    part: Part, client: Client, tmp_path: Path
) -> None:
    work = _finished_job(part, client, tmp_path / "take_001")
    states: list[str] = []

    def seen(report: Any) -> None:  # noqa: ANN401 (as above)
        states.append(_state(report))
        if states[-1] == "receiving" and report.news.done:
            work.stop.set()

    part("link.work").advance(work, client, _desk(part, seen, is_interrupted=lambda: False), 5.0)
    assert states[-1] == "cancelled"
    assert work.is_over
    assert not (work.folder / ".incoming").exists()
    assert not part("takes.library").is_finished(work.folder)
    assert part("takes.library").read_note(work.folder).job == ""
    assert client.health()  # answers that were still on their way disturb nobody


def test_a_broken_fetch_keeps_its_pieces_and_goes_on_from_there(
    part: Part, client: Client, tmp_path: Path
) -> None:
    work = _finished_job(part, client, tmp_path / "take_001")
    broken, received = threading.Event(), []

    def seen(report: Any) -> None:  # noqa: ANN401 (as above)
        if _state(report) == "receiving":
            received.append(report.news.done)
            if len(received) > 6:
                broken.set()

    advance, errors = part("link.work").advance, part("shared.errors")
    with pytest.raises(errors.AcetateError, match="E201"):
        advance(work, client, _desk(part, seen, is_interrupted=broken.is_set), 5.0)
    assert not work.is_over
    assert any((work.folder / ".incoming").rglob("*"))
    advance(work, client, _desk(part, seen, is_interrupted=lambda: False), 5.0)
    assert part("takes.library").is_finished(work.folder)
    assert not (work.folder / ".incoming").exists()


def test_cancel_during_the_upload_makes_no_job(part: Part, client: Client, tmp_path: Path) -> None:
    request, blobs = moving_square(part)
    note = part("takes.library").TakeNote(part("shared.client").new_job_key(), 1)
    work = part("link.work").Work(tmp_path / "take_001", note, (request, blobs))
    states: list[str] = []

    def seen(report: Any) -> None:  # noqa: ANN401 (as above)
        states.append(_state(report))
        work.stop.set()

    # The first word of the upload sets `stop`; the next piece sees it.
    part("link.work").advance(work, client, _desk(part, seen, is_interrupted=lambda: False), 5.0)
    assert states == ["uploading", "cancelled"]
    assert client.jobs() == []


def test_a_result_that_cannot_be_placed_leaves_no_pieces(
    part: Part, client: Client, tmp_path: Path
) -> None:
    work = _finished_job(part, client, tmp_path / "take_001")
    (work.folder / "composite").touch()  # in the way of the folder
    states: list[str] = []
    desk = _desk(part, lambda report: states.append(_state(report)), is_interrupted=lambda: False)
    part("link.work").advance(work, client, desk, 5.0)
    assert states[-1] == "failed"
    assert not (work.folder / ".incoming").exists()


def test_one_cancel_stops_only_what_it_names(session: Session, part: Part, tmp_path: Path) -> None:
    jobs, module = part("link.jobs"), part("session")
    uid = bpy.context.scene.session_uid
    for key in ("a", "b"):
        view = jobs.JobView(key=key, take="take_001", number=1)
        session.jobs[key] = module.Tracked(view, uid, tmp_path)

    def steps() -> Iterator[ModuleType]:
        yield part("export.shot")

    def begin() -> None:
        session.export = module.Export(uid, "", steps(), None, tmp_path, None)

    begin()
    session.cancel("a")
    assert session.export is not None
    assert [tracked.is_stopping for tracked in session.jobs.values()] == [True, False]
    bpy.ops.acetate.job_cancel(export_only=True)
    assert session.export is None
    assert not session.jobs["b"].is_stopping
    begin()
    bpy.ops.acetate.job_cancel()
    assert session.export is None
    assert session.jobs["b"].is_stopping


def test_takes_of_a_file_of_the_same_name_in_another_folder_stay_out(
    session: Session,
    saved_file: Path,
    pictures: dict[str, list[np.ndarray]],
    make_take: TakeMaker,
) -> None:
    make_take(pictures)
    session.file_loaded()  # a look at this file's takes is under way
    other = saved_file.parent / "other" / saved_file.name
    other.parent.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(other))
    rows = bpy.context.scene.acetate.take_list
    rows.clear()
    own = make_take(pictures)
    rows.clear()
    session.file_loaded()
    pump_until(session, lambda: len(rows) > 0)
    assert [Path(bpy.path.abspath(row.folder)) for row in rows] == [own.folder]
