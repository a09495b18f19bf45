"""Promises of the choice of backends: what is taken, what is told of it, what is missing."""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from curation.backends.build import built, usable_device
from curation.backends.choose import BackendSettings, choose
from curation.backends.weights import licence_of, weights_folder, weights_sha256
from curation.clip_stages import clip_stages
from curation.curate import register
from curation.dataset.provenance import own_work
from curation.dataset.rights import is_nc_tainted
from curation.run.stage import ClipRef
from curation.run.unit_keys import chain_keys
from curation.stages.chain import NO_WEIGHTS, ChainSettings, no_weights
from curation.stages.filters import FilterSettings
from shared.errors import AcetateError

needs_transformers = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="transformers is not installed"
)


@pytest.fixture
def pretended(tmp_path: Path) -> Path:
    """Folders that look like weights; nothing is loaded of them."""
    for name in ("sam", "tales"):
        folder = tmp_path / "weights" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text('{"model_type": "sam"}')
        (folder / "model.safetensors").write_bytes(b"weights of " + name.encode())
    return tmp_path / "weights"


def _keys(settings: BackendSettings, weights: Path | None) -> dict[str, str]:
    stages = clip_stages(ChainSettings(), FilterSettings(), choose(settings, weights))
    return chain_keys(stages, ClipRef("clip", "film.mp4", "0" * 64, 0, 16))


def test_without_weights_everything_is_there_and_signed_as_ever() -> None:
    choice = choose()
    assert [part.name for part in choice.parts] == [
        "watershed",
        "regions",
        "dis",
        "lk",
        "dog",
        "template",
    ]
    assert choice.annotations == NO_WEIGHTS
    assert not any(part.has_weights for part in choice.parts)
    assert built(ChainSettings(), choice).caption is None


@needs_transformers
def test_auto_takes_weights_that_are_there_and_their_hash_is_in_the_keys(pretended: Path) -> None:
    choice = choose(None, pretended)
    assert choice["segment"].name == "sam"
    assert choice["propagate"].name == "regions"
    named = [(made.kind, made.name, made.weights_sha256) for made in choice.annotations[:2]]
    sha256 = weights_sha256(pretended / "sam")
    assert named == [("masks", "SAM", sha256), ("masks", "acetate DIS propagation", "")]
    plain, first = _keys(BackendSettings(), None), _keys(BackendSettings(), pretended)
    assert plain["sketches"] == first["sketches"]
    assert plain["regions"] != first["regions"]
    (pretended / "sam" / "model.safetensors").write_bytes(b"other weights")
    second = _keys(BackendSettings(), pretended)
    assert first["regions"] != second["regions"]
    assert first["sketches"] == second["sketches"]


@needs_transformers
def test_what_forbids_commerce_is_taken_by_name_only_and_marks_the_data(pretended: Path) -> None:
    card = pretended / "sam" / "README.md"
    card.write_text("---\nlicense: cc-by-nc-4.0\n---\n# A finer SAM\n")
    assert choose(None, pretended)["segment"].name == "watershed"
    choice = choose(BackendSettings(segment="sam"), pretended)
    clip = msgspec.structs.replace(own_work("clip", 16), annotations=choice.annotations)
    assert is_nc_tainted(clip)
    assert not is_nc_tainted(msgspec.structs.replace(clip, annotations=NO_WEIGHTS))


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: mit\ntags: [x]\n---\n", "mit"),
        ("---\nlicense: other\nlicense_name: house-rules\n---\n", "house-rules"),
        ("no front matter, license: mit", "Apache-2.0"),
        (None, "Apache-2.0"),
    ],
)
def test_a_model_cards_licence_counts(tmp_path: Path, card: str | None, licence: str) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    assert licence_of(tmp_path, "Apache-2.0") == licence


@needs_transformers
def test_missing_weights_are_named_with_the_place_and_the_fix(pretended: Path) -> None:
    settings = BackendSettings(propagate="sam2")
    with pytest.raises(AcetateError) as nowhere:
        choose(settings, None)
    assert nowhere.value.name == "weights_missing"
    assert "--weights" in str(nowhere.value.detail)
    with pytest.raises(AcetateError) as missing:
        choose(settings, pretended)
    assert str(pretended / "sam2") in str(missing.value.detail)
    assert "facebook/sam2.1" in str(missing.value.detail)
    pickled = pretended / "anime2sketch" / "netG.pth"
    pickled.parent.mkdir()
    pickled.write_bytes(b"")
    with pytest.raises(AcetateError) as other:
        choose(BackendSettings(sketch="anime2sketch"), pretended)
    assert f"acetate models convert {pickled}" in str(other.value.detail)


@needs_transformers
def test_a_captioner_is_named_by_its_folder(pretended: Path) -> None:
    by_name = choose(BackendSettings(caption="tales"), pretended)["caption"]
    by_path = choose(BackendSettings(caption=str(pretended / "tales")), None)["caption"]
    assert by_name == by_path
    assert by_name.annotation.name == "tales"
    assert BackendSettings().words.prompt_hash[:16] in by_name.annotation.version
    assert by_name.annotation.licence == "LicenseRef-unknown"
    with pytest.raises(AcetateError) as caught:
        choose(BackendSettings(caption="nobody"), pretended)
    assert caught.value.name == "weights_missing"


def test_one_file_alone_has_its_own_hash(tmp_path: Path) -> None:
    import hashlib

    (tmp_path / "netG.safetensors").write_bytes(b"lines")
    assert weights_sha256(tmp_path) == hashlib.sha256(b"lines").hexdigest()


def test_the_folder_of_weights_is_named_by_option_or_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACETATE_CURATION_WEIGHTS", raising=False)
    assert weights_folder(None) is None
    monkeypatch.setenv("ACETATE_CURATION_WEIGHTS", str(tmp_path))
    assert weights_folder(None) == tmp_path.resolve()
    with pytest.raises(AcetateError) as caught:
        weights_folder(tmp_path / "none")
    assert caught.value.name == "not_found"


def test_parts_without_weights_answer_as_the_stages_do() -> None:
    frames = np.random.default_rng(0).integers(0, 255, (2, 32, 48, 3), dtype=np.uint8)
    mine, plain = built(ChainSettings(), choose()), no_weights(ChainSettings())
    assert np.array_equal(mine.segment(frames[0]), plain.segment(frames[0]))
    assert np.array_equal(mine.flow(*frames), plain.flow(*frames))


@needs_transformers
def test_the_command_lists_every_slot(pretended: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(pretended / "tales")
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    args = parser.parse_args(["curate", "backends", "--weights", str(pretended), "--json"])
    assert args.run(args) == 0
    document = json.loads(capsys.readouterr().out)
    rows = {(row["slot"], row["backend"]): row for row in document["backends"]}
    taken = [name for name, row in rows.items() if row["taken_by_auto"]]
    assert ("segment", "sam") in taken
    assert [slot for slot, _ in taken] == sorted(
        (slot for slot, _ in taken), key=[row["slot"] for row in document["backends"]].index
    )
    assert rows["segment", "sam2"]["state"] == "no weights"
    assert rows["segment", "sam2"]["looked_in"] == str(pretended / "sam2")
    args = parser.parse_args(["curate", "backends", "--weights", str(pretended)])
    assert args.run(args) == 0
    assert "* segment   sam " in capsys.readouterr().out


def test_a_device_that_is_none_is_named() -> None:
    assert usable_device("cpu") == "cpu"
    for name in ("toaster", "cuda:99"):
        with pytest.raises(AcetateError) as caught:
            usable_device(name)
        assert caught.value.name == "device_unusable"
