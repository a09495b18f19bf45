"""Figures of merit of generated clips, with and without feature weights."""
