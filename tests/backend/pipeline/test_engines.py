"""Promises of engine choice, and the rules again with the networks in the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from backend.layer_motion.task import GapResult, GapTask
from backend.models.layeranimate.bundle import build, tiny_config
from backend.models.layeranimate.clip import Check, ClipTokens
from backend.pipeline.condition import neutral_tokens
from backend.pipeline.context import LocalContext
from backend.pipeline.engines import ClipPainter, Engines, SketchExpert, painter_of
from backend.pipeline.execute import execute
from backend.pipeline.separate import separate
from shared.blobs import MemoryBlobs
from shared.errors import AcetateError
from shared.pictures import Picture, decode_png
from shared.result import ModelUsed, ResultManifest
from shared.shot import Control, Look, Mode, MotionScore, ShotRequest
from tests.backend.pipeline.rules import check_rules
from tests.backend.pipeline.shots import ShotBuilder, layer_pixels, walking_disc


@lru_cache(maxsize=1)
def tiny_painter() -> ClipPainter:
    """LayerAnimate's own classes at the smallest widths with random weights, four frames."""
    used = (ModelUsed(name="tiny", sha256="0" * 64),)
    painter = painter_of(build(tiny_config(clip_frames=4), seed=0), used)
    return replace(painter, width=64, height=64)


def with_painter() -> Engines:
    return Engines(load_expert=missing_expert, load_painter=lambda device: tiny_painter())


def missing_expert() -> SketchExpert:
    raise AcetateError("model_missing", model="mini")


def tinting_expert() -> SketchExpert:
    """An expert whose work can be told at once: it inverts the colours of sketched drawings."""

    def refine(task: GapTask, result: GapResult, check: Check) -> GapResult:
        pictures = []
        for moment, picture in enumerate(result.pictures, 1):
            check()
            pixels = picture.pixels.copy()
            if moment in task.sketches:
                pixels[..., :3] = 255 - pixels[..., :3]
            pictures.append(Picture(pixels, picture.x, picture.y))
        return GapResult(tuple(pictures), f"{result.method}+mini")

    return SketchExpert(ModelUsed(name="tint", sha256="1" * 64), refine)


def run(
    request: ShotRequest, builder: ShotBuilder, engines: Engines | None = None
) -> tuple[ResultManifest, MemoryBlobs]:
    outputs = MemoryBlobs()
    return execute(request, builder.blobs, outputs, LocalContext(), engines), outputs


def sketched_shot(engine: str) -> tuple[ShotRequest, ShotBuilder]:
    builder = walking_disc(ShotBuilder().plate(), "plain")
    keys = {1: builder.disc((0.2, 0.3)), 9: builder.disc((0.2, 0.7))}
    builder.add("sketched", keys, builder.sketch({5: (0.3, 0.5)}))
    return builder.request(look=Look(engine=engine)), builder


@pytest.mark.parametrize("name", ["layeranimate", "dream-machine"])
def test_an_engine_that_is_not_installed_is_told(name: str) -> None:
    request, builder = sketched_shot(name)
    with pytest.raises(AcetateError) as caught:
        run(request, builder, Engines(load_expert=missing_expert))
    assert caught.value.code == "E302"
    assert name in caught.value.text


def test_mini_asked_by_name_without_weights_is_told() -> None:
    request, builder = sketched_shot("mini")
    with pytest.raises(AcetateError) as caught:
        run(request, builder, Engines(load_expert=missing_expert))
    assert caught.value.code == "E302"


def test_auto_without_weights_falls_back_and_says_so() -> None:
    request, builder = sketched_shot("auto")
    manifest, _ = run(request, builder, Engines(load_expert=missing_expert))
    assert manifest.engine == "layer-motion"
    assert not manifest.models
    assert len(manifest.warnings) == 1


def crashing_load() -> SketchExpert:
    raise OSError("weights cannot be mapped")


def failing_expert(error: Exception) -> SketchExpert:
    """An expert that loads but cannot work."""

    def refine(task: GapTask, result: GapResult, check: Check) -> GapResult:
        check()
        raise error

    return SketchExpert(ModelUsed(name="broken", sha256="2" * 64), refine)


FAILURES = [
    Engines(load_expert=crashing_load),
    Engines(load_expert=lambda: failing_expert(RuntimeError("mat1 and mat2 do not fit"))),
    Engines(load_expert=lambda: failing_expert(MemoryError())),
    Engines(load_expert=lambda: failing_expert(AcetateError("nan"))),
]


@pytest.mark.parametrize("engines", FAILURES)
def test_under_auto_a_failing_model_leaves_layer_motions_drawings(
    engines: Engines, caplog: pytest.LogCaptureFixture
) -> None:
    request, builder = sketched_shot("auto")
    manifest, outputs = run(request, builder, engines)
    check_rules(request, builder.blobs, manifest, outputs)
    plain, _ = run(sketched_shot("layer-motion")[0], builder)
    assert manifest.composite == plain.composite
    assert manifest.engine == "layer-motion"
    assert not manifest.models
    assert len(manifest.warnings) == 1
    assert "not refined" in manifest.warnings[0]
    assert any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("engines", FAILURES)
def test_a_model_asked_by_name_fails_the_job_when_it_fails(engines: Engines) -> None:
    request, builder = sketched_shot("mini")
    with pytest.raises((OSError, RuntimeError, MemoryError, AcetateError)):
        run(request, builder, engines)


def test_a_cancel_is_never_taken_for_a_failing_model() -> None:
    request, builder = sketched_shot("auto")
    with pytest.raises(AcetateError) as caught:
        run(
            request, builder, Engines(load_expert=lambda: failing_expert(AcetateError("cancelled")))
        )
    assert caught.value.name == "cancelled"


@pytest.mark.parametrize(
    ("engine", "tracked", "warnings_count"),
    [("layer-motion", True, 1), ("layer-motion", False, 0), ("layeranimate", True, 0)],
)
def test_a_motion_score_beside_a_path_is_told_not_to_count(
    engine: str, tracked: bool, warnings_count: int
) -> None:
    builder = ShotBuilder().plate()
    controls: list[Control] = [MotionScore(score=0.5)]
    if tracked:
        controls.append(builder.path({1: (30, 30), 4: (34, 34)}))
    builder.add("disc", {1: builder.disc((0.3, 0.4)), 4: builder.disc((0.3, 0.6))}, *controls)
    request = builder.request(end=4, look=Look(engine=engine, steps=1))
    manifest, _ = run(request, builder, with_painter())
    told = [line for line in manifest.warnings if "motion score" in line]
    assert len(told) == warnings_count


def test_auto_does_not_load_an_expert_where_nothing_is_sketched() -> None:
    builder = walking_disc(ShotBuilder())
    manifest, _ = run(builder.request(), builder, Engines(load_expert=missing_expert))
    assert manifest.engine == "layer-motion"
    assert not manifest.warnings


def test_the_expert_touches_sketched_layers_only() -> None:
    request, builder = sketched_shot("auto")
    engines = Engines(load_expert=tinting_expert)
    manifest, outputs = run(request, builder, engines)
    check_rules(request, builder.blobs, manifest, outputs)
    assert manifest.engine == "mini"
    assert [model.name for model in manifest.models] == ["tint"]
    plain_request, _ = sketched_shot("layer-motion")
    plain, plain_outputs = run(plain_request, builder)
    assert plain.engine == "layer-motion"
    for frame in range(1, 10):
        for name in ("plate", "plain"):
            ours = layer_pixels(manifest, outputs, name, frame)
            assert np.array_equal(ours, layer_pixels(plain, plain_outputs, name, frame))
    changed = layer_pixels(manifest, outputs, "sketched", 5)
    assert not np.array_equal(changed, layer_pixels(plain, plain_outputs, "sketched", 5))
    assert manifest.layers[2].method.endswith("+mini")


def test_mini_by_name_without_a_sketch_says_who_really_worked() -> None:
    builder = walking_disc(ShotBuilder())
    request = builder.request(look=Look(engine="mini"))
    manifest, _ = run(request, builder, Engines(load_expert=tinting_expert))
    assert manifest.engine == "layer-motion"
    assert manifest.warnings


@pytest.mark.parametrize(
    ("mode", "last", "layers_count", "exposure"),
    [
        (Mode.INTERPOLATE, 5, 1, 1),
        (Mode.INTERPOLATE, 10, 6, 2),
        (Mode.ANIMATE, 6, 2, 1),
    ],
)
def test_layeranimate_keeps_the_rules(
    mode: Mode, last: int, layers_count: int, exposure: int
) -> None:
    builder = ShotBuilder(width=100, height=60).plate()
    for number in range(layers_count):
        x = 0.2 + 0.1 * number
        keys = {1: builder.disc((x, 0.4)), last: builder.disc((x + 0.1, 0.6))}
        controls = (
            (builder.sketch({3: (0.3, 0.5)}),)
            if number == 0
            else (builder.path({1: (20, 20), last: (60, 30)}),)
        )
        builder.add(f"layer {number}", keys, *controls, group="pair" if number > 3 else "")
    look = Look(engine="layeranimate", steps=1, seed=4)
    request = builder.request(end=last, mode=mode, exposure=exposure, look=look)
    manifest, outputs = run(request, builder, with_painter())
    check_rules(request, builder.blobs, manifest, outputs)
    assert manifest.engine == "layeranimate"
    assert [model.name for model in manifest.models] == ["tiny"]
    assert len(manifest.painted) == last
    assert manifest.painted[0] == manifest.composite[0]
    assert {layer.method for layer in manifest.layers[1:]} == {"layeranimate"}


def test_separated_layers_make_up_the_painted_picture_where_they_are_seen() -> None:
    builder = walking_disc(ShotBuilder().plate(), last=5)
    request = builder.request(end=5, look=Look(engine="layeranimate", steps=1))
    manifest, outputs = run(request, builder, with_painter())
    for index in (1, 2, 3):
        painted = decode_png(outputs.get(manifest.painted[index])).astype(int)
        composite = decode_png(outputs.get(manifest.composite[index])).astype(int)
        opaque = layer_pixels(manifest, outputs, "disc", index + 1)[..., 3] == 255
        assert opaque.sum() > 100
        assert np.abs(painted - composite)[opaque].max() <= 1


def test_the_seed_decides_what_is_painted() -> None:
    builder = walking_disc(ShotBuilder(), last=4)
    looks = [Look(engine="layeranimate", steps=1, seed=seed) for seed in (1, 1, 2)]
    one, again, other = (
        run(builder.request(end=4, look=look), builder, with_painter())[0] for look in looks
    )
    assert one.painted == again.painted
    assert one.painted != other.painted


def run_on_gpu(
    engines: Engines, look: str = "auto"
) -> tuple[ResultManifest, MemoryBlobs, ShotRequest, ShotBuilder]:
    """A run that is told of a GPU; the tiny painter stays where it is."""
    builder = walking_disc(ShotBuilder().plate(), last=4)
    request = builder.request(end=4, look=Look(engine=look, steps=1))
    outputs = MemoryBlobs()
    context = LocalContext(device="cuda:1")
    return execute(request, builder.blobs, outputs, context, engines), outputs, request, builder


def test_auto_paints_on_a_gpu_where_a_model_is_installed() -> None:
    engines = replace(with_painter(), has_painter=lambda: True)
    assert run_on_gpu(engines)[0].engine == "layeranimate"
    assert run_on_gpu(replace(engines, has_painter=lambda: False))[0].engine == "layer-motion"
    builder = walking_disc(ShotBuilder(), last=4)
    manifest, _ = run(builder.request(end=4, look=Look(steps=1)), builder, engines)
    assert manifest.engine == "layer-motion"  # on a CPU only when it is asked for


def broken_painter(device: str) -> ClipPainter:
    del device

    def paint(*_: object) -> np.ndarray:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    return replace(tiny_painter(), paint=paint, paint_with=None)


def unloadable_painter(device: str) -> ClipPainter:
    raise AcetateError("model_corrupt", model=f"layeranimate on {device}")


@pytest.mark.parametrize("load", [broken_painter, unloadable_painter])
def test_under_auto_a_painter_that_fails_leaves_layer_motions_drawings(
    load: Callable[[str], ClipPainter],
) -> None:
    engines = Engines(load_expert=missing_expert, load_painter=load, has_painter=lambda: True)
    manifest, outputs, request, builder = run_on_gpu(engines)
    check_rules(request, builder.blobs, manifest, outputs)
    assert manifest.engine == "layer-motion"
    assert manifest.composite == run_on_gpu(engines, "layer-motion")[0].composite
    assert any("did not paint" in line for line in manifest.warnings)
    with pytest.raises((RuntimeError, AcetateError)):
        run_on_gpu(engines, "layeranimate")


def test_under_auto_no_drawing_is_left_painted_where_the_separation_stops_half_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engines = replace(with_painter(), has_painter=lambda: True)
    done = 0

    def tiring(
        painted: np.ndarray, canvases: Sequence[np.ndarray], free: Sequence[bool]
    ) -> list[np.ndarray]:
        nonlocal done
        done += 1
        if done > 1:
            raise MemoryError("no room for the second frame")
        return separate(painted, canvases, free)

    monkeypatch.setattr("backend.pipeline.paint.separate", tiring)
    manifest, _, _, _ = run_on_gpu(engines)
    assert done == 2
    assert manifest.engine == "layer-motion"
    moved = run_on_gpu(engines, "layer-motion")[0]
    assert (manifest.layers, manifest.composite) == (moved.layers, moved.composite)


def test_a_painter_reads_the_shots_prompts_once_per_clip() -> None:
    asked: list[tuple[str, str, tuple[int, ...]]] = []
    model = build(tiny_config(clip_frames=4), seed=0)

    def encode(prompt: str, negative_prompt: str, picture: np.ndarray) -> ClipTokens:
        asked.append((prompt, negative_prompt, picture.shape))
        return neutral_tokens(model)

    painter = replace(painter_of(model, encode=encode, notes=("a note",)), width=64, height=64)
    builder = walking_disc(ShotBuilder(), last=4)
    look = Look(engine="layeranimate", steps=1, prompt="a cat", negative_prompt="a dog")
    engines = Engines(load_painter=lambda device: painter)
    manifest, _ = run(builder.request(end=4, look=look), builder, engines)
    assert asked == [("a cat", "a dog", (64, 64, 3))]
    assert "a note" in manifest.warnings
