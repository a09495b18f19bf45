"""Promises of acetate-mini: its rules, its weights, its effect."""
