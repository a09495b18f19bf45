"""The four rules hold for every shot: random ones, real procedural ones, all sizes and engines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.pipeline.context import LocalContext
from backend.pipeline.execute import execute
from shared.blobs import MemoryBlobs
from shared.result import ResultManifest
from shared.shot import (
    ArrayRef,
    Control,
    Look,
    Mode,
    PictureRef,
    Role,
    ShotRequest,
    Sketch,
    SketchFrame,
    Trajectory,
)
from shared.strokes import save_arrays
from tests.backend.pipeline.rules import check_rules
from tests.backend.pipeline.shots import ShotBuilder, composite_pixels, layer_pixels, walking_disc
from training.procedural import make_clip, render

MOTION = Look(engine="layer-motion")


def run(request: ShotRequest, inputs: MemoryBlobs) -> tuple[ResultManifest, MemoryBlobs]:
    outputs = MemoryBlobs()
    return execute(request, inputs, outputs, LocalContext()), outputs


@st.composite
def random_shots(draw: st.DrawFn) -> tuple[ShotRequest, MemoryBlobs]:
    """One to six layers of noise and discs, any roles, keys, holds, places and frame ranges."""
    builder = ShotBuilder(width=draw(st.sampled_from([48, 33])), height=32)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def drawing() -> PictureRef | None:
        kind = draw(st.sampled_from(["disc", "noise", "empty"]))
        if kind == "empty":
            return None
        if kind == "disc":
            x, y = random.uniform(0.1, 0.9, 2)
            return builder.disc((float(x), float(y)), 0.25)
        height, width = random.integers(1, 24, 2)
        pixels = random.integers(0, 256, (height, width, 4)).astype(np.uint8)
        x, y = random.integers(-8, 40, 2)
        return builder.picture(pixels, int(x), int(y))

    count = draw(st.integers(1, 6))
    for number in range(count):
        frames = draw(st.lists(st.integers(-2, 12), min_size=1, max_size=3, unique=True))
        keys = {frame: drawing() for frame in frames}
        role = draw(st.sampled_from([Role.ANIMATE, Role.ANIMATE, Role.HOLD, Role.BACKGROUND]))
        controls = ()
        if draw(st.booleans()):
            controls = (builder.path({1: (5, 5), 6: (20, 12), 10: (30, 25)}),)
        exposure = draw(st.sampled_from([None, 1, 2, 3]))
        builder.add(f"layer {number}", keys, *controls, role=role, exposure=exposure)
    # One layer that surely moves, so that the shot is legal whatever else was drawn.
    walking_disc(builder, "mover", last=10)
    mode = draw(st.sampled_from(list(Mode)))
    legal = [
        layer
        for layer in builder.layers
        if layer.role is not Role.ANIMATE or any(not key.is_empty for key in layer.keys)
    ]
    request = builder.request(
        start=draw(st.integers(0, 3)),
        end=draw(st.integers(7, 11)),
        exposure=draw(st.integers(1, 3)),
        mode=mode,
        look=MOTION,
        layers=tuple(legal),
    )
    return request, builder.blobs


@given(random_shots())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_random_shot_keeps_the_rules(shot: tuple[ShotRequest, MemoryBlobs]) -> None:
    request, inputs = shot
    check_rules(request, inputs, *run(request, inputs))


@pytest.mark.parametrize(
    ("width", "height", "fps", "exposure", "last", "layers_count"),
    [
        (512, 320, 24, 1, 17, 1),
        (512, 320, 12, 2, 6, 3),
        (200, 120, 24, 3, 33, 2),
        (120, 214, 24, 2, 17, 6),
        (1920, 1080, 24, 3, 10, 2),
    ],
)
def test_cameras_rates_holds_gap_lengths_and_layer_counts_keep_the_rules(
    width: int, height: int, fps: int, exposure: int, last: int, layers_count: int
) -> None:
    builder = ShotBuilder(width=width, height=height).plate()
    for number in range(layers_count):
        x, y = 0.2 + 0.1 * number, 0.3 + 0.08 * number
        keys: dict[int, PictureRef | None] = {
            1: builder.disc((x, y), 0.1, 40 * number),
            last: builder.disc((x + 0.2, y), 0.1, 40 * number),
        }
        builder.add(f"layer {number}", keys)
    request = builder.request(end=last, fps=fps, exposure=exposure, look=MOTION)
    manifest, outputs = run(request, builder.blobs)
    check_rules(request, builder.blobs, manifest, outputs)
    distinct = -(-(last - 1) // exposure) + 1
    for layer in manifest.layers[1:]:
        assert len(set(layer.frames)) <= distinct
        assert layer.painted


@pytest.mark.parametrize("seed", [3, 11])
def test_procedural_clips_keep_the_rules(seed: int) -> None:
    clip = render(make_clip(seed), 160, 96)
    builder = ShotBuilder(width=160, height=96)
    builder.add("plate", {1: builder.picture(clip.plate)}, role=Role.BACKGROUND)
    for number, pictures in enumerate(clip.layers):
        controls: list[Control] = []
        if number % 3 == 0:
            controls.append(path_of(builder, clip.tracks[number]))
        if number % 3 == 1:
            controls.append(sketch_of(builder, clip.sketches[number]))
        keys: dict[int, PictureRef | None] = {
            frame: builder.picture(end.pixels, end.x, end.y)
            for frame, end in ((1, pictures[0]), (len(pictures), pictures[-1]))
        }
        builder.add(f"layer {number}", keys, *controls)
    request = builder.request(end=16, look=MOTION)
    check_rules(request, builder.blobs, *run(request, builder.blobs))


def path_of(builder: ShotBuilder, tracks: np.ndarray) -> Trajectory:
    """Tracks [frames, p, 2] as a control from frame 1 on."""
    frames = np.arange(1, len(tracks) + 1, dtype=np.int32)
    data = save_arrays({"frames": frames, "points": tracks})
    return Trajectory(tracks=ArrayRef(blob=builder.blobs.put(data)))


def sketch_of(builder: ShotBuilder, lines: np.ndarray) -> Sketch:
    """Every fifth line map of [frames, h, w] as a control from frame 1 on."""
    frames = []
    for index in range(0, len(lines), 5):
        pixels = np.zeros((*lines[index].shape, 4), np.uint8)
        pixels[..., 3] = lines[index]
        frames.append(SketchFrame(frame=index + 1, picture=builder.picture(pixels)))
    return Sketch(frames=tuple(frames))


def test_uncovered_background_is_the_backgrounds_own_drawing() -> None:
    builder = walking_disc(ShotBuilder().plate())
    request = builder.request(look=MOTION)
    manifest, outputs = run(request, builder.blobs)
    plate = layer_pixels(manifest, outputs, "plate", 1)
    for frame in range(1, 10):
        composite = composite_pixels(manifest, outputs, frame)
        covered = layer_pixels(manifest, outputs, "disc", frame)[..., 3] > 0
        assert np.array_equal(composite[~covered], plate[~covered])
    # The disc stood here on frame 1 and has left by frame 9.
    assert not np.array_equal(composite_pixels(manifest, outputs, 1), plate)
    left = layer_pixels(manifest, outputs, "disc", 1)[..., 3] > 0
    assert np.array_equal(composite_pixels(manifest, outputs, 9)[left], plate[left])


def test_the_same_request_gives_the_same_bits() -> None:
    builder = walking_disc(ShotBuilder().plate())
    builder.add("held", {1: builder.disc((0.2, 0.2))}, role=Role.HOLD)
    first, second = (run(builder.request(look=MOTION), builder.blobs)[0] for _ in range(2))
    assert first.composite == second.composite
    assert first.layers == second.layers
