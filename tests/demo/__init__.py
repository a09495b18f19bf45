"""Promises of the demo's drawings and of the demo's run as a whole."""
