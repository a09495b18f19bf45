"""Tests of reading the scene, run inside a bpy interpreter."""
