"""Where jobs, pictures and imported models are kept on this computer; for every room inside."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def default_data_dir() -> Path:
    """Where jobs and their pictures are kept: `ACETATE_DATA_DIR`, else the user's data folder."""
    if chosen := os.environ.get("ACETATE_DATA_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "acetate" / "data"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "acetate"
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "acetate"


def models_dir() -> Path:
    """Where imported models are kept: `ACETATE_MODELS_DIR`, else `models` in the data folder.

    A server's own `--data-dir` does not move it, so that a model is imported once per computer.
    """
    if chosen := os.environ.get("ACETATE_MODELS_DIR"):
        return Path(chosen)
    return default_data_dir() / "models"
