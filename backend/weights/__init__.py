"""Bundled weights, one folder per model: config, safetensors, card; found through `bundled`."""

from __future__ import annotations

from pathlib import Path


def bundled(name: str) -> Path:
    """Folder of a bundled model (it may not exist)."""
    return Path(__file__).resolve().parent / name
