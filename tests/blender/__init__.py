"""Tests that run inside a bpy interpreter."""
