"""Dismiss an error, mend it by its fix, copy diagnostics."""

from __future__ import annotations

import bpy

from .. import diagnostics, fixes, runtime
from ..shared.errors import AcetateError
from .guard import GuardedOperator


class ACETATE_OT_error_dismiss(GuardedOperator):
    """Close the error box"""

    bl_idname = "acetate.error_dismiss"
    bl_label = "Dismiss"
    bl_options = {"REGISTER"}

    def act(self, context: bpy.types.Context) -> set[str]:
        """Forget the shown error."""
        del context
        runtime.session().dismiss()
        return {"FINISHED"}


class ACETATE_OT_error_fix(GuardedOperator):
    """Do what mends the shown error"""

    bl_idname = "acetate.error_fix"
    bl_label = "Fix"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> set[str]:
        """Run the fix that the error names."""
        session = runtime.session()
        error = session.error
        if error is None:
            return {"CANCELLED"}
        if error["fix"] not in fixes.FIXES:
            raise AcetateError("usage", where="Nothing can be done from here")
        session.dismiss()
        fixes.FIXES[error["fix"]](context, error)
        return {"FINISHED"}


class ACETATE_OT_diagnostics(GuardedOperator):
    """Copy versions, states and the last error as text for a bug report"""

    bl_idname = "acetate.diagnostics"
    bl_label = "Copy Diagnostics"
    bl_options = {"REGISTER"}

    def act(self, context: bpy.types.Context) -> set[str]:
        """Put the text on the clipboard."""
        context.window_manager.clipboard = diagnostics.collect(context, runtime.session())
        self.report({"INFO"}, "Diagnostics copied")
        return {"FINISHED"}


CLASSES: tuple[type[bpy.types.Operator], ...] = (
    ACETATE_OT_error_dismiss,
    ACETATE_OT_error_fix,
    ACETATE_OT_diagnostics,
)
