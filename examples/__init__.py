"""Runnable examples for people who want to see the project at work or to write a client."""
