"""Collects what a bug report needs as plain text; no folder names, no drawings, nothing is sent."""

from __future__ import annotations

import platform
from pathlib import Path

import bpy

from .properties import shot_of
from .session import Session


def collect(context: bpy.types.Context, session: Session) -> str:
    """Versions, connection, jobs, layers and the last error, one fact a line."""
    home = str(Path.home())
    lines = [
        f"Blender {bpy.app.version_string}, Python {platform.python_version()}",
        f"{platform.system()} {platform.machine()}",
        f"connection: {session.connection.value}",
        f"server: {session.facts.version} on {session.facts.device}",
        f"link process: {'running' if session.link_pid else 'not running'}",
    ]
    for tracked in session.jobs.values():
        view = tracked.view
        lines.append(f"job {view.job[:8]} take {view.number}: {view.state.value} {view.engine}")
    if context.scene is not None:
        lines += _scene_lines(context.scene)
    if session.error is not None:
        lines.append(f"error: {session.error['code']} {session.error['text']}")
        lines.append(f"detail: {session.error['detail']}")
    return "\n".join(lines).replace(home, "~")


def _scene_lines(scene: bpy.types.Scene) -> list[str]:
    shot = shot_of(scene)
    render = scene.render
    lines = [
        f"size: {render.resolution_x}x{render.resolution_y} at {render.resolution_percentage} %",
        f"view transform: {scene.view_settings.view_transform}",
        f"shot: {shot.mode} {shot.range} {shot.engine} on {shot.exposure}",
    ]
    counts: dict[str, int] = {}
    for row in shot.layers:
        counts[row.role] = counts.get(row.role, 0) + 1
    lines.append("layers: " + ", ".join(f"{count} {role}" for role, count in counts.items()))
    return lines
