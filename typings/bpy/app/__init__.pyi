"""Part of Blender's module as the type checker sees it: present, without types of its own."""

from _typeshed import Incomplete

def __getattr__(name: str) -> Incomplete: ...
