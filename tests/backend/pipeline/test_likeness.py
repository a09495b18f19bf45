"""An approximate preset never comes without its likeness to final, measured or honestly missing."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import msgspec
import pytest

from backend.cli.main import main
from backend.models.layeranimate.bundle import build, tiny_config
from backend.models.layeranimate.clip import SampleSettings, ignore_check, ignore_report
from backend.pipeline.context import LocalContext
from backend.pipeline.engines import ClipPainter, Engines, painter_of
from backend.pipeline.execute import execute
from backend.pipeline.likeness import Likeness, LikenessBook, is_quick, measure
from backend.pipeline.presets import BALANCED, DRAFT, FINAL
from shared.blobs import MemoryBlobs
from shared.package import write_package
from shared.result import ResultManifest, result_from_json
from shared.shot import Look
from tests.backend.models.registry.folders import tiny_folder
from tests.backend.pipeline.shots import ShotBuilder, walking_disc

FIGURES = Likeness(psnr_db=31.25, ssim=0.9312, steps=50, width=512, height=320)


@lru_cache(maxsize=1)
def tiny_painter() -> ClipPainter:
    return replace(painter_of(build(tiny_config(clip_frames=4), seed=0)), width=64, height=64)


def shot(preset: str, steps: int = 2) -> tuple[ShotBuilder, Look]:
    look = Look(engine="layeranimate", steps=steps, seed=5, preset=preset)
    return walking_disc(ShotBuilder().plate(), last=4), look


def run(preset: str, painter: ClipPainter) -> ResultManifest:
    builder, look = shot(preset)
    engines = Engines(load_painter=lambda device: painter)
    request = builder.request(end=3, look=look)
    return execute(request, builder.blobs, MemoryBlobs(), LocalContext(), engines)


def test_what_was_measured_of_a_model_is_told_in_every_approximate_take(tmp_path: Path) -> None:
    book = LikenessBook(tmp_path, "weights", "mix")
    book.keep(DRAFT, FIGURES)
    painter = replace(tiny_painter(), likeness=book)
    (note,) = (text for text in run("draft", painter).warnings if "draft" in text)
    assert FIGURES.text in note
    assert not [text for text in run("final", painter).warnings if "PSNR" in text]


def test_figures_belong_to_one_model_and_one_definition_of_a_preset(tmp_path: Path) -> None:
    book = LikenessBook(tmp_path, "weights", "mix")
    book.keep(DRAFT, FIGURES)
    assert book.known(DRAFT) == FIGURES
    assert book.known(BALANCED) is None
    assert book.known(replace(DRAFT, guided_share=0.4)) is None
    assert replace(book, identity="others").known(DRAFT) is None
    assert "acetate models calibrate mix" in book.told(BALANCED)
    for file in tmp_path.iterdir():
        file.write_bytes(b"{")
    assert book.known(DRAFT) is None


def test_a_preset_that_is_soon_measured_is_measured_at_its_first_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = SampleSettings(steps=4, eta=0.0, seed=1)
    monkeypatch.setattr("backend.pipeline.likeness.measure.__defaults__", (few,))
    book = LikenessBook(tmp_path, "weights", "mix")
    manifest = run("balanced", replace(tiny_painter(), likeness=book))
    found = book.known(BALANCED)
    assert found is not None
    assert (found.width, found.height) == (64, 64)
    assert any(found.text in text for text in manifest.warnings)
    assert is_quick(1.0)
    assert not is_quick(60.0)


def test_final_is_all_like_itself_and_a_preset_is_not() -> None:
    few = SampleSettings(steps=4, eta=0.0, seed=1)
    same = measure(tiny_painter(), FINAL, ignore_check, ignore_report, few)
    assert (same.psnr_db, same.ssim) == (50, 1)
    other = measure(tiny_painter(), DRAFT, ignore_check, ignore_report, few)
    assert other.psnr_db < 50


def test_calibrate_and_compare_run_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACETATE_MODELS_DIR", str(tmp_path / "models"))
    tiny_folder(tmp_path / "LayerAnimate-Mix", clip_frames=4)
    assert main(["models", "import", str(tmp_path / "LayerAnimate-Mix"), "--json"]) == 0
    capsys.readouterr()
    assert main(["models", "calibrate", "--steps", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures["presets"]) == {"balanced", "draft"}
    builder, look = shot("balanced", steps=4)
    request = builder.request(end=3, look=look)
    write_package(msgspec.structs.replace(request), builder.blobs, tmp_path / "shot")
    words = [str(tmp_path / "shot"), "-o", str(tmp_path / "out"), "--decode", "fp32", "--compare"]
    monkeypatch.setattr("backend.pipeline.execute.is_quick", lambda paint_s: False)
    assert main(["generate", *words]) == 0
    manifest = result_from_json((tmp_path / "out" / "manifest.json").read_bytes())
    assert any("to final with the same seed" in text for text in manifest.warnings)
    assert any("acetate models calibrate layeranimate-mix" in text for text in manifest.warnings)
    assert any("fp32, as asked" in text for text in manifest.warnings)
