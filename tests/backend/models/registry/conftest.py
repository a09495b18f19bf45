"""A saved tiny model and an empty store."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .folders import tiny_folder


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LayerAnimate in the published layout; tests must not change it."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    tiny_folder(folder)
    return folder


@pytest.fixture
def published(saved_model: Path, tmp_path: Path) -> Path:
    """A copy of a tiny LayerAnimate in the published layout."""
    return Path(shutil.copytree(saved_model, tmp_path / "LayerAnimate-Mix"))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where models would be kept; it does not exist yet."""
    return tmp_path / "data" / "models"
