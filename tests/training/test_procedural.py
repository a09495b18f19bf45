"""The procedural clips: the same for a seed, and layers, sketches and tracks that agree."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from shared.pictures import alpha_over
from training.procedural import STRATA, RenderedClip, SketchStyle, Stratum, make_clip, render
from training.procedural.look import repainted
from training.procedural.render import composite


@pytest.fixture(scope="module")
def deforming() -> RenderedClip:
    return render(make_clip(11, strata=("deform", "affine")), 160, 96)


def test_the_same_seed_gives_the_same_bits(deforming: RenderedClip) -> None:
    again = render(make_clip(11, strata=("deform", "affine")), 160, 96)
    assert np.array_equal(deforming.composites, again.composites)
    assert np.array_equal(deforming.sketches, again.sketches)
    assert np.array_equal(deforming.tracks, again.tracks)


def test_training_and_evaluation_never_share_a_clip() -> None:
    one = render(make_clip(5), 80, 48).composites
    other = render(make_clip(5, stream="train"), 80, 48).composites
    assert not np.array_equal(one[0], other[0])


def test_composites_are_alpha_over_of_the_layers(deforming: RenderedClip) -> None:
    frame = 7
    result = deforming.plate
    for pictures in deforming.layers:
        result = alpha_over(result, pictures[frame].on_canvas(160, 96))
    assert np.array_equal(result, deforming.composites[frame])
    assert (result[..., 3] == 255).all()


def test_strata_come_by_their_shares() -> None:
    drawn = [layer.stratum for seed in range(400) for layer in make_clip(seed).layers]
    shares = [drawn.count(stratum) / len(drawn) for stratum in STRATA]
    assert np.allclose(shares, [0.12, 0.16, 0.20, 0.20, 0.32], atol=0.04)


def test_a_static_layer_never_changes() -> None:
    clip = render(make_clip(3, strata=("static",)), 96, 60)
    assert all(picture is clip.layers[0][0] for picture in clip.layers[0])
    assert (clip.sketches[0] == clip.sketches[0, 0]).all()


@pytest.mark.parametrize("stratum", STRATA[1:])
def test_every_other_stratum_moves(stratum: Stratum) -> None:
    for seed in range(5):
        clip = render(make_clip(seed, strata=(stratum,)), 96, 60)
        assert not np.array_equal(clip.composites[0], clip.composites[8])


def test_a_translation_moves_all_tracked_points_alike() -> None:
    tracks = render(make_clip(2, strata=("translate",)), 160, 96).tracks[0]
    steps = tracks - tracks[:1]
    assert np.abs(steps - steps[:, :1]).max() < 1e-3
    assert np.abs(steps).max() > 5


def test_tracked_points_are_not_on_one_line(deforming: RenderedClip) -> None:
    for layer in deforming.tracks:
        for points in layer:
            _, singular, _ = np.linalg.svd(points - points.mean(axis=0))
            assert singular[1] > 1.0


def test_tracked_points_lie_on_the_art() -> None:
    clip = render(make_clip(4, strata=("similarity",)), 320, 200)
    for frame, picture in enumerate(clip.layers[0]):
        x, y = np.floor(clip.tracks[0, frame, 0]).astype(int)
        if 0 <= x < 320 and 0 <= y < 200:
            assert picture.on_canvas(320, 200)[y, x, 3] == 255


def test_sketches_lie_where_the_pictures_have_edges(deforming: RenderedClip) -> None:
    for layer in range(2):
        art = deforming.layers[layer][5].on_canvas(160, 96).astype(np.float32)
        art[..., :3] *= art[..., 3:] / 255
        edges = cv2.morphologyEx(art, cv2.MORPH_GRADIENT, np.ones((5, 5))).max(axis=2)
        strokes = deforming.sketches[layer, 5] > 128
        assert strokes.sum() > 30
        assert (edges[strokes] > 25).mean() > 0.97


def test_every_contour_of_the_art_has_a_stroke(deforming: RenderedClip) -> None:
    alpha = deforming.layers[0][9].on_canvas(160, 96)[..., 3]
    rim = cv2.morphologyEx(alpha, cv2.MORPH_GRADIENT, np.ones((3, 3))) > 200
    near = cv2.dilate((deforming.sketches[0, 9] > 100).astype(np.uint8), np.ones((5, 5))) > 0
    inner = (slice(3, -3), slice(3, -3))
    assert near[inner][rim[inner]].mean() > 0.97


def test_art_goes_on_beyond_the_border() -> None:
    reaching = 0
    for seed in range(12):
        clip = render(make_clip(seed, frames=6), 160, 96)
        pictures = [p for layer in clip.layers for p in layer]
        reaching += any(p.x < 0 or p.x + p.width > 160 for p in pictures)
        assert all(p.x >= -80 and p.x + p.width <= 240 for p in pictures)
    assert reaching > 2


def test_the_same_clip_renders_alike_at_other_sizes(deforming: RenderedClip) -> None:
    large = render(deforming.clip, 512, 320)
    scale = 320 / 96
    shift = (512 - 1.6 * 320) / 2 - scale * (160 - 1.6 * 96) / 2
    assert np.allclose(large.tracks, deforming.tracks * scale + (shift, 0), atol=1e-2)
    narrow = render(deforming.clip, 154, 96).composites[6, ..., :3]
    small = cv2.resize(large.composites[6, ..., :3], (154, 96), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - narrow).mean() < 4


def test_sketch_noise_changes_sketches_only(deforming: RenderedClip) -> None:
    noisy = render(deforming.clip, 160, 96, sketch=SketchStyle(jitter_px=0.6, gaps=0.1, seed=3))
    assert np.array_equal(noisy.composites, deforming.composites)
    assert not np.array_equal(noisy.sketches, deforming.sketches)
    again = render(deforming.clip, 160, 96, sketch=SketchStyle(jitter_px=0.6, gaps=0.1, seed=3))
    assert np.array_equal(noisy.sketches, again.sketches)


def test_wider_pens_draw_wider_lines(deforming: RenderedClip) -> None:
    wide = render(deforming.clip, 160, 96, sketch=SketchStyle(width_px=2.4)).sketches
    assert wide.astype(int).sum() > 1.3 * deforming.sketches.astype(int).sum()


def test_outline_vertices_correspond_over_time(deforming: RenderedClip) -> None:
    layer = deforming.clip.layers[0]
    shapes = [[part.shape for part in layer.outlines(time)] for time in (0.0, 0.4, 1.0)]
    assert shapes[0] == shapes[1] == shapes[2]


def test_composite_of_no_layers_is_the_plate(deforming: RenderedClip) -> None:
    assert composite(deforming.plate, []) is deforming.plate


def test_another_look_keeps_shapes_and_motion() -> None:
    clip = make_clip(1, stream="train", strata=("deform",), frames=5)
    looks = [repainted(clip, seed) for seed in range(8)]
    plain = render(clip, 160, 96)
    for look in looks:
        drawn = render(look, 160, 96)
        assert np.array_equal(drawn.tracks, plain.tracks)
        assert not np.array_equal(drawn.composites, plain.composites)
    again = render(repainted(clip, 3), 160, 96)
    assert np.array_equal(again.composites, render(looks[3], 160, 96).composites)


def test_looks_are_dark_unlined_shaded_and_partly_sketched() -> None:
    looks = [repainted(make_clip(seed, stream="train"), seed) for seed in range(20)]
    layers = [layer for look in looks for layer in look.layers]
    bodies = [p for layer in layers for p in layer.figure.parts if p.kind == "body"]
    assert any(max(part.fill or (255,)) < 90 for part in bodies)
    assert any(part.line is None for part in bodies)
    assert any(sum(part.line or (0,)) > sum(part.fill or (999,)) for part in bodies)
    assert any(part.fill_end is not None for part in bodies)
    assert any(not part.sketched for part in bodies)
