"""Tests of the extension's interface, link and takes, inside a bpy interpreter."""
