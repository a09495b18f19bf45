"""Samples for training: their order, and sources made of clips, Blender shots and data sets."""
