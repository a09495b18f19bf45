"""Counts what a computation costs without timing it: work, bytes, memory, calls."""
