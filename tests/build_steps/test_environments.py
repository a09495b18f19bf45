"""Environments are made once and again only when what they hold has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from build_steps.environments import (
    BLENDERS,
    Environment,
    blender_environment,
    ensure,
    is_ready,
    main_environment,
    requirement,
)
from build_steps.terminal import BuildError

ROOT = Path(__file__).resolve().parents[2]


def test_torch_is_installed_first_and_alone() -> None:
    first, *_ = main_environment(ROOT).installs
    assert first == (requirement(ROOT, "torch"),)
    assert first[0].startswith("torch==")


@pytest.mark.parametrize("version", sorted(BLENDERS))
def test_blender_environments_take_their_bounds_from_the_project(version: str) -> None:
    packages = blender_environment(ROOT, version).installs[0]
    assert f"bpy=={BLENDERS[version]}" in packages
    assert {requirement(ROOT, "msgspec"), requirement(ROOT, "pyzmq"), "numpy<2"} <= set(packages)


def test_an_unknown_requirement_is_refused() -> None:
    with pytest.raises(BuildError, match="no requirement"):
        requirement(ROOT, "left-pad")


def test_an_environment_is_made_once_and_again_when_its_recipe_changes(tmp_path: Path) -> None:
    first = Environment("small", tmp_path / "small", ())
    assert not is_ready(first)
    ensure([first], tmp_path)
    assert is_ready(first)
    assert first.python.exists()
    changed = Environment("small", tmp_path / "small", (), recipe="another")
    assert not is_ready(changed)


def test_a_failed_installation_says_why_and_leaves_no_stamp(tmp_path: Path) -> None:
    broken = Environment("broken", tmp_path / "broken", (("./no-such-folder",),))
    with pytest.raises(BuildError, match="no-such-folder"):
        ensure([broken], tmp_path)
    assert not is_ready(broken)
