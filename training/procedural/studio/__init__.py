"""Scenes that look like animation: figures with joints, effects, backgrounds, a camera."""

from training.procedural.studio.paint import paint, paint_layer_sketches
from training.procedural.studio.stage import make_scene

__all__ = ["make_scene", "paint", "paint_layer_sketches"]
