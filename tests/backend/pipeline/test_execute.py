"""Promises of a run: it reports, shows previews, stops when asked, refuses bad material early."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib

import msgspec
import numpy as np
import pytest

from backend.pipeline.context import LocalContext
from backend.pipeline.execute import execute
from backend.pipeline.spool import PictureSpool
from backend.raster import draw
from shared.blobs import MemoryBlobs
from shared.errors import AcetateError
from shared.pictures import Picture, encode_png
from shared.shot import (
    ArrayRef,
    Key,
    Layer,
    Look,
    PictureRef,
    Role,
    ShotRequest,
    Sketch,
    SketchFrame,
    Trajectory,
)
from shared.strokes import Drawing, drawing_to_bytes, load_arrays, save_arrays
from tests.backend.pipeline.rules import check_rules
from tests.backend.pipeline.shots import ShotBuilder, layer_pixels, walking_disc

MOTION = Look(engine="layer-motion")


def code_of(request: ShotRequest, inputs: MemoryBlobs) -> str:
    """The error a run ends with; no result blob may exist then."""
    outputs = MemoryBlobs()
    with pytest.raises(AcetateError) as caught:
        execute(request, inputs, outputs, LocalContext())
    assert not list(outputs)
    assert len(caught.value.text) <= 80
    assert caught.value.hint
    return caught.value.code


def test_progress_names_the_stages_and_never_goes_back() -> None:
    builder = walking_disc(ShotBuilder().plate())
    reports: list[tuple[str, int, int]] = []
    context = LocalContext(on_progress=lambda *report: reports.append(report))
    manifest = execute(builder.request(look=MOTION), builder.blobs, MemoryBlobs(), context)
    stages = list(dict.fromkeys(stage for stage, _, _ in reports))
    assert stages == ["plan", "motion", "deliver"]
    for stage in stages:
        steps = [step for name, step, _ in reports if name == stage]
        assert steps == sorted(steps)
        assert steps[-1] == next(total for name, _, total in reports if name == stage)
    assert set(manifest.timings) == {"plan", "motion", "deliver"}


def test_previews_are_small_pictures_of_the_composite() -> None:
    builder = walking_disc(ShotBuilder(width=640, height=400).plate())
    previews: list[np.ndarray] = []
    context = LocalContext(on_preview=previews.append)
    execute(builder.request(look=MOTION), builder.blobs, MemoryBlobs(), context)
    assert len(previews) >= 3
    assert {preview.shape for preview in previews} == {(200, 320, 4)}
    assert all((preview[..., 3] == 255).all() for preview in previews)


@pytest.mark.parametrize("stage", ["plan", "motion", "deliver"])
def test_a_cancel_stops_within_the_stage_it_came_in(stage: str) -> None:
    builder = walking_disc(ShotBuilder().plate())
    seen: list[str] = []
    context = LocalContext(
        on_progress=lambda name, step, steps: seen.append(name),
        cancelled=lambda: stage in seen,
    )
    with pytest.raises(AcetateError) as caught:
        execute(builder.request(look=MOTION), builder.blobs, MemoryBlobs(), context)
    assert caught.value.name == "cancelled"
    later = {"plan": {"deliver"}, "motion": {"deliver"}, "deliver": set[str]()}[stage]
    assert not later & set(seen)


def test_a_key_with_nothing_on_it_is_told() -> None:
    builder = walking_disc(ShotBuilder())
    builder.add("ghost", {1: None, 9: None})
    assert code_of(builder.request(look=MOTION), builder.blobs) == "E105"


def test_zero_and_seventeen_animated_layers_are_told() -> None:
    assert code_of(ShotBuilder().plate().request(look=MOTION), MemoryBlobs()) == "E101"
    builder = ShotBuilder()
    for number in range(17):
        walking_disc(builder, f"disc {number}")
    assert code_of(builder.request(look=MOTION), builder.blobs) == "E104"


def test_nan_in_a_trajectory_is_told() -> None:
    builder = ShotBuilder()
    path = builder.path({1: (10, 10), 5: (float("nan"), 12), 9: (40, 30)})
    builder.add("disc", {1: builder.disc((0.3, 0.5))}, path)
    assert code_of(builder.request(look=MOTION), builder.blobs) == "E111"


def test_a_path_that_never_enters_the_picture_is_told() -> None:
    builder = ShotBuilder()
    path = builder.path({1: (-500, 10), 9: (-300, 30)})
    builder.add("disc", {1: builder.disc((0.3, 0.5))}, path)
    assert code_of(builder.request(look=MOTION), builder.blobs) == "E108"


def test_a_path_that_leaves_the_picture_is_fine() -> None:
    builder = ShotBuilder()
    path = builder.path({1: (28, 32), 9: (300, 32)})
    builder.add("disc", {1: builder.disc((0.3, 0.5))}, path)
    request, outputs = builder.request(look=MOTION), MemoryBlobs()
    manifest = execute(request, builder.blobs, outputs, LocalContext())
    check_rules(request, builder.blobs, manifest, outputs)
    assert not layer_pixels(manifest, outputs, "disc", 9)[..., 3].any()


@pytest.mark.parametrize(
    "arrays",
    [
        {"frames": np.arange(3, dtype=np.int32)},
        {"frames": np.arange(3, dtype=np.int32), "points": np.zeros((3, 2), np.float32)},
        {"frames": np.zeros(3, np.int32), "points": np.zeros((3, 1, 2), np.float32)},
        {"frames": np.arange(3, dtype=np.float32), "points": np.zeros((3, 1, 2), np.float32)},
        {"frames": np.zeros(0, np.int32), "points": np.zeros((0, 1, 2), np.float32)},
    ],
)
def test_a_trajectory_of_another_form_is_told(arrays: dict[str, np.ndarray]) -> None:
    builder = ShotBuilder()
    control = Trajectory(tracks=ArrayRef(blob=builder.blobs.put(save_arrays(arrays))))
    builder.add("disc", {1: builder.disc((0.3, 0.5))}, control)
    assert code_of(builder.request(look=MOTION), builder.blobs) in ("E113", "E108")


def test_a_sixty_megapixel_picture_is_refused_before_it_is_decoded() -> None:
    body = struct.pack(">IIBBBBB", 10_000, 6_000, 8, 6, 0, 0, 0)
    chunk = b"IHDR" + body
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    data += struct.pack(">I", zlib.crc32(chunk))
    builder = walking_disc(ShotBuilder())
    huge = PictureRef(blob=builder.blobs.put(data), width=10_000, height=6_000)
    builder.add("huge", {1: huge}, role=Role.HOLD)
    assert code_of(builder.request(look=MOTION), builder.blobs) == "E114"


def test_a_picture_of_another_size_than_its_entry_is_told() -> None:
    builder = walking_disc(ShotBuilder())
    blob = builder.blobs.put(encode_png(np.zeros((8, 8, 4), np.uint8)))
    builder.add("wrong", {1: PictureRef(blob=blob, width=9, height=8)}, role=Role.HOLD)
    assert code_of(builder.request(look=MOTION), builder.blobs) == "E113"


def test_a_blob_that_is_not_there_is_told() -> None:
    builder = walking_disc(ShotBuilder())
    assert code_of(builder.request(look=MOTION), MemoryBlobs()) == "E116"


def test_a_gap_too_long_for_memory_is_told_with_its_limit() -> None:
    builder = ShotBuilder(width=4096, height=4096)
    pixels = np.zeros((4096, 4096, 4), np.uint8)
    pixels[::4095, ::4095] = 255
    ref = builder.picture(pixels)
    builder.add("huge", {1: ref, 400: ref})
    assert code_of(builder.request(end=400, look=MOTION), builder.blobs) == "E103"


def test_art_beyond_the_border_comes_in_when_it_moves() -> None:
    builder = ShotBuilder()
    pixels = np.full((20, 60, 4), 255, np.uint8)
    picture = builder.picture(pixels, x=-60, y=20)
    builder.add("train", {1: picture}, builder.path({1: (1, 30), 9: (81, 30)}))
    outputs = MemoryBlobs()
    manifest = execute(builder.request(look=MOTION), builder.blobs, outputs, LocalContext())
    assert not layer_pixels(manifest, outputs, "train", 1)[..., 3].any()
    last = layer_pixels(manifest, outputs, "train", 9)[..., 3]
    assert (last[22:38, 24:76] == 255).all()
    assert not last[:, :16].any()


def stroke_drawing(centre: tuple[float, float]) -> Drawing:
    """One filled, outlined circle of 24 points."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = np.stack([np.cos(angles), np.sin(angles)], -1) * 14 + centre
    return Drawing(
        offsets=np.array([0, 24], np.int32),
        points=points.astype(np.float32),
        radius=np.full(24, 1.5, np.float32),
        opacity=np.ones(24, np.float32),
        stroke_colour=np.array([[0.1, 0.1, 0.1, 1]], np.float32),
        fill_colour=np.array([[0.9, 0.4, 0.2, 1]], np.float32),
        point_colour=np.zeros((24, 4), np.float32),
        cyclic=np.ones(1, np.bool_),
        holdout=np.zeros(1, np.uint8),
        round_caps=np.ones(1, np.bool_),
        material=np.zeros(1, np.int32),
        layer_opacity=np.ones(1, np.float32),
    )


def test_layers_that_came_as_strokes_only_are_drawn_and_move() -> None:
    builder = ShotBuilder().plate()
    drawings = {1: stroke_drawing((25, 30)), 9: stroke_drawing((70, 30))}
    refs = {
        frame: ArrayRef(blob=builder.blobs.put(drawing_to_bytes(drawing)))
        for frame, drawing in drawings.items()
    }
    keys = tuple(Key(frame=frame, strokes=ref) for frame, ref in refs.items())
    sketch = Sketch(frames=(SketchFrame(frame=1, strokes=refs[1]),))
    for name, controls in (("free", ()), ("sketched", (sketch,))):
        builder.layers.append(
            Layer(
                name=name,
                order=len(builder.layers),
                role=Role.ANIMATE,
                keys=keys,
                controls=controls,
            )
        )
    outputs = MemoryBlobs()
    manifest = execute(builder.request(look=MOTION), builder.blobs, outputs, LocalContext())
    for frame, drawing in drawings.items():
        own = draw(drawing, width=96, height=64, margin_px=24).on_canvas(96, 64)
        assert np.array_equal(layer_pixels(manifest, outputs, "free", frame), own)
    middle = layer_pixels(manifest, outputs, "free", 5)[..., 3]
    assert abs(np.argwhere(middle > 128)[:, 1].mean() - 47) < 3


@pytest.mark.parametrize("on_sketch", [False, True])
@pytest.mark.parametrize("fault", ["nan", "cut"])
def test_damaged_strokes_are_told_before_any_work(fault: str, on_sketch: bool) -> None:
    data = drawing_to_bytes(stroke_drawing((25, 30)))
    if fault == "nan":
        arrays = load_arrays(data)
        arrays["radius"][3] = np.nan
        data = save_arrays(arrays)
    builder = ShotBuilder()
    ref = ArrayRef(blob=builder.blobs.put(data if fault == "nan" else data[:-40]))
    sketch = Sketch(frames=(SketchFrame(frame=5, strokes=ref),))
    picture = builder.disc((0.3, 0.5))
    builder.add("hero", {1: picture, 9: picture}, *((sketch,) if on_sketch else ()))
    if not on_sketch:
        key = Key(frame=1, picture=picture, strokes=ref)
        hero = builder.layers[0]
        builder.layers[0] = msgspec.structs.replace(hero, keys=(key, hero.keys[1]))
    stages: list[str] = []
    context = LocalContext(on_progress=lambda stage, step, steps: stages.append(stage))
    with pytest.raises(AcetateError) as caught:
        execute(builder.request(look=MOTION), builder.blobs, MemoryBlobs(), context)
    assert caught.value.code == ("E111" if fault == "nan" else "E113")
    assert fault != "nan" or '"hero"' in caught.value.text
    assert set(stages) == {"plan"}


def test_the_spool_gives_back_every_bit_whatever_its_budget() -> None:
    random = np.random.default_rng(0)
    spool = PictureSpool(budget_bytes=4_000)
    kept = {}
    for number in range(12):
        pixels = random.integers(1, 256, (20, 20, 4)).astype(np.uint8)
        kept[number] = Picture(pixels, number, -number)
        spool.put(number, kept[number])
        assert spool.raw_bytes <= 4_000
    spool.put(3, kept[4])
    kept[3] = kept[4]
    for number, picture in kept.items():
        restored = spool.get(number)
        assert np.array_equal(restored.pixels, picture.pixels)
        assert (restored.x, restored.y) == (picture.x, picture.y)
    with pytest.raises(KeyError):
        spool.get("nothing")


MEMORY_RUN = """
import resource
from backend.cli.bench_shots import bench_shot
from backend.pipeline.context import LocalContext
from backend.pipeline.execute import execute
from shared.blobs import MemoryBlobs
request, blobs = bench_shot(1920, 1080, "layer-motion")
execute(request, blobs, MemoryBlobs(), LocalContext())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
def test_a_full_hd_shot_of_four_layers_stays_within_two_gigabytes() -> None:
    run = subprocess.run(
        [sys.executable, "-c", MEMORY_RUN], capture_output=True, text=True, check=True
    )
    assert int(run.stdout.split()[-1]) < 2 * 1024 * 1024
