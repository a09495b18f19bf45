"""Promises about where training samples come from."""
