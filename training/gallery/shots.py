"""The list of all gallery shots; the drawing program and the evaluation ask here."""

from __future__ import annotations

from .shot import GalleryShot
from .travellers import ball_shot, bird_shot, walk_shot


def all_shots() -> tuple[GalleryShot, ...]:
    """Every shot of the gallery, in the order of its page."""
    return (
        walk_shot(),
        ball_shot(),
        bird_shot(),
    )
