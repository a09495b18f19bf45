"""The comparison with the official code, run against a stand-in of ours.

The stand-in is a test double: a package with the official names, arguments and state dict, whose
numbers are those of the plain reference computation. It shows that weights and inputs arrive as the
official networks take them, not what the official code costs.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backend.cli import bench_official as bench
from backend.cli import bench_ratios
from backend.cli.main import main
from backend.cli.measurement import BenchOptions
from backend.models.layeranimate.bundle import LayerAnimateModel, build, tiny_config
from shared.errors import AcetateError, ExitCode

UNET = """
from types import SimpleNamespace
from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.configs import UNetConfig
from backend.models.layeranimate.reference.unet import SlotFeatures, predict
from backend.models.layeranimate.unet import UNet


class UNetModel(UNet):
    def __init__(self, temporal_conv=False, use_relative_position=True, **config):
        assert temporal_conv and not use_relative_position
        super().__init__(UNetConfig.from_official(config))

    def forward(self, x, timesteps, context_text, context_img=None, controls=None,
                layer_validity=None, fps=None):
        print("talk of the official code")
        context = Context(context_text, context_img.unflatten(1, (x.shape[2], -1)))
        slots = SlotFeatures(list(controls), layer_validity)
        return SimpleNamespace(sample=predict(self, x, timesteps, context, fps, slots))
"""

CONTROL = """
from backend.models.layeranimate.attention import Context
from backend.models.layeranimate.configs import ControlConfig
from backend.models.layeranimate.layer_control import LayerControl, LayerControls
from backend.models.layeranimate.reference.control import control_features


class LayerControlNet(LayerControl):
    def __init__(self, **config):
        super().__init__(ControlConfig.from_official(config))

    def forward(self, noisy_latents, timesteps, context_text, context_img=None, fps=None,
                layer_latents=None, layer_latent_mask=None, motion_scores=None, sketch=None,
                trajectory=None):
        context = Context(context_text, context_img.unflatten(1, (noisy_latents.shape[2], -1)))
        controls = LayerControls(
            layer_latents, layer_latent_mask, motion_scores, sketch, trajectory
        )
        return control_features(self, controls, context, timesteps, fps)
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the stand-in, and a tiny model in place of the small one."""

    def tiny() -> LayerAnimateModel:
        return build(replace(tiny_config(4), dual=None), seed=0)

    monkeypatch.setattr(bench, "small_model", tiny)
    for name, size in (("FRAMES", 4), ("HEIGHT", 8), ("WIDTH", 8)):
        monkeypatch.setattr(bench_ratios, name, size)
    models = tmp_path / "lvdm" / "models"
    models.mkdir(parents=True)
    (tmp_path / "lvdm" / "__init__.py").touch()
    (models / "__init__.py").touch()
    (models / "unet.py").write_text(UNET, encoding="utf-8")
    (models / "layer_controlnet.py").write_text(CONTROL, encoding="utf-8")
    return tmp_path


def test_both_get_the_same_weights_and_inputs_and_are_timed_in_turns(checkout: Path) -> None:
    (figure,) = bench.bench_official(BenchOptions(repeat=1, checkout=checkout))
    assert float(figure.details["error"]) < 1e-4
    assert figure.reference == "official code"
    assert figure.value > 0
    assert float(figure.details["official_s"]) > 0


def test_outputs_that_differ_give_no_time(checkout: Path) -> None:
    path = checkout / "lvdm" / "models" / "unet.py"
    path.write_text(UNET.replace("fps, slots)", "fps, None)"), encoding="utf-8")
    with pytest.raises(AcetateError, match="no time is reported"):
        list(bench.bench_official(BenchOptions(repeat=1, checkout=checkout)))


def test_a_package_that_the_checkout_lacks_is_named(checkout: Path) -> None:
    path = checkout / "lvdm" / "models" / "unet.py"
    path.write_text("import xformers_of_nobody\n" + UNET, encoding="utf-8")
    with pytest.raises(AcetateError) as caught:
        list(bench.bench_official(BenchOptions(repeat=1, checkout=checkout)))
    assert caught.value.name == "not_found"
    assert "xformers_of_nobody" in caught.value.text


def test_networks_of_another_form_are_told(checkout: Path) -> None:
    path = checkout / "lvdm" / "models" / "layer_controlnet.py"
    text = CONTROL.replace(
        "ControlConfig.from_official(config))",
        "ControlConfig.from_official(config))\n        del self.sketch_embedding",
    )
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AcetateError) as caught:
        list(bench.bench_official(BenchOptions(repeat=1, checkout=checkout)))
    assert "another version" in caught.value.text


def test_the_checkout_must_be_named_and_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["bench", "official"]) == ExitCode.USAGE
    assert "--checkout" in capsys.readouterr().err
    monkeypatch.setattr(bench, "small_model", lambda: build(tiny_config(8), seed=0))
    assert main(["bench", "official", "--checkout", str(tmp_path)]) != 0
    assert "lvdm" in capsys.readouterr().err
