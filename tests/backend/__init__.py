"""Tests of the backend room."""
