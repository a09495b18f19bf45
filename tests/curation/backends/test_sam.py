"""Promises of SAM and SAM 2 with small random weights in the published layout."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from curation.backends.automatic import SamSettings
from curation.backends.build import built
from curation.backends.choose import BackendSettings, choose
from curation.backends.sam2_follower import KEYFRAMES, newcomers
from curation.backends.weights import weights_sha256
from curation.curate import register
from curation.dataset.provenance import own_work
from curation.stages.chain import ChainSettings, layered_clip
from shared.errors import AcetateError

ANY = SamSettings(points=4, batch=9, quality=-9.0, stability=0.0, least_px=200)
"""Random weights believe in nothing."""


@pytest.fixture
def film() -> np.ndarray:
    """A square that walks over stripes, RGB uint8 [9, 96, 160, 3]."""
    x = np.arange(160)
    stripes = np.where(x // 8 % 2, 90, 160).astype(np.uint8)
    frames = np.repeat(np.broadcast_to(stripes[None, :, None], (96, 160, 3))[None], 9, 0).copy()
    for index, frame in enumerate(frames):
        frame[30:70, 20 + 6 * index : 60 + 6 * index] = (220, 40, 30)
    return frames


@pytest.mark.parametrize("name", ["sam", "sam2"])
def test_a_picture_becomes_regions_without_gaps(
    small_weights: Path, film: np.ndarray, name: str
) -> None:
    settings = BackendSettings(segment=name, sam=ANY)  # pyright: ignore[reportArgumentType]
    segment = built(ChainSettings(), choose(settings, small_weights)).segment
    labels = segment(film[0])
    assert labels.shape == (96, 160)
    assert labels.dtype == np.int32
    assert set(np.unique(labels)) == set(range(int(labels.max()) + 1))
    assert np.array_equal(segment(film[0]), labels)


def test_sam_sees_and_answers_as_its_own_processor_has_it(
    small_weights: Path, film: np.ndarray
) -> None:
    from transformers import SamImageProcessorPil

    from curation.backends.prompted_model import PromptedModel
    from curation.backends.transformers_folder import load_model

    model = load_model("SamModel", small_weights / "sam", "cpu", "sam")
    side = 128
    theirs = SamImageProcessorPil(
        size={"longest_edge": side},
        pad_size={"height": side, "width": side},
        mask_pad_size={"height": 32, "width": 32},
    )
    given = theirs(film[0], return_tensors="pt")
    network = PromptedModel(model, "cpu", side, keeps_shape=True)
    network.look(film[0])
    with torch.inference_mode():
        seen = model.get_image_embeddings(given["pixel_values"])
    assert torch.allclose(network._seen, seen, atol=1e-4)
    logits, quality = network.ask(np.array([[80.0, 48.0], [10.0, 90.0]], np.float32))
    assert logits.shape[:2] == quality.shape == (2, 3)
    back = theirs.post_process_masks(
        [logits], given["original_sizes"], given["reshaped_input_sizes"], binarize=False
    )[0]
    assert torch.allclose(network.enlarged(logits[:, 0]), back[:, 0], atol=1e-5)


def test_sam2_keeps_the_first_frame_and_numbers_newcomers_after_it(
    small_weights: Path, film: np.ndarray
) -> None:
    settings = BackendSettings(propagate="sam2", sam=SamSettings(uncovered=0.0, newcomer=1e-4))
    follow = built(ChainSettings(), choose(settings, small_weights)).propagate
    first = np.zeros((96, 160), np.int32)
    first[30:70, 20:60] = 1
    regions = np.zeros((9, 96, 160), np.int32)
    regions[KEYFRAMES, 80:, 100:] = 1
    labels = follow(film, first, regions)
    assert labels.shape == film.shape[:3]
    assert np.array_equal(labels[0], first)
    assert set(np.unique(labels[1:])) - {0, 1} <= set(range(2, int(labels.max()) + 1))
    still = follow(film, first, np.zeros_like(regions))
    assert np.array_equal(still[0], first)


def test_newcomers_are_what_nothing_covers_and_large_enough() -> None:
    regions = np.zeros((50, 100), np.int32)
    regions[10:30, 10:30], regions[10:30, 60:80], regions[40:42, 40:42] = 1, 2, 3
    covered = np.ones((50, 100), bool)
    covered[10:30, 10:26] = False  # four fifths of 1
    covered[10:30, 60:66] = False  # a third of 2
    covered[40:42, 40:42] = False  # all of 3, which is a speck
    found = newcomers(regions, covered, SamSettings())
    assert len(found) == 1
    assert np.array_equal(found[0], (regions == 1) & ~covered)
    assert not len(newcomers(regions, np.ones_like(covered), SamSettings()))


def test_a_whole_clip_by_sam2_says_so_in_its_provenance(
    small_weights: Path, film: np.ndarray
) -> None:
    settings = BackendSettings(segment="sam2", propagate="sam2", sam=ANY)
    choice = choose(settings, small_weights)
    parts = built(ChainSettings(), choice)
    clip = layered_clip(film[:6], 24.0, ChainSettings(), own_work("walk", 6), parts)
    assert clip.labels.shape == (6, 96, 160)
    made = {note.kind: note for note in clip.provenance.annotations}
    assert made["masks"].name == "SAM 2"
    assert made["masks"].weights_sha256 == weights_sha256(small_weights / "sam2")
    assert made["tracks"].name == "OpenCV Lucas-Kanade"


@pytest.mark.parametrize(
    ("mended", "told"),
    [
        ({"model_type": "bert"}, "bert"),
        ({"mask_decoder_config": {"hidden_size": 64}}, ""),
        (None, "config.json"),
    ],
)
def test_files_of_another_network_are_named(
    small_weights: Path, tmp_path: Path, mended: dict[str, object] | None, told: str
) -> None:
    folder = tmp_path / "sam"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(
        (small_weights / "sam" / "model.safetensors").read_bytes()
    )
    config = json.loads((small_weights / "sam" / "config.json").read_text())
    text = "{" if mended is None else json.dumps(config | mended)
    (folder / "config.json").write_text(text)
    segment = built(ChainSettings(), choose(BackendSettings(segment="sam"), tmp_path)).segment
    with pytest.raises(AcetateError) as caught:
        segment(np.zeros((32, 32, 3), np.uint8))
    assert caught.value.name == "weights_unfit"
    assert told in str(caught.value.detail)


def test_the_elements_command_uses_the_backend_that_it_is_told(
    small_weights: Path, film: np.ndarray, tmp_path: Path
) -> None:
    picture, out = tmp_path / "frame.png", tmp_path / "labels.png"
    cv2.imwrite(str(picture), film[0])
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    command = ["curate", "elements", str(picture), "--out", str(out), "--backend", "sam"]
    args = parser.parse_args([*command, "--weights", str(small_weights)])
    assert args.run(args) == 0
    labels = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    assert labels is not None
    assert labels.shape == (96, 160)
    args = parser.parse_args([*command, "--weights", str(tmp_path)])
    with pytest.raises(AcetateError) as caught:
        args.run(args)
    assert caught.value.name == "weights_missing"
