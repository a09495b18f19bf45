"""The first panel: server state, Generate, progress, preview and the error box."""

from __future__ import annotations

import bpy

from .. import runtime, thumbnails
from ..fixes import FIXES
from ..link import connection
from ..link.connection import Connection
from ..session import Session, Tracked
from .sidebar import SidebarPanel, draw_wrapped

_SHOWN_NOTES = 3
_SHOWN_JOBS = 3
# Its end: of a log, the last words say why.
_SHOWN_DETAIL = 200


class ACETATE_MT_more(bpy.types.Menu):
    """Server and file commands."""

    bl_idname = "ACETATE_MT_more"
    bl_label = "More"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the menu."""
        del context
        for name in ("connect", "disconnect", "server_start", "server_stop"):
            self.layout.operator(f"acetate.{name}")
        self.layout.separator()
        self.layout.operator("acetate.export_package", icon="EXPORT")
        self.layout.operator("acetate.diagnostics", icon="COPYDOWN")


class ACETATE_PT_run(SidebarPanel):
    """State and the one primary button."""

    bl_idname = "ACETATE_PT_run"
    bl_label = "Acetate"
    bl_options = {"HIDE_HEADER"}
    bl_order = 0

    def draw(self, context: bpy.types.Context) -> None:
        """Draw from what the session knows; no work is done here."""
        session = runtime.session()
        layout = self.layout
        _draw_status(layout, session)
        row = layout.row(align=True)
        row.scale_y = 1.5
        row.operator("acetate.generate", icon="RENDER_ANIMATION")
        _draw_export(layout, session)
        _draw_jobs(layout, session, context.scene)
        _draw_warnings(layout, session, context.scene)
        if session.error is not None:
            _draw_error(layout, session.error)


def _draw_status(layout: bpy.types.UILayout, session: Session) -> None:
    # A box, because a panel without header has no ground of its own over the drawing.
    row = layout.box().row(align=True)
    row.label(
        text=connection.text(session.connection, session.facts),
        icon=connection.icon(session.connection),
    )
    if session.connection in (Connection.OFF, Connection.LOST, Connection.AUTH_REQUIRED):
        row.operator("acetate.connect", text="", icon="LINKED")
    row.menu("ACETATE_MT_more", text="", icon="DOWNARROW_HLT")


def _draw_export(layout: bpy.types.UILayout, session: Session) -> None:
    if session.export is None:
        return
    row = layout.row(align=True)
    total = max(session.export.total, 1)
    row.progress(
        factor=min(session.export.done / total, 1.0),
        text=f"Reading layers {session.export.done}/{session.export.total}",
    )
    row.operator("acetate.job_cancel", text="", icon="X").export_only = True


def _draw_jobs(layout: bpy.types.UILayout, session: Session, scene: bpy.types.Scene) -> None:
    """The oldest unfinished jobs, because those run first, and how many wait behind them."""
    mine = [one for one in session.jobs.values() if one.scene == scene.session_uid]
    unfinished = [one for one in mine if not one.view.is_over]
    for tracked in unfinished[:_SHOWN_JOBS]:
        _draw_job(layout, session, tracked)
    if len(unfinished) > _SHOWN_JOBS:
        layout.label(text=f"{len(unfinished) - _SHOWN_JOBS} more")


def _draw_job(layout: bpy.types.UILayout, session: Session, tracked: Tracked) -> None:
    view = tracked.view
    row = layout.row(align=True)
    row.progress(factor=view.fraction, text=session.job_text(view))
    row.operator("acetate.job_cancel", text="", icon="X").key = view.key
    icon = thumbnails.icon_of(view.key)
    if icon:
        layout.template_icon(icon_value=icon, scale=5.0)
    layout.label(text=f"Take {view.number} · seed {view.seed}")


def _draw_warnings(layout: bpy.types.UILayout, session: Session, scene: bpy.types.Scene) -> None:
    said = list(dict.fromkeys(session.warnings))
    texts = said[:_SHOWN_NOTES]
    if len(said) > len(texts):
        texts.append(f"{len(said) - len(texts)} more notes stand with the take")
    transform = scene.view_settings.view_transform
    if transform != "Standard":
        texts.append(f"View Transform {transform} changes colours; use Standard")
    for text in texts:
        draw_wrapped(layout, text, "INFO")


def _draw_error(layout: bpy.types.UILayout, error: dict[str, str]) -> None:
    box = layout.box()
    head = box.column(align=True)
    head.alert = True
    draw_wrapped(head, error["text"], "ERROR")
    body = box.column(align=True)
    draw_wrapped(body, error["hint"], "NONE")
    if detail := " ".join(error["detail"].split())[-_SHOWN_DETAIL:]:
        draw_wrapped(body, detail, "NONE")
    row = box.row(align=True)
    if error["fix"] in FIXES and error.get("fix_label"):
        row.operator("acetate.error_fix", text=error["fix_label"], icon="TOOL_SETTINGS")
    row.operator("acetate.diagnostics", text="Copy", icon="COPYDOWN")
    row.operator("acetate.error_dismiss", text="", icon="X")
    box.label(text=error["code"])


CLASSES: tuple[type, ...] = (ACETATE_MT_more, ACETATE_PT_run)
