"""The list of all gallery shots; the drawing program and the evaluation ask here."""

from __future__ import annotations

from .cast import cape_shot, crowd_shot
from .flutter import butterfly_shot, fish_shot
from .journeys import border_shot, pan_shot
from .nature import fire_shot, smoke_shot, water_shot
from .people import hair_shot, talk_shot, turn_shot
from .reveals import door_shot, hand_shot
from .runners import dog_shot, frog_shot
from .shot import GalleryShot
from .swings import car_shot, lantern_shot
from .tilting import tilt_shot
from .travellers import ball_shot, bird_shot, walk_shot
from .waving import wave_shot


def all_shots() -> tuple[GalleryShot, ...]:
    """Every shot of the gallery, in the order of its page."""
    return (
        walk_shot(),
        turn_shot(),
        talk_shot(),
        ball_shot(),
        cape_shot(),
        hair_shot(),
        smoke_shot(),
        fire_shot(),
        water_shot(),
        crowd_shot(),
        pan_shot(),
        border_shot(),
        bird_shot(),
        wave_shot(),
        dog_shot(),
        fish_shot(),
        butterfly_shot(),
        frog_shot(),
        car_shot(),
        tilt_shot(),
        lantern_shot(),
        hand_shot(),
        door_shot(),
    )
