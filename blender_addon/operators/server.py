"""Connect, disconnect, start and stop a server; all of them only hand orders to the link."""

from __future__ import annotations

import bpy

from .. import runtime
from ..link.connection import Connection
from .guard import GuardedOperator


class ACETATE_OT_connect(GuardedOperator):
    """Connect to the server of the preferences"""

    bl_idname = "acetate.connect"
    bl_label = "Connect"
    bl_options = {"REGISTER"}

    def act(self, context: bpy.types.Context) -> set[str]:
        """Order a connection."""
        del context
        session = runtime.session()
        session.dismiss()
        session.connect()
        return {"FINISHED"}


class ACETATE_OT_disconnect(GuardedOperator):
    """Leave the server, where jobs go on"""

    bl_idname = "acetate.disconnect"
    bl_label = "Disconnect"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only while there is a connection to leave."""
        del context
        return runtime.session().connection is not Connection.OFF

    def act(self, context: bpy.types.Context) -> set[str]:
        """Order the end of the connection."""
        del context
        runtime.session().disconnect()
        return {"FINISHED"}


class ACETATE_OT_server_start(GuardedOperator):
    """Run the server program of the preferences on this computer"""

    bl_idname = "acetate.server_start"
    bl_label = "Start Server"
    bl_options = {"REGISTER"}

    def act(self, context: bpy.types.Context) -> set[str]:
        """Order the start of the program."""
        del context
        session = runtime.session()
        session.dismiss()
        session.start_server()
        return {"FINISHED"}


class ACETATE_OT_server_stop(GuardedOperator):
    """Stop the server that was started from here"""

    bl_idname = "acetate.server_stop"
    bl_label = "Stop Server"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only while there may be one."""
        del context
        return runtime.session().connection is not Connection.OFF

    def act(self, context: bpy.types.Context) -> set[str]:
        """Order its end."""
        del context
        runtime.session().stop_server()
        return {"FINISHED"}


CLASSES: tuple[type[bpy.types.Operator], ...] = (
    ACETATE_OT_connect,
    ACETATE_OT_disconnect,
    ACETATE_OT_server_start,
    ACETATE_OT_server_stop,
)
