"""Blender's maths module as the type checker sees it: present, and without types of its own."""

from typing import Any

def __getattr__(name: str) -> Any: ...
