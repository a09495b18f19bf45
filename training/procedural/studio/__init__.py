"""Scenes that look like animation: characters with joints, effects, painted backgrounds, a camera."""

from training.procedural.studio.paint import paint
from training.procedural.studio.stage import make_scene

__all__ = ["make_scene", "paint"]
