"""Panels of the sidebar tab; they only read the session and the scene's properties."""

from __future__ import annotations

from . import layers, run, shot, takes

CLASSES: tuple[type, ...] = (*run.CLASSES, *shot.CLASSES, *layers.CLASSES, *takes.CLASSES)
