"""What this Blender knows of server and jobs; lives on the main thread, drained by one timer.

Panels read it, operators give it orders, the link's process feeds it. Nothing in here waits.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy

from . import preferences, shot_settings, thumbnails
from .export.shot import ExportProgress, export_steps
from .link import connection, jobs, orders, outgoing
from .link.connection import Connection, ServerFacts, Signal
from .link.interpreter import own_python
from .link.jobs import JobNews, JobState, JobView
from .link.process import LinkProcess
from .properties import shot_of
from .scene.layers import SceneLayer, scan
from .scene.settings import LayerSettings
from .scene_state import add_take, drop_takes, existing_root, file_name, read_records, scene_of
from .shared.blobs import MemoryBlobs
from .shared.errors import AcetateError
from .shared.messages import new_job_key
from .shared.shot import ShotRequest, single_takes
from .takes import library

DRAIN_BUDGET_S = 0.005
BUSY_INTERVAL_S = 0.04
IDLE_INTERVAL_S = 0.25
SCAN_EVERY_S = 0.5
_MENDED_BY_CONNECTING = ("unreachable", "auth", "server_ended", "link_ended")


@dataclass
class Tracked:
    """A job of this file: what is drawn, where it belongs, and what to send again if it fails.

    `scene` is the scene's `session_uid`, which outlives a new name.
    """

    view: JobView
    scene: int
    folder: Path
    parcel: tuple[ShotRequest, MemoryBlobs] | None = None
    is_stopping: bool = False


@dataclass
class Export:
    """An export under way, one step per tick.

    `scene` as in `Tracked`, `view_layer` and `window`: where the artist pressed Generate.
    """

    scene: int
    view_layer: str
    steps: Iterator[ExportProgress]
    blobs: MemoryBlobs
    root: Path
    window: bpy.types.Window | None
    done: int = 0
    total: int = 0
    text: str = ""


class Session:
    """Main-thread state of the extension; one per Blender, see `runtime`."""

    def __init__(self) -> None:
        self.connection = Connection.OFF
        self.facts = ServerFacts()
        self.error: dict[str, str] | None = None
        self.export_error: AcetateError | None = None
        self.warnings: list[str] = []
        self.jobs: dict[str, Tracked] = {}
        self.export: Export | None = None
        self.last_keys: list[str] = []
        self._listed: dict[int, dict[str, library.TakeRow]] = {}
        self._discarded: set[Path] = set()
        self._link = LinkProcess((own_python(), *bpy.app.python_args))
        self._link_forgot = False
        self._surroundings: dict[str, str] | None = None
        self._epoch = 0
        self._records_are_stale = False
        self._scan_wanted = True
        self._scanned_at = 0.0
        self._scanned: tuple[str, tuple[SceneLayer, ...]] | None = None

    def close(self) -> None:
        """End the link and, where wanted, the server it started."""
        self.drop_export()
        self._link.halt(stop_server=preferences.read().stop_server)

    @property
    def link_pid(self) -> int | None:
        """Process id of the link; None where none was needed yet, or where it ended."""
        return self._link.pid

    def order(self, order: orders.Order) -> None:
        """Hand an order to the link. Raises `bug` for one that cannot be written."""
        self._notice_end()
        surroundings = preferences.environment()
        if surroundings != self._surroundings:
            self._surroundings = surroundings
            self._link.order(orders.Surroundings(surroundings))
        if self._link_forgot:
            self._link_forgot = False
            self._remind()
        self._link.order(order)

    def _notice_end(self) -> None:
        """Take in that the link ended before anything relies on it."""
        ended = self._link.ended()
        if ended is not None:
            self._link_ended(ended)

    def _remind(self) -> None:
        """Tell a new process of the link what the last one took along.

        Straight to the link: where that cannot be started, `order` would come back here for ever.
        """
        for tracked in self.jobs.values():
            if not tracked.view.is_over and (scene := scene_of(tracked.scene)) is not None:
                self._link.order(orders.Follow(tracked.folder, _note(tracked.view, scene)))
                if tracked.is_stopping:
                    self._link.order(orders.Stop(tracked.view.key))
        for survey in _surveys():
            self._link.order(survey)

    def _next_epoch(self) -> int:
        self._epoch += 1
        return self._epoch

    def connect(self, *, patience_s: float = 0.0) -> None:
        """Connect to the server of the preferences."""
        # The order first: the end of a link that it meets belongs to the state before.
        self.order(orders.Connect(preferences.read().target, patience_s, self._next_epoch()))
        self._signal(Signal.CONNECT)

    def connect_if_needed(self) -> None:
        """Connect unless there is a connection or one is on its way."""
        self._notice_end()
        if self.connection not in connection.CONNECTED | connection.COMING:
            self.connect()

    def disconnect(self) -> None:
        """Leave the server."""
        self.order(orders.Disconnect(self._next_epoch()))
        self._signal(Signal.DISCONNECT)

    def start_server(self) -> None:
        """Run the server's program. Raises `no_program`."""
        settings = preferences.read()
        command = settings.server_command(settings.target)
        log_file = Path(bpy.app.tempdir) / "acetate_server.log"
        epoch = self._next_epoch()
        self.order(orders.StartServer(command, log_file, settings.target, epoch))
        self._signal(Signal.START_SERVER)

    def stop_server(self) -> None:
        """End the server that was started from here."""
        self.order(orders.StopServer(self._next_epoch()))
        self._signal(Signal.DISCONNECT)

    def cancel(self, key: str = "") -> None:
        """Stop one job; without a key the export and every job that is not over."""
        if not key:
            self.drop_export()
        for tracked in self.jobs.values():
            if not tracked.view.is_over and key in ("", tracked.view.key):
                tracked.is_stopping = True
                self.order(orders.Stop(tracked.view.key))

    def generate(self, context: bpy.types.Context) -> None:
        """Begin to export the context's scene; the timer goes on, see `pump`.

        Raises what stops it before the first step: `unsaved`, `no_camera`, `no_layers`, `no_gap`.
        """
        scene = context.scene
        settings = preferences.read()
        root = library.takes_root(bpy.data.filepath, settings.temporary_folder())
        if scene.camera is None:
            raise AcetateError("no_camera")
        found = scan(scene)
        shot_settings.sync_layers(scene, found)
        shot = shot_settings.shot_settings(scene, found)
        layers: tuple[LayerSettings, ...] = shot_settings.layer_settings(scene)
        self.drop_export()
        self.error, self.export_error, self.warnings = None, None, []
        self.last_keys = []
        blobs = MemoryBlobs()
        steps = iter(export_steps(context, shot, layers, blobs))
        self.export = Export(
            scene.session_uid, context.view_layer.name, steps, blobs, root, context.window
        )
        self.connect_if_needed()

    def drop_export(self) -> None:
        """Stop an export; its generator leaves nothing behind."""
        if self.export is not None:
            closing = getattr(self.export.steps, "close", None)
            self.export = None
            if closing is not None:
                closing()

    def _step_export(self, export: Export) -> None:
        scene = scene_of(export.scene)
        if scene is None:
            self.drop_export()
            return
        view_layer = scene.view_layers.get(export.view_layer) or scene.view_layers[0]
        override: dict[str, Any] = {"scene": scene, "view_layer": view_layer}
        if export.window is not None and _is_open(export.window):
            override["window"] = export.window
        with bpy.context.temp_override(**override):
            progress = next(export.steps, None)
        if progress is None:
            raise AcetateError("bug", detail="the export ended without a request")
        export.done, export.total, export.text = progress.done, progress.total, progress.text
        self.warnings += [warning.text for warning in progress.warnings]
        if progress.request is not None:
            self.export = None
            self.last_keys = self.send(scene, export.root, progress.request, export.blobs)

    def send(
        self, scene: bpy.types.Scene, root: Path, request: ShotRequest, blobs: MemoryBlobs
    ) -> list[str]:
        """Submit a request, one job per take; returns their keys. Raises `disk`."""
        self._notice_end()
        if self._link_forgot:  # it ended while the layers were read: where to send them is lost
            self.connect_if_needed()
        keys: list[str] = []
        for single in single_takes(request):
            number, folder = _laid_out(root, single, blobs)
            note = library.TakeNote(
                key=new_job_key(),
                number=number,
                seed=single.look.seed,
                file=file_name(),
                scene=scene.name,
            )
            view = JobView(key=note.key, take=folder.name, number=number, seed=note.seed)
            tracked = Tracked(view, scene.session_uid, folder, (single, blobs))
            self.order(orders.Send(folder, note))
            self.jobs[note.key] = tracked
            keys.append(note.key)
        self._records_are_stale = True
        return keys

    def send_again(self) -> bool:
        """Submit the newest failed job of this session anew; False where its shot is gone."""
        for tracked in reversed(list(self.jobs.values())):
            scene = scene_of(tracked.scene)
            has_failed = tracked.view.state in (JobState.FAILED, JobState.LOST)
            if tracked.parcel is not None and has_failed and scene is not None:
                request, blobs = tracked.parcel
                tracked.parcel = None
                self.error = None
                self.connect_if_needed()
                self.last_keys = self.send(scene, tracked.folder.parent, request, blobs)
                return True
        return False

    def pump(self) -> float:
        """Do a little of everything that waits; returns seconds until the next call."""
        changed = self._drain()
        if self.export is not None:
            changed = True
            try:
                self._step_export(self.export)
            except AcetateError as error:
                self.drop_export()
                self.export_error = error
                self.fail(error)
        if self._records_are_stale:
            self._write_records()
        if self._scan_wanted and time.monotonic() - self._scanned_at > SCAN_EVERY_S:
            changed = self._scan() or changed
        if changed:
            redraw()
        return BUSY_INTERVAL_S if self.is_busy else IDLE_INTERVAL_S

    @property
    def is_busy(self) -> bool:
        """Whether something is under way that the artist waits for."""
        return self.has_work or self.connection in connection.BUSY

    @property
    def has_work(self) -> bool:
        """Whether there is anything to cancel."""
        return self.export is not None or any(not job.view.is_over for job in self.jobs.values())

    def job_text(self, view: JobView) -> str:
        """One line about a job, honest about a server that is not there."""
        is_waiting = view.job and not view.is_over and view.state is not JobState.RECEIVING
        if is_waiting and self.connection not in connection.CONNECTED:
            return "Waiting for the server"
        return jobs.text(view)

    def dismiss(self) -> None:
        """Close the error box."""
        self.error = None

    def fail(self, error: AcetateError) -> None:
        """Show an error in the panel until it is dismissed or mended."""
        self.error = {**error.to_dict(), "fix_label": error.spec.fix_label}
        self.error |= {f"value_{name}": str(value) for name, value in error.values.items()}

    def _drain(self) -> bool:
        until = time.perf_counter() + DRAIN_BUDGET_S
        changed = False
        while time.perf_counter() < until:
            report = self._link.next_report()
            if report is None:
                break
            changed = self._take_in(report) or changed
        return changed

    def _take_in(self, report: orders.Report | orders.LinkEnded) -> bool:
        match report:
            case orders.ConnectionReport():
                return self._connection_changed(report)
            case orders.JobReport():
                return self._job_changed(report)
            case orders.PreviewReport():
                thumbnails.load(report.key, report.file)
            case orders.TakeReport():
                self._take_arrived(report)
            case orders.SurveyReport():
                self._surveyed(report)
            case orders.LinkEnded():
                self._link_ended(report)
        return True

    def _signal(self, signal: Signal) -> bool:
        before, self.connection = self.connection, connection.after(self.connection, signal)
        return before is not self.connection

    def _connection_changed(self, report: orders.ConnectionReport) -> bool:
        if report.epoch != self._epoch:
            return False
        if report.facts is not None:
            self.facts = report.facts
            if self.error and self.error["name"] in _MENDED_BY_CONNECTING:
                self.error = None
        changed = self._signal(report.signal)
        shown = report.signal in (
            Signal.GAVE_UP,
            Signal.REFUSED_SECRET,
            Signal.OTHER_VERSION,
        )
        # What is wrong with the shot matters more than that nobody could be asked to make it.
        is_free = self.error is None or self.error["code"].startswith("E2")
        if report.error is not None and shown and changed and is_free:
            self.fail(AcetateError.from_dict(report.error))
        return changed or report.facts is not None

    def _link_ended(self, report: orders.LinkEnded) -> None:
        """Jobs that the server has are followed by the next link; what it has not got is over."""
        self._signal(Signal.CLOSED)
        self._link_forgot, self._surroundings = True, None
        error = AcetateError.from_dict(report.error)
        for tracked in self.jobs.values():
            if tracked.view.is_over:
                continue
            note = library.read_note(tracked.folder)
            # The note is newer than the last report: the job may have been sent since.
            job = tracked.view.job or (note.job if note and note.key == tracked.view.key else "")
            news = JobNews(job=job) if job else JobNews(state=JobState.FAILED, error=report.error)
            self._job_changed(orders.JobReport(tracked.view.key, news))
            if not job:
                outgoing.clear(tracked.folder)
        self.fail(error)

    def _job_changed(self, report: orders.JobReport) -> bool:
        tracked = self.jobs.get(report.key)
        if tracked is None:
            return False
        before, tracked.view = tracked.view, jobs.after(tracked.view, report.news)
        after = tracked.view
        if (before.job, before.state, before.seq) != (after.job, after.state, after.seq):
            self._records_are_stale = True
        if after.state is not before.state and after.state in (JobState.FAILED, JobState.LOST):
            self.fail(AcetateError.from_dict(after.error or {}))
        if after.state in (JobState.DONE, JobState.CANCELLED):
            tracked.parcel = None
        return before != after

    def _take_arrived(self, report: orders.TakeReport) -> None:
        tracked = self.jobs.get(report.key)
        scene = scene_of(tracked.scene) if tracked is not None else None
        if scene is not None:
            self._list_take(scene, report.take)
            self.warnings += list(report.take.warnings)

    def _list_take(self, scene: bpy.types.Scene, take: library.TakeRow) -> None:
        self._listed.setdefault(scene.session_uid, {})[take.id] = take
        add_take(scene, take)

    def take_discarded(self, folder: Path) -> None:
        """Remember that a folder was deleted: undo brings its row back, and not its files."""
        self._discarded.add(folder)

    def file_loaded(self) -> None:
        """Forget the last file's jobs and take up those that this file remembers."""
        self.drop_export()
        self.jobs.clear()
        self._listed.clear()
        self._discarded.clear()
        self.error, self._scanned = None, None
        self._scan_wanted = True
        root = existing_root()
        if root is None:
            return
        for scene in bpy.data.scenes:
            for view in read_records(shot_of(scene).jobs):
                self._resume(scene, root, view)
        self._survey()

    def _survey(self) -> None:
        """Have the link look which takes of the open file are on disk."""
        for survey in _surveys():
            self.order(survey)

    def _resume(self, scene: bpy.types.Scene, root: Path, view: JobView) -> None:
        if view.is_over or view.key in self.jobs:
            return
        if not library.is_take(view.take):  # somebody else's file may say anything
            return
        folder = root / view.take
        known = library.read_note(folder)
        if known is not None and known.key == view.key:
            # The note is newer than the saved file: the job may have been sent or ended since.
            view = replace(view, job=known.job)
        if not view.job:
            return
        tracked = Tracked(jobs.recoverable(view), scene.session_uid, folder)
        self.jobs[view.key] = tracked
        self.order(orders.Follow(folder, _note(view, scene)))
        self.connect_if_needed()

    def _surveyed(self, report: orders.SurveyReport) -> None:
        scene, order = bpy.data.scenes.get(report.order.scene), report.order
        # Another file may be open by now, perhaps one of the same name in another folder.
        if scene is None or (order.root, order.file) != (existing_root(), file_name()):
            return
        for take in report.takes:
            self._list_take(scene, take)
        finished = {take.note.key for take in report.takes}
        for key in finished & self.jobs.keys():
            self.jobs[key].view = replace(self.jobs[key].view, state=JobState.DONE)
        for note in report.unfinished:
            if note.job:
                folder = f"{library.PREFIX}{note.number:03d}"
                view = JobView(note.key, folder, note.number, note.seed, note.job)
                self._resume(scene, report.order.root, view)
        self._records_are_stale = True

    def undone(self) -> None:
        """Undo took records, takes and layers back too: write what is really there again."""
        self._records_are_stale = True
        self._scan_wanted = True
        self._scanned = None
        # At once, not with the survey: adjusting the last operation undoes it and runs it again
        # on the spot, and has to find the same take.
        for scene in bpy.data.scenes:
            for take in self._listed.get(scene.session_uid, {}).values():
                if library.is_finished(take.folder):
                    add_take(scene, take)
            drop_takes(scene, self._discarded)
        self._survey()

    def scene_changed(self) -> None:
        """Something in the file changed: look at the layers again soon."""
        self._scan_wanted = True

    def _write_records(self) -> None:
        self._records_are_stale = False
        for scene in bpy.data.scenes:
            uid = scene.session_uid
            mine = [tracked.view for tracked in self.jobs.values() if tracked.scene == uid]
            text = json.dumps([jobs.to_record(view) for view in mine if not view.is_over])
            text = "" if text == "[]" else text
            if shot_of(scene).jobs != text:
                shot_of(scene).jobs = text

    def _scan(self) -> bool:
        self._scanned_at = time.monotonic()
        self._scan_wanted = False
        scene = bpy.context.scene
        if scene is None or bpy.app.is_job_running("RENDER"):
            return False
        found = (scene.name, scan(scene))
        if found == self._scanned:
            return False
        self._scanned = found
        shot_settings.sync_layers(scene, found[1])
        return True


def _surveys() -> list[orders.Survey]:
    """What to look for on disk: one order per scene, none where no take can be."""
    root = existing_root()
    if root is None:
        return []
    return [orders.Survey(root, file_name(), scene.name) for scene in bpy.data.scenes]


def _note(view: JobView, scene: bpy.types.Scene) -> library.TakeNote:
    return library.TakeNote(
        view.key, view.number, view.seed, view.job, file=file_name(), scene=scene.name
    )


def _laid_out(root: Path, request: ShotRequest, blobs: MemoryBlobs) -> tuple[int, Path]:
    """Number and folder of a new take that holds what to send. Raises `disk`."""
    number, folder = library.reserve(root)
    try:
        outgoing.lay_out(folder, request, blobs)
    except AcetateError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return number, folder


def redraw() -> None:
    """Ask the sidebars that show the state to draw again; the viewports beside them need not."""
    for window in getattr(bpy.context.window_manager, "windows", ()):
        for area in window.screen.areas:
            for region in area.regions if area.type == "VIEW_3D" else ():
                if region.type == "UI":
                    region.tag_redraw()


def _is_open(window: bpy.types.Window | None) -> bool:
    return any(window == other for other in bpy.context.window_manager.windows)


__all__ = ["Export", "JobNews", "Session", "Tracked", "add_take", "read_records", "redraw"]
