"""Promises of adapters by request: in with `models import`, worn with `--lora`, gone afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend.cli.main import main
from backend.pipeline.context import LocalContext
from backend.pipeline.engines import Engines, load_imported_painter
from backend.pipeline.execute import execute
from backend.pipeline.feature_store.opening import StoreOpener, budget_in
from shared.blobs import MemoryBlobs
from shared.errors import AcetateError
from shared.package import write_package
from shared.result import ResultManifest
from shared.shot import Adapter, Look, ShotRequest
from tests.backend.models.adapters.drawn import adapter_folder
from tests.backend.models.layeranimate.tiny import tiny_model
from tests.backend.models.registry.folders import tiny_folder
from tests.backend.pipeline.shots import ShotBuilder

MB = 1_000_000


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LayerAnimate and two adapters, imported into `models`; beside them their sources."""
    folder = tmp_path_factory.mktemp("adapters")
    tiny_folder(folder / "Tiny", clip_frames=4)
    for name, seed in (("Ink", 1), ("wash", 2)):
        adapter_folder(folder / name, tiny_model(), seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACETATE_MODELS_DIR", str(folder / "models"))
        for name in ("Tiny", "Ink", "wash"):
            assert main(["models", "import", str(folder / name), "--json"]) == 0
    return folder


@pytest.fixture(autouse=True)
def models(imported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The imported models are this computer's."""
    monkeypatch.setenv("ACETATE_MODELS_DIR", str(imported / "models"))
    monkeypatch.setenv("ACETATE_RUN_DIR", str(tmp_path / "run"))


def shot(*adapters: Adapter, engine: str = "layeranimate") -> tuple[ShotRequest, ShotBuilder]:
    builder = ShotBuilder(width=96, height=64).plate()
    keys = {1: builder.disc((0.3, 0.3)), 4: builder.disc((0.5, 0.7))}
    builder.add("disc", keys)
    look = Look(engine=engine, steps=1, seed=3)
    if adapters:
        look = Look(engine=engine, steps=1, seed=3, adapters=adapters)
    return builder.request(end=4, look=look), builder


def run_json(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_an_import_says_what_an_adapter_is_and_which_models_it_fits(
    imported: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = {row["name"]: row for row in run_json(capsys, "models", "list")["models"]}
    assert rows["ink"]["kind"] == "layeranimate-adapter"
    assert rows["ink"]["facts"]["rank"] == 2
    assert rows["ink"]["facts"]["fits"] == "tiny"
    assert rows["tiny"]["kind"] == "layeranimate"
    assert run_json(capsys, "models", "verify")["ok"] is True
    file = imported / "wash" / "adapter_model.safetensors"
    single = run_json(capsys, "models", "import", file, "--name", "single", "--dry-run")
    assert single["model"]["facts"]["modules"] == rows["wash"]["facts"]["modules"]
    monkeypatch.setenv("ACETATE_MODELS_DIR", str(tmp_path / "empty"))
    assert main(["models", "import", str(imported / "wash"), "--dry-run"]) == 0
    assert "fits no LayerAnimate" in capsys.readouterr().out


def test_lora_on_the_command_line_changes_the_picture_and_is_named_in_the_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request, builder = shot()
    package = tmp_path / "shot"
    write_package(request, builder.blobs, package)
    words = ("generate", package, "-o", tmp_path / "out", "--lora", "ink:0.5", "--lora", "wash")
    run_json(capsys, *words)
    written = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    names = {model["name"]: model["sha256"] for model in written["models"]}
    installed = {row["name"]: row for row in run_json(capsys, "models", "list")["models"]}
    assert names["ink"] == installed["ink"]["identity"]
    assert {"tiny", "ink", "wash"} == set(names)


@pytest.mark.parametrize(
    ("wish", "code", "words"),
    [
        ("nothing", 11, "acetate models list"),
        ("tiny", 11, "acetate models list"),
        ("ink:much", 2, "name:0.8"),
        ("ink:nan", 3, ""),
        ("ink:99", 3, ""),
        ("../ink", 3, ""),
    ],
)
def test_an_adapter_that_cannot_be_worn_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wish: str, code: int, words: str
) -> None:
    request, builder = shot()
    write_package(request, builder.blobs, tmp_path / "shot")
    given = ["generate", str(tmp_path / "shot"), "-o", str(tmp_path / "out"), "--lora", wish]
    capsys.readouterr()
    assert main(given) == code
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert words in said


@pytest.mark.parametrize("engine", ["layer-motion", "mini"])
def test_an_engine_that_takes_no_adapter_says_so(engine: str) -> None:
    request, builder = shot(Adapter(name="ink"), engine=engine)
    with pytest.raises(AcetateError) as caught:
        execute(request, builder.blobs, MemoryBlobs(), LocalContext())
    assert caught.value.name == "adapter_unused"


def test_where_auto_does_without_layeranimate_the_result_says_what_was_not_worn() -> None:
    request, builder = shot(Adapter(name="ink"), engine="auto")
    manifest = execute(request, builder.blobs, MemoryBlobs(), LocalContext())
    assert any("ink" in line for line in manifest.warnings)


def test_a_worker_switches_between_requests_and_no_feature_of_another_look_is_used(
    tmp_path: Path,
) -> None:
    painter = load_imported_painter("cpu")
    opener = StoreOpener(budget_in(tmp_path / "features", host_bytes=20 * MB))
    keeping = Engines(load_painter=lambda device: painter, open_store=opener)

    def take(engines: Engines, *adapters: Adapter) -> ResultManifest:
        request, builder = shot(*adapters)
        return execute(request, builder.blobs, MemoryBlobs(), LocalContext(), engines)

    looks = [(), (Adapter(name="ink", scale=0.5), Adapter(name="wash"))]
    takes = [take(keeping, *look) for look in looks]
    assert len({manifest.composite for manifest in takes}) == len(looks)
    for look, manifest in zip(reversed(looks), reversed(takes), strict=True):
        assert take(keeping, *look).composite == manifest.composite
    opener.close()
    alone = Engines(load_painter=load_imported_painter)
    assert take(alone, *looks[1]).composite == takes[1].composite
