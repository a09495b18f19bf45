"""Prompts become CLIP's own ids: start, words, end, and zeros behind them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from backend.models.openclip.tokens import PAIR_FILES, TOKENIZER_FILE, PromptTokens
from shared.errors import AcetateError

from .small import END, START, write_vocabulary


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_vocabulary(tmp_path)
    return tmp_path


def _ids(folder: Path, prompt: str) -> list[int]:
    return PromptTokens(folder, "test")(prompt).tolist()


def test_a_prompt_has_clips_public_ids_and_is_filled_with_zeros(folder: Path) -> None:
    ids = _ids(folder, "a photo of a cat")
    assert ids[:7] == [START, 320, 1125, 539, 320, 2368, END]
    assert ids[7:] == [0] * 70


@pytest.mark.parametrize(
    "prompt", ["A Photo  of a\n cat", " a photo of a CAT ", "a&#32;photo of a cat"]
)
def test_case_and_spaces_do_not_count(folder: Path, prompt: str) -> None:
    assert _ids(folder, prompt) == _ids(folder, "a photo of a cat")


def test_an_empty_prompt_is_a_start_and_an_end(folder: Path) -> None:
    assert _ids(folder, "") == [START, END] + [0] * 75


@pytest.mark.parametrize("count", [75, 76, 5000])
def test_a_long_prompt_is_cut_but_keeps_its_end(folder: Path, count: int) -> None:
    assert _ids(folder, "cat " * count) == [START] + [2368] * 75 + [END]


def test_one_file_or_two_give_the_same_ids(folder: Path, tmp_path: Path) -> None:
    pair = PromptTokens(folder, "test")
    whole = tmp_path / "whole"
    whole.mkdir()
    tokenizer: Tokenizer = pair._tokenizer
    tokenizer.enable_padding(length=77, pad_id=END, pad_token="<|endoftext|>")  # noqa: S106
    tokenizer.enable_truncation(5)
    tokenizer.save(str(whole / TOKENIZER_FILE))
    assert _ids(whole, "a photo of a cat") == _ids(folder, "a photo of a cat")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("vocab.json", "{"),
        ("vocab.json", "[]"),
        ("vocab.json", '{"a</w>": 1}'),
        ("merges.txt", "only-one-half"),
        (TOKENIZER_FILE, "{}"),
        (TOKENIZER_FILE, '{"model": {"type": "BPE", "vocab": {}, "merges": []}}'),
    ],
)
def test_a_broken_vocabulary_is_told(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(AcetateError) as caught:
        PromptTokens(folder, "test")
    assert caught.value.name == "model_corrupt"


def test_a_missing_vocabulary_is_told(folder: Path) -> None:
    (folder / PAIR_FILES[1]).unlink()
    with pytest.raises(AcetateError) as caught:
        PromptTokens(folder, "test")
    assert caught.value.name == "model_missing"
