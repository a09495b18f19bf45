"""Promises of the figures of merit, each checked where the truth is known by construction."""
