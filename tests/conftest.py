"""Fixtures for every room: where the reference material lies, and one torch thread per process."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
# What is installed on the computer that runs the tests must not decide them.
os.environ["ACETATE_MODELS_DIR"] = os.path.join(tempfile.gettempdir(), "acetate-tests-no-models")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """The reference folder beside the repository (read-only); skips where it is absent."""
    folder = Path(os.environ.get("ACETATE_REFERENCE", ROOT.parent / "shared"))
    if not (folder / "reference").is_dir():
        pytest.skip("the reference material (../shared) is not beside this checkout")
    return folder
