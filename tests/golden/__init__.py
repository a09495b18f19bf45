"""Runs directories of golden vectors through the project: `python -m tests.golden DIR [--json]`."""
