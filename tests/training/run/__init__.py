"""Promises of the training loop."""
