"""Generate and cancel: by a click with the timer going on, or blocking for scripts and TDs."""

from __future__ import annotations

import time

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from .. import runtime
from ..link.jobs import JobState
from ..session import Session
from ..shared.errors import AcetateError
from .guard import GuardedOperator

_TICK_S = 0.01


class ACETATE_OT_generate(GuardedOperator):
    """Send the layers and bring new drawings back as a take"""

    bl_idname = "acetate.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER"}

    wait: BoolProperty(
        name="Wait",
        description="Block until the take is there (scripts only)",
        default=True,
        options={"SKIP_SAVE"},
    )
    timeout_s: FloatProperty(
        name="Time Limit",
        description="Longest wait in seconds, 0 for none",
        min=0.0,
        default=0.0,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """The artist's click: begin and return; the timer does the rest."""
        del event
        return self.guarded(context, self._begin)

    def _begin(self, context: bpy.types.Context) -> set[str]:
        runtime.session().generate(context)
        return {"FINISHED"}

    def act(self, context: bpy.types.Context) -> set[str]:
        """The scripted path: the same steps, pumped here until every take is on disk."""
        session = runtime.session()
        session.generate(context)
        if self.wait:
            _pump_until_over(session, self.timeout_s)
        return {"FINISHED"}


def _pump_until_over(session: Session, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s if timeout_s else None
    while session.export is not None or _unfinished(session):
        session.pump()
        if session.export is None:
            time.sleep(_TICK_S)
        if until is not None and time.monotonic() > until:
            raise AcetateError("wait_timeout", seconds=round(timeout_s))
    session.pump()
    if session.export_error is not None:
        raise session.export_error
    if not session.last_keys:
        raise AcetateError("cancelled")
    for key in session.last_keys:
        view = session.jobs[key].view
        if view.state is not JobState.DONE:
            raise AcetateError.from_dict(view.error) if view.error else AcetateError("cancelled")


def _unfinished(session: Session) -> bool:
    return any(not session.jobs[key].view.is_over for key in session.last_keys)


class ACETATE_OT_job_cancel(GuardedOperator):
    """Stop after the current step"""

    bl_idname = "acetate.job_cancel"
    bl_label = "Cancel"
    bl_options = {"REGISTER"}

    key: StringProperty(
        name="Job",
        description="Key of the job, empty for all",
        options={"HIDDEN", "SKIP_SAVE"},
    )
    export_only: BoolProperty(
        name="Export Only",
        description="Stop reading layers, no job",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only while something runs."""
        del context
        return runtime.session().has_work

    def act(self, context: bpy.types.Context) -> set[str]:
        """Cancel the export, one job or everything."""
        del context
        if self.export_only:
            runtime.session().drop_export()
        else:
            runtime.session().cancel(self.key)
        return {"FINISHED"}


CLASSES: tuple[type[bpy.types.Operator], ...] = (ACETATE_OT_generate, ACETATE_OT_job_cancel)
