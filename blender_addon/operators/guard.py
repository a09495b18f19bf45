"""Base of all operators: a user's mistake becomes the error box and a report, never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable

import bpy

from .. import runtime
from ..shared.errors import AcetateError

_log = logging.getLogger(__name__)


class GuardedOperator(bpy.types.Operator):
    """Runs `act` and turns errors of the catalogue into the panel's box and Blender's report."""

    bl_idname = "acetate.guarded"
    bl_label = "Guarded"
    bl_options = {"INTERNAL"}

    def act(self, context: bpy.types.Context) -> set[str]:
        """What the operator does. May raise `AcetateError`."""
        del context
        return {"CANCELLED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run `act`; a script sees a failure as RuntimeError with code, text and hint."""
        return self.guarded(context, self.act)

    def guarded(
        self, context: bpy.types.Context, action: Callable[[bpy.types.Context], set[str]]
    ) -> set[str]:
        """Run one action under the guard."""
        try:
            return action(context)
        except AcetateError as error:
            return self.refuse(error)
        except Exception as error:  # noqa: BLE001 (the border between our code and Blender)
            _log.exception("%s failed", self.bl_idname)
            return self.refuse(AcetateError("bug", detail=repr(error)))

    def refuse(self, error: AcetateError) -> set[str]:
        """Show why it did not work and what to do."""
        runtime.session().fail(error)
        self.report({"ERROR"}, f"{error.code} {error.text}. {error.hint}")
        return {"CANCELLED"}
