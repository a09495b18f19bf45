"""Clips whose truth is known exactly, and the measured bars of the curation stages."""
