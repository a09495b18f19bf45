"""Procedural clips as a source: complete, exact, the same everywhere, and fit for a data set."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from curation.dataset.clip import LayeredClip
from curation.dataset.pack import pack
from shared.errors import AcetateError
from training.data.clips import ClipSource
from training.data.procedural_source import ProceduralClips, SourceStream
from training.procedural import make_clip
from training.procedural.look import repainted
from training.procedural.material import from_material, to_material
from training.procedural.render import render


def _small(count: int, seed: int, stream: SourceStream = "studio") -> ProceduralClips:
    return ProceduralClips(count, seed=seed, width=96, height=60, length=5, stream=stream)


@pytest.fixture(scope="module", params=["studio", "train"])
def source(request: pytest.FixtureRequest) -> ProceduralClips:
    stream: SourceStream = request.param
    return _small(4, 9, stream)


@pytest.fixture(scope="module")
def clip(source: ProceduralClips) -> LayeredClip:
    return source.clip(1)


def test_a_clip_has_everything_a_model_is_steered_by(clip: LayeredClip) -> None:
    assert clip.frames.shape == (5, 60, 96, 3)
    assert clip.labels.min() >= 1
    assert clip.labels.max() <= len(clip.elements)
    assert clip.sketch is not None
    assert (clip.sketch < 100).any()
    assert clip.flow is not None
    assert clip.flow.dtype == np.float16
    assert len(clip.tracks) >= 10
    assert clip.depth_known
    assert clip.layers[0].name == "background"
    assert clip.caption.endswith(".")
    assert all(layer.caption for layer in clip.layers)


def test_layers_cover_every_pixel(clip: LayeredClip) -> None:
    layers = clip.layer_labels()
    assert layers.min() >= 1
    assert len(np.unique(layers)) > 1


def test_the_same_index_gives_the_same_clip_and_another_one_another(
    source: ProceduralClips, clip: LayeredClip
) -> None:
    copied: ProceduralClips = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own bytes
    again = copied.clip(1)
    assert np.array_equal(again.frames, clip.frames)
    assert np.array_equal(again.tracks.points, clip.tracks.points)
    assert again.elements == clip.elements
    assert again.caption == clip.caption
    assert not np.array_equal(source.clip(2).frames, clip.frames)


def test_scores_are_the_mean_motion_of_each_element(clip: LayeredClip) -> None:
    assert clip.flow is not None
    lengths = np.linalg.norm(clip.flow.astype(np.float64), axis=-1)
    for number, element in enumerate(clip.elements, 1):
        means = [
            lengths[frame][labels == number].mean()
            for frame, labels in enumerate(clip.labels[:-1])
            if (labels == number).any()
        ]
        assert element.score == pytest.approx(np.mean(means) if means else 0.0, abs=5e-3)


def test_layer_scores_are_the_mean_of_their_elements(clip: LayeredClip) -> None:
    for number, layer in enumerate(clip.layers):
        scores = [element.score for element in clip.elements if element.layer == number]
        assert layer.score == pytest.approx(float(np.mean(scores)))


def test_chosen_frames_come_in_the_order_asked_for(source: ProceduralClips) -> None:
    whole, some = source.clip(0), source.clip(0, [3, 1, 1])
    assert np.array_equal(some.frames, whole.frames[[3, 1, 1]])
    assert np.array_equal(some.labels, whole.labels[[3, 1, 1]])
    assert np.array_equal(some.tracks.points, whole.tracks.points[:, [3, 1, 1]])
    assert some.flow is None
    assert source.clip(0, range(5)).flow is not None


def test_every_layer_has_a_sketch_of_its_own_also_where_others_hide_it(
    source: ProceduralClips, clip: LayeredClip
) -> None:
    sketches = source.layer_sketches(1)
    assert sketches.shape == (len(clip.layers), *clip.labels.shape)
    assert clip.sketch is not None
    # Lines of the whole picture are lines of some layer; hidden ones come on top of them.
    assert (sketches.min(axis=0)[clip.sketch < 40] < 90).all()
    assert (sketches < 90).any(axis=0).sum() >= (clip.sketch < 90).sum()


def test_fingerprints_tell_all_settings_apart(source: ProceduralClips) -> None:
    others = [
        ProceduralClips(4, seed=9, width=96, height=64, length=5),
        _small(4, 8),
        _small(5, 9),
        _small(4, 9, "evaluate"),
    ]
    known: list[ClipSource] = [source, *others]
    assert len({one.fingerprint for one in known}) == len(known)


def test_clips_pass_the_licence_gate_and_the_packer(clip: LayeredClip) -> None:
    packed = pack(clip)
    assert packed.document.provenance.licence == "Apache-2.0"
    assert {"mp4", "sketch.mp4", "flow.npz", "tracks.npz"} <= set(packed.members)


def test_figures_of_the_source_are_those_of_the_generator() -> None:
    drawn = _small(1, 0, "train").clip(0)
    plain = render(repainted(make_clip(0, stream="train", frames=5), 0), 96, 60)
    assert np.array_equal(drawn.frames, plain.composites[..., :3])


def test_material_of_a_figure_comes_back_to_where_it_was() -> None:
    far, count = 0, 0
    for seed in range(8):
        for layer in make_clip(seed, stream="train").layers:
            for part, outline in enumerate(layer.outlines(0.4)):
                material = to_material(layer, part, outline, 0.4)
                back = from_material(layer, part, material, 0.4)
                far += int((np.abs(back - outline).max(axis=1) > 1e-6).sum())
                count += len(outline)
                there = from_material(layer, part, layer.figure.parts[part].points, 0.4)
                assert np.abs(there - outline).max() < 1e-9
    assert far < 1e-3 * count  # only where a strong bend folds a limb onto itself


@pytest.mark.parametrize(
    ("count", "seed", "width", "length"),
    [(0, 0, 96, 5), (1, -1, 96, 5), (1, 0, 4, 5), (1, 0, 96, 1), (1, 0, 40_000, 5)],
)
def test_impossible_settings_are_refused_by_name(
    count: int, seed: int, width: int, length: int
) -> None:
    with pytest.raises(AcetateError) as caught:
        ProceduralClips(count, seed=seed, width=width, height=60, length=length)
    assert caught.value.name in ("usage", "size")


def test_clips_and_frames_that_do_not_exist_are_told(source: ProceduralClips) -> None:
    for index, frames in ((4, None), (-1, None), (0, [9])):
        with pytest.raises(AcetateError) as caught:
            source.clip(index, frames)
        assert caught.value.name == "not_found"
