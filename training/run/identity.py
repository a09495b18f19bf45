"""What a checkpoint belongs to: settings, data, frozen weights, code; the checkpoints use this."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

import training
from training.run.config import LoopConfig, deciding


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`settings`: those that decide what is learned, by dotted name. `code`: for the record."""

    settings: dict[str, Any]
    data: str
    frozen: str
    code: str

    def differences(self, other: Identity) -> list[str]:
        """What another run does otherwise, one line each; the code is not compared."""
        mine, its = (msgspec.to_builtins(who.settings) for who in (self, other))
        lines = [
            f"{key}: {mine.get(key, 'absent')} is now {its.get(key, 'absent')}"
            for key in sorted(mine.keys() | its.keys())
            if mine.get(key) != its.get(key)
        ]
        lines += ["the data have changed"] if self.data != other.data else []
        lines += ["the frozen weights have changed"] if self.frozen != other.frozen else []
        return lines


def identify(config: LoopConfig, data: str, frozen: str) -> Identity:
    """The identity of a run that starts now."""
    plain = msgspec.json.decode(msgspec.json.encode(deciding(config)))
    return Identity(settings=plain, data=data, frozen=frozen, code=code_version())


def code_version() -> str:
    """The git commit that runs, marked where files were changed; else the installed version."""
    folder = Path(training.__file__).parents[1]
    commit = _git(folder, "rev-parse", "HEAD") if (folder / ".git").exists() else ""
    if commit:
        return f"git {commit}" + (" with changes" if _git(folder, "status", "--porcelain") else "")
    try:
        return f"acetate {metadata.version('acetate')}"
    except metadata.PackageNotFoundError:
        return "unknown"


def _git(folder: Path, *arguments: str) -> str:
    """What git says, or nothing where there is no git."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
