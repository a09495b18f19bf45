"""Tests that drive a windowed Blender by a real mouse under Xvfb; see README.md in this folder."""
