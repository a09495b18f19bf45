"""Promises of layer motion."""
