"""Promises about the layered data set on disk."""
