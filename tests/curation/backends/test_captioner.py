"""Promises of captions by a network, with small random weights: what it sees and what is kept."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from curation.backends.build import built
from curation.backends.caption_settings import CaptionSettings
from curation.backends.captioner import sampled
from curation.backends.choose import BackendSettings, Choice, choose
from curation.clip_stages import ClipStages, captions_of
from curation.run.stage import ClipRef, Product, View
from curation.stages.chain import ChainSettings
from curation.stages.filters import FilterSettings
from shared.errors import AcetateError

WORDS = CaptionSettings(frames=2, most_tokens=5, prompt="w1 w2", layer_prompt="w3")


def _choice(weights: Path, words: CaptionSettings = WORDS) -> Choice:
    return choose(BackendSettings(caption="tales", words=words), weights)


def test_frames_are_spread_over_the_clip_and_bounded() -> None:
    frames = np.arange(9, dtype=np.uint8)[:, None, None, None] * np.ones((9, 40, 80, 3), np.uint8)
    shown = sampled(frames, 3, 40)
    assert [frame.shape for frame in shown] == [(20, 40, 3)] * 3
    assert [int(frame[0, 0, 0]) for frame in shown] == [0, 4, 8]
    assert len(sampled(frames[:2], 6, 512)) == 2


def test_a_clip_and_its_layers_are_told_and_who_told_is_kept(
    small_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (4, 48, 64, 3), dtype=np.uint8)
    monkeypatch.setattr("curation.clip_stages.clip_frames", lambda clip: frames)
    labels = np.ones((4, 48, 64), np.uint16)
    labels[:, :, 32:] = 2
    layers = Product(
        {
            "labels": labels,
            "layer": np.array([0, 1]),
            "scores": np.array([0.0, 1.0]),
            "area": np.array([1536.0, 1536.0]),
        },
        {"layer_scores": [0.0, 1.0, 0.0]},
    )
    stages = ClipStages(ChainSettings(), FilterSettings(), _choice(small_weights))
    clip = ClipRef("clip", "film.mp4", "0" * 64, 0, 4, View(24.0, 64, 48))
    product = stages.captions(clip, {"layers": layers})
    told = captions_of(product)
    assert told.clip.startswith("w")
    assert [bool(text) for text in told.layers] == [True, True, False]
    assert product.facts["model"] == "tales"
    assert len(product.facts["prompt_hash"]) == 64
    again = stages.captions(clip, {"layers": layers})
    assert again.facts == product.facts


def test_another_question_is_another_hash(small_weights: Path) -> None:
    hashes = set()
    for prompt in ("w1", "w2"):
        words = CaptionSettings(frames=1, most_tokens=1, prompt=prompt)
        captioner = built(ChainSettings(), _choice(small_weights, words)).caption
        assert captioner is not None
        hashes.add(captioner.made_by["prompt_hash"])
    assert len(hashes) == 2


def test_a_folder_that_cannot_be_read_is_named(small_weights: Path, tmp_path: Path) -> None:
    shutil.copytree(small_weights / "tales", tmp_path / "tales")
    (tmp_path / "tales" / "tokenizer.json").unlink()
    captioner = built(ChainSettings(), _choice(tmp_path)).caption
    assert captioner is not None
    with pytest.raises(AcetateError) as caught:
        captioner(np.zeros((2, 32, 32, 3), np.uint8))
    assert caught.value.name in {"weights_unfit", "backend_package"}


def test_code_in_a_folder_never_runs_whatever_the_terminal_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers")
    from curation.backends.captioner import _processor

    marker = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(marker)!r}, 'w')\nclass P:\n    pass\n")
    told = {"model_type": "evil", "auto_map": {"AutoProcessor": "evil.P"}}
    for name in ("config.json", "processor_config.json"):
        (tmp_path / name).write_text(json.dumps(told))
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 9))
    with pytest.raises(AcetateError):
        _processor(tmp_path)
    assert not marker.exists()


def test_a_processor_with_a_part_for_films_works_without_torchvision(small_weights: Path) -> None:
    pytest.importorskip("num2words")
    from PIL import Image
    from transformers import AutoTokenizer, SmolVLMImageProcessorPil, SmolVLMProcessor

    from curation.backends.captioner import _pictures_only

    words = AutoTokenizer.from_pretrained(str(small_weights / "tales"))
    make = _pictures_only(SmolVLMProcessor)
    pictures = SmolVLMImageProcessorPil(
        size={"longest_edge": 64}, max_image_size={"longest_edge": 64}
    )
    processor = make(pictures, words, None, image_seq_len=4)
    seen = processor(text="<image> w1", images=[Image.new("RGB", (64, 48))], return_tensors="pt")
    assert seen["pixel_values"].shape[-1] == 64
