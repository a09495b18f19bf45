"""Tests of the gallery's drawing part, inside Blender."""
