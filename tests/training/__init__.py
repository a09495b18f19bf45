"""Promises of the training room."""
