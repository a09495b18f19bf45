"""Geometry without weights: moves each layer's own art by what its controls tell."""
