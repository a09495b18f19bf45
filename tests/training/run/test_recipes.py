"""Recipes are typed, bounded and strict; what does not fit is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import AcetateError
from training.mini.settings import MiniSettings
from training.recipes import load_recipe, typed
from training.run.config import ScheduleSettings, config_hash
from training.run.processes import check_shares
from training.run.rate import rate_share

from .tiny import tiny_config


def _document(**more: object) -> dict[str, Any]:
    task = {"kind": "mini", "data": {"clips": 1}}
    return {"name": "small", "run": {"steps": 2}, "task": task, **more}


def _refused(document: dict[str, Any]) -> str:
    with pytest.raises(AcetateError) as refused:
        typed(document, "small.toml")
    assert refused.value.name == "bad_recipe"
    return refused.value.detail


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (_document(run={"steps": 2, "bacth": 4}), "batch"),
        (_document(optimizer={"rate": 1e-3}), "optimiser"),
        (_document(task={"kind": "mini", "data": {"clips": 1, "seeds": 3}}), "seed"),
        (_document(task={"kind": "mimi", "data": {"clips": 1}}), "mini"),
        (_document(run={"steps": "many"}), "$.run.steps"),
        (_document(run={"steps": 0}), ">= 1"),
        (_document(run={}), "steps"),
        (_document(name="../up"), "$.name"),
        (_document(run={"steps": 2, "precision": "fp8"}), "fp8"),
        (_document(ema={"decay": 1.0}), "$.ema.decay"),
    ],
)
def test_what_does_not_fit_is_named_with_what_was_meant(
    document: dict[str, Any], named: str
) -> None:
    assert named in _refused(document)


def test_overrides_are_typed_like_the_file() -> None:
    recipe = load_recipe(
        "acetate-mini-quick",
        ["run.steps=7", "optimiser.rate=2e-3", "run.compile=true", "task.start=some/folder"],
    )
    assert (recipe.run.steps, recipe.optimiser.rate, recipe.run.compile) == (7, 2e-3, True)
    assert isinstance(recipe.task, MiniSettings)
    assert recipe.task.start == "some/folder"


@pytest.mark.parametrize(
    ("override", "error"),
    [
        ("run.steps", "usage"),
        ("=3", "usage"),
        ("run..steps=3", "usage"),
        ("run.steps.more=3", "bad_recipe"),
        ("run.stepps=3", "bad_recipe"),
        ("run.steps=3.5", "bad_recipe"),
    ],
)
def test_overrides_that_fit_nothing_are_refused(override: str, error: str) -> None:
    with pytest.raises(AcetateError) as refused:
        load_recipe("acetate-mini-quick", [override])
    assert refused.value.name == error


def test_a_recipe_that_is_not_there_is_answered_with_similar_names() -> None:
    with pytest.raises(AcetateError) as refused:
        load_recipe("acetate-mini-quik")
    assert refused.value.name == "not_found"
    assert "acetate-mini-quick" in refused.value.detail


@pytest.mark.parametrize("data", [b"[", b"\xff\xfe", b"a = 1\n" * 400_000])
def test_a_broken_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(data)
    with pytest.raises(AcetateError) as refused:
        load_recipe(str(path))
    assert refused.value.name == "bad_recipe"


def test_settings_that_cannot_change_what_is_learned_do_not_count() -> None:
    plain = config_hash(tiny_config())
    harmless = tiny_config(run={"workers": 3, "prefetch": 9}, log={"every": 1})
    assert config_hash(harmless) == plain
    assert config_hash(tiny_config(run={"seed": 4})) != plain
    assert config_hash(tiny_config(optimiser={"rate": 0.02})) != plain


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    run = tiny_config(run={"batch": 6, "accumulation": 2}).run
    for world, fits in ((1, True), (3, True), (2, False), (4, False)):
        if fits:
            check_shares(run, world)
            continue
        with pytest.raises(AcetateError) as refused:
            check_shares(run, world)
        assert refused.value.name == "world_size"
    with pytest.raises(AcetateError) as alone:
        check_shares(tiny_config(run={"layout": "none"}).run, 2)
    assert alone.value.name == "world_size"


@pytest.mark.parametrize(("kind", "middle"), [("linear", 0.55), ("cosine", 0.55), ("constant", 1)])
def test_the_rate_warms_up_and_falls_to_its_end(kind: str, middle: float) -> None:
    settings = ScheduleSettings(kind=kind, warm_up=10, final=0.1)  # pyright: ignore[reportArgumentType]
    shares = [rate_share(settings, step, 111) for step in range(111)]
    assert shares[0] == pytest.approx(0.1)
    assert shares[9] == max(shares) == 1.0
    assert shares[60] == pytest.approx(middle)
    assert shares[-1] == pytest.approx(1.0 if kind == "constant" else 0.1)
