"""Promises of the demo scene inside Blender."""
