"""Suggests what a layer is for, by its name and content (product spec 4.9); no Blender in here."""

from __future__ import annotations

import re

from ..shared.shot import Role

_BACKGROUND = {"bg", "background", "backdrop", "paper", "sky", "set", "hintergrund"}
_GUIDE = {"rough", "roughs", "sketch", "guide", "guides", "layout", "construction", "skizze"}


def suggest_role(name: str, *, key_count: int, locked: bool, hidden: bool, moves: bool) -> Role:
    """The role that an artist most likely means.

    A hidden layer is ignored unless its name says that it is a guide. Locked layers and those with
    a single drawing that does not move are held.
    """
    words = set(re.split(r"[\W_\d]+", name.casefold()))
    if words & _GUIDE:
        return Role.GUIDE
    if hidden or not key_count:
        return Role.IGNORE
    if words & _BACKGROUND:
        return Role.BACKGROUND
    if locked or (key_count == 1 and not moves):
        return Role.HOLD
    return Role.ANIMATE
