"""All operators of the extension; `CLASSES` is registered by the package."""

from __future__ import annotations

import bpy

from . import errors, generate, layers, package, server, takes

CLASSES: tuple[type[bpy.types.Operator], ...] = (
    *generate.CLASSES,
    *server.CLASSES,
    *layers.CLASSES,
    *takes.CLASSES,
    *package.CLASSES,
    *errors.CLASSES,
)
