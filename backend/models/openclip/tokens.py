"""Prompts to the token ids of OpenCLIP's text tower, by the vocabulary beside the weights."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.errors import AcetateError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER_FILE = "tokenizer.json"
PAIR_FILES = ("vocab.json", "merges.txt")
PADDING_ID = 0
"""What OpenCLIP fills the rest with. The tower sees it, because nothing is pooled."""

MAX_FILE_BYTES = 16 * 1024 * 1024
_MAX_PROMPT = 8192
_STARTS = ("<|startoftext|>", "<start_of_text>")
_ENDS = ("<|endoftext|>", "<end_of_text>")
_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def tokenizer_files(folder: Path) -> tuple[Path, ...]:
    """The files in a folder that tell the vocabulary: one, two, or none."""
    whole = folder / TOKENIZER_FILE
    if whole.is_file():
        return (whole,)
    pair = tuple(folder / name for name in PAIR_FILES)
    return pair if all(file.is_file() for file in pair) else ()


class PromptTokens:
    """Turns prompts into ids. Raises `model_corrupt` for files that hold no such vocabulary."""

    def __init__(self, folder: Path, model: str, length: int = 77) -> None:
        self._length = length
        self._tokenizer = _read(folder, model)
        self._start, self._end = (
            _id_of(self._tokenizer, names, model) for names in (_STARTS, _ENDS)
        )

    @property
    def vocabulary(self) -> int:
        """How many different ids there are."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def __call__(self, prompt: str) -> NDArray[np.int64]:
        """Ids [length]: start, words, end, padding. Of a long prompt the end is cut, not its id."""
        cleaned = " ".join(html.unescape(html.unescape(prompt[:_MAX_PROMPT])).split()).lower()
        words = self._tokenizer.encode(cleaned, add_special_tokens=False).ids
        ids = np.full(self._length, PADDING_ID, np.int64)
        row = [self._start, *words[: self._length - 2], self._end]
        ids[: len(row)] = row
        return ids


def _read(folder: Path, model: str) -> Tokenizer:
    # a compiled library of some MB, which only prompts need
    from tokenizers import Tokenizer

    files = tokenizer_files(folder)
    if not files:
        raise AcetateError("model_missing", model=model, detail=f"no {TOKENIZER_FILE} in {folder}")
    texts = [_text(file, model) for file in files]
    try:
        tokenizer = Tokenizer.from_str(texts[0]) if len(files) == 1 else _of_pair(*texts)
    except Exception as error:
        # the library raises bare Exception for whatever it cannot read
        detail = f"{files[0].name}: {error}"
        raise AcetateError("model_corrupt", model=model, detail=detail) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _of_pair(vocabulary: str, merges: str) -> Tokenizer:
    """CLIP's byte-pair encoding from its two plain files."""
    import json

    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    lines = [line for line in merges.splitlines() if line and not line.startswith("#version")]
    pairs = [(left, right) for left, right in (line.split(" ") for line in lines)]
    unknown = next(end for end in _ENDS if end in json.loads(vocabulary))
    tokenizer = Tokenizer(
        models.BPE(json.loads(vocabulary), pairs, end_of_word_suffix="</w>", unk_token=unknown)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Lowercase(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def _text(file: Path, model: str) -> str:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise AcetateError("model_corrupt", model=model, detail=f"{file.name} is too large")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AcetateError("model_corrupt", model=model, detail=f"{file.name}: {error}") from error


def _id_of(tokenizer: Tokenizer, names: tuple[str, ...], model: str) -> int:
    for name in names:
        found = tokenizer.token_to_id(name)
        if found is not None:
            return int(found)
    raise AcetateError("model_corrupt", model=model, detail=f"the vocabulary has no {names[0]}")
