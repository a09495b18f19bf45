"""A clip of figures drawn with all that is known of it: pieces, lines, elements, words.

Pieces are numbered as in material.py. Called by sources of training clips.
"""

from __future__ import annotations

import numpy as np
import skia

from training.procedural.canvas import NumberCanvas, SketchCanvas, polygon, sketch_line_px
from training.procedural.clip import Clip, Layer
from training.procedural.drawn import DrawnClip, DrawnElement, DrawnLayer
from training.procedural.figure import Part
from training.procedural.material import FigureMovement
from training.procedural.render import render, to_pixels
from training.procedural.words import (
    colour_name,
    counted,
    listed,
    sentence,
    travelling,
    with_article,
)

FPS = 8.0
_DONE = {
    "static": "rests",
    "translate": "moves",
    "similarity": "turns and moves",
    "affine": "stretches and moves",
    "deform": "bends and moves",
}


def draw_figures(clip: Clip, width: int, height: int) -> DrawnClip:
    """Draw a clip of `make_clip`. The plate is the lowest layer; limbs are elements of their own.

    Raises nothing of its own.
    """
    pieces, sketch = cover(clip, width, height)
    elements, owners = _elements(clip)
    layers = [DrawnLayer("background", _plate_words(clip))]
    layers += [
        DrawnLayer(f"figure {number}", sentence(_told(layer, clip)))
        for number, layer in enumerate(clip.layers, 1)
    ]
    return DrawnClip(
        frames=np.ascontiguousarray(render(clip, width, height).composites[..., :3]),
        pieces=pieces,
        piece_elements=owners,
        elements=elements,
        layers=tuple(layers),
        sketch=sketch,
        movement=FigureMovement(clip, width, height),
        caption=_caption(clip),
        fps=FPS,
    )


def layer_sketches(clip: Clip, width: int, height: int) -> np.ndarray:
    """Line drawings of each layer alone: uint8 [layers, frames, h, w], 0 on a line .. 255 paper.

    Layers as in `draw_figures`: the plate first.
    """
    lines = SketchCanvas(width, height, sketch_line_px(height))
    for shape in clip.plate.shapes:
        path = polygon(to_pixels(shape.points, width, height), closed=True)
        lines.shape(path, hides=True)
    plate = np.broadcast_to(lines.cover(), (1, clip.frames, height, width))
    return 255 - np.concatenate([plate, render(clip, width, height).sketches])


def _elements(clip: Clip) -> tuple[tuple[DrawnElement, ...], np.ndarray]:
    """The plate, then each layer's body with its features, then each of its limbs."""
    elements = [DrawnElement("background", 0)]
    owners = [0]
    for number, layer in enumerate(clip.layers, 1):
        body = len(elements)
        elements.append(DrawnElement(f"figure {number}", number))
        limbs = 0
        for part in layer.figure.parts:
            if part.kind != "limb":
                owners.append(body)
                continue
            limbs += 1
            owners.append(len(elements))
            elements.append(DrawnElement(f"figure {number} limb {limbs}", number))
    return tuple(elements), np.array(owners, np.uint16)


def _caption(clip: Clip) -> str:
    told = [_told(layer, clip) for layer in clip.layers]
    return f"{sentence(counted(len(told), 'figure'))[:-1]}: {listed(told)}. {_plate_words(clip)}"


def _told(layer: Layer, clip: Clip) -> str:
    body = next(part for part in layer.figure.parts if part.kind == "body")
    limbs = sum(part.kind == "limb" for part in layer.figure.parts)
    name = f"{colour_name(body.fill or (0, 0, 0))} creature"
    with_limbs = f" with {counted(limbs, 'limb')}" if limbs else ""
    seconds = (clip.frames - 1) / FPS
    start, end = layer.motion.pose(0.0).shift, layer.motion.pose(1.0).shift
    done = _DONE[layer.stratum]
    if layer.stratum != "static":
        done = travelling(done, (end - start).tolist(), seconds)
    return f"{with_article(name)}{with_limbs} {done}"


def _plate_words(clip: Clip) -> str:
    top, bottom = colour_name(clip.plate.top), colour_name(clip.plate.bottom)
    tones = top if top == bottom else f"{top} and {bottom}"
    return f"Flat shapes on {with_article(tones)} background."


def cover(clip: Clip, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """The topmost piece at each pixel's centre, and all lines that nothing hides.

    Returns uint16 [frames, h, w] and uint8 [frames, h, w], 0 on a line .. 255 paper.
    """
    numbers = NumberCanvas(width, height)
    lines = SketchCanvas(width, height, sketch_line_px(height))
    plate = [
        polygon(to_pixels(shape.points, width, height), closed=True) for shape in clip.plate.shapes
    ]
    pieces: list[np.ndarray] = []
    sketches: list[np.ndarray] = []
    for frame in range(clip.frames):
        numbers.clear()
        lines.clear()
        for path in plate:
            lines.shape(path, hides=True)
        for number, (part, path) in enumerate(_paths(clip, frame, width, height), 1):
            line_px = part.line_width * height if part.line is not None else 0.0
            filled = part.fill is not None and part.closed
            numbers.shape(path, number, filled=filled, line_px=line_px)
            lines.shape(path, hides=filled, drawn=part.sketched)
        pieces.append(numbers.numbers())
        sketches.append(255 - lines.cover())
    return np.stack(pieces), np.stack(sketches)


def _paths(clip: Clip, frame: int, width: int, height: int) -> list[tuple[Part, skia.Path]]:
    time = clip.time(frame)
    return [
        (part, polygon(to_pixels(points, width, height), closed=part.closed))
        for layer in clip.layers
        for part, points in zip(
            layer.figure.parts,
            layer.outlines(0.0 if layer.stratum == "static" else time),
            strict=True,
        )
    ]
