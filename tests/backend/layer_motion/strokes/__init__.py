"""Promises of the rooms of strokes, from the lowest to what an artist sees."""
