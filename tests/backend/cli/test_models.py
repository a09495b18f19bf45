"""Promises of `acetate models`, and of a run with what it imported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.cli.main import main
from backend.models.layeranimate.checkpoint import WEIGHTS_NAME
from backend.server.about import describe, runtime_id
from shared.package import write_package
from shared.pictures import decode_png
from shared.result import result_from_json
from shared.shot import Look, Mode
from tests.backend.models.openclip.small import write_openclip
from tests.backend.models.registry.folders import TOONCRAFTER, tiny_folder, write_hollow
from tests.backend.pipeline.shots import ShotBuilder


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for models."""
    folder = tmp_path / "models"
    monkeypatch.setenv("ACETATE_MODELS_DIR", str(folder))
    return folder


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A tiny LayerAnimate with clips of four frames, in the published layout."""
    folder = tmp_path / "LayerAnimate-Mix"
    tiny_folder(folder, clip_frames=4)
    return folder


def run_json(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def fail(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    """Exit code and the one line that a failing command prints."""
    code = main([*map(str, words)])
    lines = capsys.readouterr().err.strip().splitlines()
    assert "Traceback" not in "".join(lines)
    return code, lines[-1]


def test_a_model_comes_in_is_listed_verified_and_goes(
    published: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    look = run_json(capsys, "models", "import", published, "--dry-run")
    assert look["installed"] is False
    assert not store.exists()
    document = run_json(capsys, "models", "import", published.parent)
    assert document["model"]["name"] == "layeranimate-mix"
    assert document["model"]["licence"]["id"] == "see-model-page"
    listed = run_json(capsys, "models", "list")
    assert [row["name"] for row in listed["models"]] == ["layeranimate-mix"]
    assert run_json(capsys, "models", "verify")["ok"] is True
    (store / "layeranimate-mix" / "vae" / WEIGHTS_NAME).write_bytes(b"?")
    assert main(["models", "verify", "layeranimate-mix"]) == 11
    assert f"vae/{WEIGHTS_NAME}" in capsys.readouterr().out
    assert fail(capsys, "models", "remove", "layeranimate-mix")[0] == 2
    run_json(capsys, "models", "remove", "layeranimate-mix", "--yes")
    assert run_json(capsys, "models", "list")["models"] == []
    assert fail(capsys, "models", "verify", "layeranimate-mix")[0] == 11


def test_the_import_says_what_is_missing_and_which_licence_to_read(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "import", str(published)]) == 0
    said = capsys.readouterr().out
    assert "read the page of its weights" in said
    assert "OpenCLIP" in said
    assert "control injection add" in said


def test_what_cannot_be_imported_is_told_in_one_line(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toon = write_hollow(tmp_path / "toon" / "model.safetensors", TOONCRAFTER)
    pickled = tmp_path / "toon" / "model.ckpt"
    torch.save({"a": torch.zeros(1)}, pickled)
    code, line = fail(capsys, "models", "import", toon)
    assert code == 3
    assert "E504" in line
    assert "ToonCrafter" in line
    code, line = fail(capsys, "models", "import", pickled)
    assert code == 3
    assert "acetate models convert" in line
    assert fail(capsys, "models", "import", tmp_path / "nowhere")[0] == 3
    document = run_json(capsys, "models", "convert", pickled, "-o", tmp_path / "new.safetensors")
    assert document["files"] == [str(tmp_path / "new.safetensors")]
    assert not store.exists()


def test_the_server_lists_imported_models_and_runs_under_another_name(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [runtime_id("", ("cpu",))]
    assert "layeranimate" not in describe(("cpu",)).engines
    run_json(capsys, "models", "import", published)
    names.append(runtime_id("", ("cpu",)))
    info = describe(("cpu",))
    assert info.engines[-1] == "layeranimate"
    assert "layeranimate-mix" in [model.name for model in info.models]
    assert describe(("cuda:0",)).engines[0] == "layeranimate"
    run_json(capsys, "models", "remove", "layeranimate-mix", "--yes")
    names.append(runtime_id("", ("cpu",)))
    assert names[0] == names[2] != names[1]


def _shot(tmp_path: Path, prompt: str) -> Path:
    builder = ShotBuilder(width=96, height=64).plate()
    keys = {1: builder.disc((0.3, 0.3)), 4: builder.disc((0.5, 0.7))}
    builder.add("disc", keys, builder.sketch({2: (0.35, 0.4)}))
    look = Look(engine="layeranimate", prompt=prompt, steps=1, seed=3)
    package = tmp_path / f"shot-{len(prompt)}"
    write_package(builder.request(end=4, mode=Mode.INTERPOLATE, look=look), builder.blobs, package)
    return package


def test_an_imported_model_paints_a_shot_by_its_prompt(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_json(capsys, "models", "import", published)
    shot = _shot(tmp_path, "a photo of a cat")
    (plain,) = run_json(capsys, "generate", shot, "-o", tmp_path / "plain")["takes"]
    assert plain["engine"] == "layeranimate"
    assert any("OpenCLIP ViT-H-14 is not installed" in line for line in plain["warnings"])
    run_json(capsys, "models", "import", write_openclip(tmp_path / "openclip"))
    (take,) = run_json(capsys, "generate", shot, "-o", tmp_path / "prompted")["takes"]
    assert not any("OpenCLIP" in line for line in take["warnings"])
    manifest = result_from_json((tmp_path / "prompted" / "manifest.json").read_bytes())
    used = {model.name: model.sha256 for model in manifest.models}
    listed = {row["name"]: row["identity"] for row in run_json(capsys, "models", "list")["models"]}
    assert used == listed
    pictures = [
        decode_png((tmp_path / name / "composite" / "0002.png").read_bytes())
        for name in ("plain", "prompted")
    ]
    assert pictures[0].shape == (64, 96, 4)
    assert (pictures[0] != pictures[1]).any()
