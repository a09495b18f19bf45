"""What is not a whole LayerAnimate is refused in words that say what it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.models.layeranimate.checkpoint import WEIGHTS_NAME
from backend.models.registry.importing import examine
from backend.models.weight_files import MAX_HEADER_BYTES
from shared.errors import AcetateError

from ..openclip.small import write_openclip
from .folders import (
    DIFFUSERS_UNET,
    DIFFUSERS_VAE,
    STABLE_DIFFUSION,
    TOONCRAFTER,
    Shapes,
    write_hollow,
)


def refusal(path: Path) -> AcetateError:
    """Why a path is not imported."""
    with pytest.raises(AcetateError) as caught:
        examine(path)
    assert len(caught.value.text) <= 90
    return caught.value


@pytest.mark.parametrize(
    ("shapes", "word"),
    [
        (TOONCRAFTER, "ToonCrafter"),
        (
            {k.removeprefix("model.diffusion_model."): v for k, v in TOONCRAFTER.items()},
            "ToonCrafter",
        ),
        (STABLE_DIFFUSION, "Stable Diffusion"),
        (DIFFUSERS_UNET, "Stable Diffusion"),
        (DIFFUSERS_VAE, "Stable Diffusion"),
        ({"blocks.0.self_attn.q.weight": (8, 8), "patch_embedding.weight": (8, 4)}, "DiT"),
        ({"vision_model.embeddings.class_embedding": (8,)}, "CLIP"),
        ({"weight": (3,)}, "no network that Acetate knows"),
    ],
)
def test_another_models_file_is_told_by_its_name(tmp_path: Path, shapes: Shapes, word: str) -> None:
    file = write_hollow(tmp_path / "some" / "model.safetensors", shapes)
    for path in (file, file.parent):
        error = refusal(path)
        assert error.name == "not_a_model"
        assert word in error.text


def test_a_toon_crafter_unet_among_the_right_parts_is_told(published: Path) -> None:
    file = published / "unet" / WEIGHTS_NAME
    tensors = load_file(file)
    save_file({k: v for k, v in tensors.items() if "masked_layer_fusion" not in k}, file)
    assert "without layer fusion" in refusal(published).detail


def test_a_stable_diffusion_folder_is_told(tmp_path: Path) -> None:
    write_hollow(tmp_path / "sd" / "unet" / WEIGHTS_NAME, DIFFUSERS_UNET)
    write_hollow(tmp_path / "sd" / "vae" / WEIGHTS_NAME, DIFFUSERS_VAE)
    (tmp_path / "sd" / "tokenizer").mkdir()
    assert "Stable Diffusion" in refusal(tmp_path / "sd").text


@pytest.mark.parametrize(
    ("part", "other", "word"),
    [
        ("layer_controlnet", "unet", "layer_controlnet holds LayerAnimate's unet"),
        ("unet", "layer_controlnet", "unet holds LayerAnimate's layer_controlnet"),
        ("vae", "vae_dualref", "vae holds the vae_dualref"),
        ("vae_dualref", "vae", "vae_dualref holds the vae"),
        ("image_projector", "vae", "image_projector holds the vae"),
    ],
)
def test_mixed_up_folders_are_told(published: Path, part: str, other: str, word: str) -> None:
    shutil.copyfile(published / other / WEIGHTS_NAME, published / part / WEIGHTS_NAME)
    assert refusal(published).detail == word


@pytest.mark.parametrize("part", ["unet", "layer_controlnet", "image_projector", "vae"])
def test_a_missing_part_is_named(published: Path, part: str) -> None:
    shutil.rmtree(published / part)
    error = refusal(published)
    assert error.name == "model_missing"
    assert part in error.text


def test_naming_one_part_points_to_the_folder_above(published: Path) -> None:
    assert "name the folder above" in refusal(published / "unet").text
    assert "name the folder above" in refusal(published / "vae" / WEIGHTS_NAME).text


def _truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _cut_header(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _noise(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 8)


def _huge_header(file: Path) -> None:
    file.write_bytes((MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b"{}" * 100)


def _lfs_pointer(file: Path) -> None:
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", encoding="utf-8")


def _trailing(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"more")


def _header(document: object) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        text = json.dumps(document).encode()
        file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(64))

    return write


ENTRY = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
DAMAGES = {
    "cut off": _truncate,
    "cut header": _cut_header,
    "empty": _empty,
    "noise": _noise,
    "huge header": _huge_header,
    "pointer": _lfs_pointer,
    "bytes behind": _trailing,
    "list": _header([]),
    "no shape": _header({"a": {"dtype": "F32"}}),
    "unknown dtype": _header({"a": {**ENTRY, "dtype": "Q4"}}),
    "negative": _header({"a": {**ENTRY, "shape": [-4]}}),
    "overlap": _header({"a": ENTRY, "b": ENTRY}),
    "hole": _header({"a": {**ENTRY, "data_offsets": [48, 64]}}),
    "nested": _header({"a": {**ENTRY, "shape": [[4]]}}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_told(published: Path, damage: Callable[[Path], None]) -> None:
    damage(published / "vae" / WEIGHTS_NAME)
    error = refusal(published)
    assert error.name == "model_corrupt"
    assert WEIGHTS_NAME in error.detail


def test_missing_unexpected_and_reshaped_tensors_are_named(published: Path) -> None:
    file = published / "layer_controlnet" / WEIGHTS_NAME
    tensors = load_file(file)
    del tensors["fps_embedding.linear_2.bias"]
    tensors["surplus.weight"] = torch.zeros(2)
    tensors["sketch_embedding.bias"] = torch.zeros(3)
    save_file(tensors, file)
    detail = refusal(published).detail
    assert "1 missing: fps_embedding.linear_2.bias" in detail
    assert "1 unexpected: surplus.weight" in detail
    assert "1 of another shape: sketch_embedding.bias" in detail


@pytest.mark.parametrize("text", ["{", "[1]", '{"use_relative_position": true}', "\x00"])
def test_a_broken_configuration_is_told(published: Path, text: str) -> None:
    (published / "unet" / "config.json").write_text(text, encoding="utf-8")
    assert refusal(published).name == "model_corrupt"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("unet/config.json", '{"num_head_channels": [1]}'),
        ("vae/config.json", '{"scaling_factor": NaN}'),
        ("vae/config.json", '{"scaling_factor": "wide"}'),
        ("scheduler/scheduler_config.json", '{"num_train_timesteps": "x"}'),
        ("scheduler/scheduler_config.json", '{"num_train_timesteps": -1}'),
        ("scheduler/scheduler_config.json", '{"num_train_timesteps": 1e12}'),
        ("scheduler/scheduler_config.json", '{"num_train_timesteps": Infinity}'),
        ("scheduler/scheduler_config.json", '{"beta_start": -0.1}'),
        ("scheduler/scheduler_config.json", '{"beta_end": NaN}'),
    ],
)
def test_a_setting_that_cannot_be_is_told(published: Path, file: str, text: str) -> None:
    (published / file).write_text(text, encoding="utf-8")
    assert refusal(published).name == "model_corrupt"


@pytest.mark.parametrize("suffix", [".bin", ".pt", ".ckpt", ".pth"])
def test_pickles_are_never_opened_and_the_converting_command_is_named(
    published: Path, tmp_path: Path, suffix: str
) -> None:
    lone = tmp_path / f"model{suffix}"
    lone.write_bytes(b"\x80\x02cos\nsystem\n")
    part = published / "unet" / WEIGHTS_NAME
    part.rename(part.with_name(f"diffusion_pytorch_model{suffix}"))
    for path in (lone, published):
        error = refusal(path)
        assert error.name == "pickled_weights"
        assert "acetate models convert" in error.hint


@pytest.mark.parametrize("start", [b"PK\x03\x04\x14\x00\x00\x00", b"\x80\x02\x8a\nl\xfc\x9cF\xf9"])
def test_a_pickle_under_another_name_is_seen(published: Path, start: bytes) -> None:
    (published / "unet" / WEIGHTS_NAME).write_bytes(start + bytes(100))
    assert refusal(published).name == "pickled_weights"


def test_empty_missing_and_endless_paths_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").write_text("hello", encoding="utf-8")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    inner = tmp_path / "deep" / "unet"
    inner.mkdir(parents=True)
    (inner / WEIGHTS_NAME).symlink_to(inner / WEIGHTS_NAME)
    (tmp_path / "deep" / "again").symlink_to(tmp_path / "deep")
    assert "empty" in refusal(tmp_path / "empty").text
    assert "no weights" in refusal(tmp_path / "texts").text
    assert refusal(tmp_path / "loop").name == "not_a_model"
    assert refusal(tmp_path / "nowhere").name == "not_found"
    assert refusal(tmp_path / "deep").name in ("not_a_model", "model_missing")


def test_a_folder_in_place_of_a_file_is_told(published: Path) -> None:
    file = published / "unet" / WEIGHTS_NAME
    file.unlink()
    file.mkdir()
    assert refusal(published).name == "model_missing"


def test_several_models_below_one_folder_are_named(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published, tmp_path / "both" / "one")
    shutil.copytree(published, tmp_path / "both" / "two")
    error = refusal(tmp_path / "both")
    assert "name one folder" in error.text
    assert "one, two" in error.detail


@pytest.mark.parametrize(
    "places",
    [
        "{",
        '{"weight_map": []}',
        '{"weight_map": {}}',
        '{"weight_map": {"a": "../outside.safetensors"}}',
        '{"weight_map": {"a": "gone.safetensors"}}',
        '{"weight_map": {"a": 3}}',
    ],
)
def test_a_broken_index_of_shards_is_told(published: Path, places: str) -> None:
    file = published / "unet" / WEIGHTS_NAME
    file.rename(file.with_name("part-1.safetensors"))
    file.with_name(f"{WEIGHTS_NAME}.index.json").write_text(places, encoding="utf-8")
    assert refusal(published).name == "model_corrupt"


def test_openclip_without_its_vocabulary_or_with_another_is_told(tmp_path: Path) -> None:
    folder = write_openclip(tmp_path / "clip")
    (folder / "vocab.json").rename(tmp_path / "vocab.json")
    assert "tokeniser" in refusal(folder).text
    words = json.loads((tmp_path / "vocab.json").read_bytes())
    more = words | {f"word{number}</w>": number + 60000 for number in range(49408)}
    (folder / "vocab.json").write_text(json.dumps(more), encoding="utf-8")
    assert refusal(folder).name == "model_corrupt"


def test_openclip_with_a_missing_tensor_is_told(tmp_path: Path) -> None:
    folder = write_openclip(tmp_path / "clip")
    file = folder / "open_clip_model.safetensors"
    tensors = load_file(file)
    del tensors["visual.ln_post.bias"]
    save_file(tensors, file)
    assert "1 missing: visual.ln_post.bias" in refusal(folder).detail
