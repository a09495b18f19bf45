"""Promises of the commands behind `build.py`."""
