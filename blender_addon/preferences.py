"""Preferences of the extension and their plain form; operators and the session read the plain form.

Scripts and tests may override the server by `ACETATE_SERVER`, `ACETATE_TOKEN_FILE` and
`ACETATE_PROGRAM`.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from . import keymap
from .link.orders import OURS, Target
from .shared.errors import AcetateError

PACKAGE = __package__ or "acetate"


class ACETATE_AP_preferences(bpy.types.AddonPreferences):
    """What concerns this computer, not one scene."""

    bl_idname = PACKAGE

    server: EnumProperty(
        name="Server",
        description="Which server to use",
        items=(
            ("local", "This Computer", "The server that announced itself on this computer"),
            ("address", "Address", "The server at the address below"),
        ),
    )
    address: StringProperty(
        name="Address", description="Such as tcp://127.0.0.1:5577", default="tcp://127.0.0.1:5577"
    )
    secret_file: StringProperty(
        name="Secret File",
        description="File with the secret of the server, empty for the announced one",
        subtype="FILE_PATH",
    )
    program: StringProperty(
        name="Server Program",
        description="The acetate program that Start Server runs",
        subtype="FILE_PATH",
    )
    connect_at_start: BoolProperty(
        name="Connect at Start",
        description="Connect when Blender starts and a server of this computer is running",
        default=True,
    )
    stop_server: BoolProperty(
        name="Stop Server with Blender",
        description="Stop a server that was started from here when Blender quits",
        default=True,
    )
    allow_temporary: BoolProperty(
        name="Allow Unsaved Files",
        description="Keep takes of unsaved files in a temporary folder until Blender quits",
        default=False,
    )
    use_keymap: BoolProperty(
        name="Keyboard Shortcuts",
        description="Use the keyboard shortcuts of the extension",
        default=True,
        update=keymap.follow_preference,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the preferences."""
        del context
        column = self.layout.column()
        column.use_property_split = True
        column.prop(self, "server")
        if self.server == "address":
            column.prop(self, "address")
        column.prop(self, "secret_file")
        column.prop(self, "program")
        column.separator()
        for name in ("connect_at_start", "stop_server", "allow_temporary", "use_keymap"):
            column.prop(self, name)
        if self.use_keymap:
            keymap.draw(self.layout)


@dataclass(frozen=True)
class Settings:
    """The preferences as data, environment variables applied."""

    target: Target = field(default_factory=Target)
    program: tuple[str, ...] = ()
    connect_at_start: bool = True
    stop_server: bool = True
    allow_temporary: bool = False
    use_keymap: bool = True

    def server_command(self, target: Target) -> tuple[str, ...]:
        """How to run the server. Raises `no_program` where no program was set."""
        if not self.program:
            raise AcetateError("no_program", detail="no path is set")
        command = [*self.program, "serve"]
        if target.address:
            command += ["--listen", target.address]
        return tuple(command)

    def temporary_folder(self) -> Path | None:
        """Where takes of unsaved files may go; None where that is not wanted."""
        return Path(bpy.app.tempdir) if self.allow_temporary else None


def read() -> Settings:
    """The preferences now; defaults where the extension is imported but not enabled."""
    addon = bpy.context.preferences.addons.get(PACKAGE)
    chosen = addon.preferences if addon else None
    own = environment()
    address = own.get("ACETATE_SERVER") or None
    secret = own.get("ACETATE_TOKEN_FILE") or ""
    program = tuple(shlex.split(own.get("ACETATE_PROGRAM") or ""))
    if chosen is None:
        return Settings(Target(address, Path(secret) if secret else None), program)
    if address is None and chosen.server == "address":
        address = chosen.address or None
    secret = secret or bpy.path.abspath(chosen.secret_file)
    if not program and chosen.program:
        program = (bpy.path.abspath(chosen.program),)
    return Settings(
        target=Target(address, Path(secret) if secret else None),
        program=program,
        connect_at_start=chosen.connect_at_start,
        stop_server=chosen.stop_server,
        allow_temporary=chosen.allow_temporary,
        use_keymap=chosen.use_keymap,
    )


def environment() -> dict[str, str]:
    """The variables by which scripts and tests choose the server, for processes that act for it."""
    return {name: value for name, value in os.environ.items() if name.startswith(OURS)}


CLASSES: tuple[type, ...] = (ACETATE_AP_preferences,)
