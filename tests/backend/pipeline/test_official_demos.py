"""Two official demos with their own settings reach the model as the official code feeds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
import torch

from backend.cli.main import main
from backend.measure.calls import layeranimate_calls
from backend.measure.full_size import meta_model, meta_noise
from backend.models.layeranimate.clip import (
    Check,
    ClipConditions,
    Report,
    SampleSettings,
)
from backend.pipeline.condition import encode, neutral_tokens, prepare, without_unused_slots
from backend.pipeline.context import LocalContext
from backend.pipeline.engines import ClipPainter, Engines
from backend.pipeline.execute import execute
from backend.pipeline.sample import denoise
from shared.blobs import MemoryBlobs
from shared.package import read_package
from shared.pictures import decode_png
from shared.result import result_from_json
from shared.shot import Trajectory
from tests.backend.models.registry.folders import tiny_folder

SETTINGS = """\
pretrained_model_path: "checkpoints/LayerAnimate-Mix"
mode: "{mode}"
demo_dir: "demos/{name}"
layer_capacity: 4
motion_scores: {scores}
layer_static: [false, false, false, false]
layer_validity: {validity}
sketch_layer_index: {sketch}
traj_layer_index: 2
prompt: "an anime scene."
n_prompt: ""
fps: 24
enable_xformers_memory_efficient_attention: True
mixed_precision: "bf16"
num_inference_steps: 50
guidance_scale: 7.5
guidance_rescale: 0.7
eta: 1.0
seed: 57
num_videos_per_prompt: 1
"""


@dataclass(frozen=True)
class Demo:
    """One demo: its folder, mode, scores by layer, number of layers, and the sketched layer."""

    name: str
    mode: str
    scores: tuple[float, ...]
    layers: int
    sketched: int

    @property
    def yaml(self) -> str:
        """The settings file in the official form."""
        return SETTINGS.format(
            mode=self.mode,
            name=self.name,
            scores=list(self.scores),
            validity=str([number < self.layers for number in range(4)]).lower(),
            sketch=self.sketched,
        )


DEMOS = [
    Demo("demo_1", "i2v", (-1, 0.6, -1, -1), 3, 0),
    Demo("demo_3", "interpolate", (0.4, 0.2, -1, -1), 4, 3),
]


def what_the_model_gets(
    demo: Demo, folder: Path, work: Path
) -> tuple[ClipConditions, SampleSettings]:
    """Import the demo and run it with a painter that only looks."""
    (work / "demo.yaml").write_text(demo.yaml, encoding="utf-8")
    words = ["import-demo", str(folder), "--config", str(work / "demo.yaml")]
    assert main([*words, "-o", str(work / "shot")]) == 0
    request, blobs = read_package(work / "shot")
    look = msgspec.structs.replace(request.look, engine="layeranimate")
    seen: list[tuple[ClipConditions, SampleSettings]] = []

    def paint(
        conditions: ClipConditions, settings: SampleSettings, check: Check, report: Report
    ) -> np.ndarray:
        del check, report
        seen.append((conditions, settings))
        return np.zeros((16, 320, 512, 3), np.float32)

    engines = Engines(load_painter=lambda device: ClipPainter(used=(), paint=paint))
    request = msgspec.structs.replace(request, look=look)
    execute(request, blobs, MemoryBlobs(), LocalContext(), engines)
    assert len(seen) == 1
    return without_unused_slots(seen[0][0]), seen[0][1]


def _mask(path: Path) -> np.ndarray:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    return np.asarray(grey) > 127


def _likeness(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.name)
def test_a_demo_reaches_the_model_as_the_official_code_feeds_it(
    demo: Demo, reference_dir: Path, tmp_path: Path
) -> None:
    folder = reference_dir / "reference" / "demos" / demo.name
    clip, settings = what_the_model_gets(demo, folder, tmp_path)
    assert (settings.steps, settings.guidance_scale, settings.seed) == (50, 7.5, 57)
    assert (settings.guidance_rescale, settings.eta) == (0.7, 1.0)
    assert (clip.prompt, clip.negative_prompt, clip.fps) == ("an anime scene.", "", 24.0)
    names = ("first_frame", "last_frame")[: clip.keys_count]
    assert clip.keys_count == (2 if demo.mode == "interpolate" else 1)
    for index, name in enumerate(names):
        picture = cv2.imread(str(folder / f"{name}.jpg"))
        assert picture is not None
        assert np.abs(clip.frames[index] * 255 - picture[..., ::-1]).max() < 1
    slots = _slots_of(clip, folder, demo)
    assert clip.layers_count == demo.layers
    assert sorted(slots.values()) == list(range(demo.layers))
    assert not clip.layer_static.any()
    _check_controls(clip, folder, demo, slots)


def test_nothing_that_moves_runs_over_the_bars_of_a_narrower_film(
    reference_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "demo.yaml").write_text(DEMOS[1].yaml, encoding="utf-8")
    words = [str(reference_dir / "reference" / "demos" / "demo_3"), "-o", str(tmp_path / "shot")]
    assert main(["import-demo", *words, "--config", str(tmp_path / "demo.yaml")]) == 0
    request, blobs = read_package(tmp_path / "shot")
    layers = sorted(request.layers, key=lambda layer: layer.order)
    assert layers[-1].name == "bars"
    for key in layers[-1].keys:
        assert key.picture is not None
        alpha = decode_png(blobs.get(key.picture.blob))[..., 3]
        assert (alpha[:, :40] == 255).all()
        assert not alpha[:, 48:-48].any()
    (sky,) = (layer for layer in layers if any(isinstance(c, Trajectory) for c in layer.controls))
    for key in sky.keys:
        assert key.picture is not None
        # it goes on further than its path carries it, so that no border of it comes into view
        assert key.picture.y <= -300
        assert (decode_png(blobs.get(key.picture.blob))[..., 3] == 255).all()


def _slots_of(clip: ClipConditions, folder: Path, demo: Demo) -> dict[int, int]:
    """The slot whose masks are those of each official layer, at every key."""
    slots: dict[int, int] = {}
    for layer in range(demo.layers):
        suffixes = ("", "_last")[: clip.keys_count]
        official = [_mask(folder / f"layer_{layer}{suffix}.jpg") for suffix in suffixes]
        likeness = [
            min(_likeness(ours > 0.5, theirs) for ours, theirs in zip(masks, official, strict=True))
            for masks in clip.layer_masks
        ]
        slots[layer] = int(np.argmax(likeness))
        # the cut goes through the middle of soft edges, the official one along the file's
        assert max(likeness) > 0.9, (layer, likeness)
    return slots


def _check_controls(clip: ClipConditions, folder: Path, demo: Demo, slots: dict[int, int]) -> None:
    official = np.load(folder / "trajectory.npz", allow_pickle=False)["trajectory"]
    assert clip.sketch is not None
    for layer, slot in slots.items():
        assert clip.motion_scores[slot] == np.float32(demo.scores[layer])
        tracks = clip.tracks[slot]
        assert tracks.shape[1] == (official.shape[1] if layer == 2 else 0)
        assert (clip.sketch[slot] < 1).any() == (layer == demo.sketched)
    assert np.allclose(clip.tracks[slots[2]], official, atol=1e-3)
    drawn = _sketch_video(folder / "sketch.mp4")
    ours = clip.sketch[slots[demo.sketched]]
    assert ours.shape == drawn.shape
    assert _likeness(ours < 0.5, drawn < 0.5) > 0.98
    assert np.abs(ours - drawn).mean() < 0.01


def _sketch_video(path: Path) -> np.ndarray:
    """Frames of a video as grey in 0..1: [frames, h, w]."""
    video = cv2.VideoCapture(str(path))
    frames = []
    while True:
        read, frame = video.read()
        if not read:
            break
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) / 255)
    video.release()
    return np.stack(frames)


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.name)
def test_a_demo_runs_through_at_full_size_as_a_plan(
    demo: Demo, reference_dir: Path, tmp_path: Path
) -> None:
    """On the meta device: every shape of a real run, and what it would cost."""
    folder = reference_dir / "reference" / "demos" / demo.name
    conditions, _ = what_the_model_gets(demo, folder, tmp_path)
    model = meta_model()
    with layeranimate_calls(model) as calls, torch.inference_mode():
        clip = encode(model, prepare(conditions), neutral_tokens(model))
        settings = SampleSettings(steps=2, eta=0.0)
        steps = list(denoise(model, clip, settings, meta_noise(clip)))
    assert steps[-1].latents.shape == (1, 4, 16, 40, 64)
    assert calls.amounts["control_clips"] == demo.layers * 2 * 2
    # the official code encodes 69 and 74: every region, 64 sheets, most of them blank, every key
    assert calls.amounts["encoded_pictures"] <= (21 if demo.mode == "i2v" else 27)


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.name)
def test_a_demo_runs_through_with_an_imported_model(
    demo: Demo, reference_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACETATE_MODELS_DIR", str(tmp_path / "models"))
    tiny_folder(tmp_path / "LayerAnimate-Mix", clip_frames=16)
    (tmp_path / "demo.yaml").write_text(demo.yaml, encoding="utf-8")
    folder = reference_dir / "reference" / "demos" / demo.name
    shot, out = str(tmp_path / "shot"), tmp_path / "out"
    settings = ["--config", str(tmp_path / "demo.yaml")]
    assert main(["models", "import", str(tmp_path / "LayerAnimate-Mix")]) == 0
    assert main(["import-demo", str(folder), *settings, "-o", shot]) == 0
    wishes = ["--engine", "layeranimate", "--steps", "1", "--size", "256x160"]
    assert main(["generate", shot, "-o", str(out), *wishes]) == 0
    manifest = result_from_json((out / "manifest.json").read_bytes())
    assert manifest.engine == "layeranimate"
    assert len(manifest.painted) == 16
    assert [model.name for model in manifest.models] == ["layeranimate-mix"]
    pictures = sorted((out / "composite").glob("*.png"))
    assert len(pictures) == 16
    assert decode_png(pictures[7].read_bytes()).shape == (160, 256, 4)
