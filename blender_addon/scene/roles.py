"""Suggests what a layer is for, by its name and content; no Blender in here."""

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
    words = set(_words(name))
    if words & _GUIDE:
        return Role.GUIDE
    if hidden or not key_count:
        return Role.IGNORE
    if words & _BACKGROUND:
        return Role.BACKGROUND
    if locked or (key_count == 1 and not moves):
        return Role.HOLD
    return Role.ANIMATE


def guided_name(name: str) -> str:
    """Which layer a guide is for, by its name: `tail rough` is for `tail`; else empty."""
    words = _words(name)
    return " ".join(word for word in words if word not in _GUIDE) if set(words) & _GUIDE else ""


def plain_name(name: str) -> str:
    """A layer's name in the form that `guided_name` gives, for comparison."""
    return " ".join(_words(name))


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\W_\d]+", name.casefold()) if word]
