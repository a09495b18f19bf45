"""Vector clips with known layers, sketches and motion, for training, evaluation and any test."""

from training.procedural.clip import Clip, Stream, make_clip
from training.procedural.motion import STRATA, Stratum
from training.procedural.render import RenderedClip, SketchStyle, render

__all__ = [
    "STRATA",
    "Clip",
    "RenderedClip",
    "SketchStyle",
    "Stratum",
    "Stream",
    "make_clip",
    "render",
]
