"""What layer motion tells the artist where it could not do as asked; the engine's plans carry it.

Each is the end of a line that begins with the layer's name, and says what to do about it.
"""

from __future__ import annotations

BLANK = (
    "nothing is drawn on its keys here, so it stays empty. Draw on them, or set the layer to Hold."
)
FADES_OUT = (
    "its next key shows nothing or nearly nothing, so the drawing fades out. "
    "Draw that key, or delete all its strokes to end the layer there."
)
FADES_IN = (
    "its first key shows nothing or nearly nothing, so the next one fades in. "
    "Draw that key, or move it to where the layer begins."
)
UNLIKE = (
    "its two keys have nothing in common, so one dissolves into the other. "
    "Draw a key between them, or sketches of how one becomes the other."
)
UNMATCHED = (
    "its strokes find no partners in the next key, so its picture is moved as a whole. "
    "Draw the next key from a copy of this one, or add a sketch between them."
)
UNRELATED = (
    "its sketch has nothing in common with its drawing and is not followed. "
    "Link the sketch to the layer it was drawn for, or sketch over a key, too."
)
