"""Blender's maths module as the type checker sees it: present, and without types of its own."""

from _typeshed import Incomplete

def __getattr__(name: str) -> Incomplete: ...
