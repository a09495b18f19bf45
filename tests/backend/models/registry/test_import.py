"""A model is taken over whole, hashed and named, or not at all."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.models.layeranimate.checkpoint import WEIGHTS_NAME, load_model
from backend.models.registry.importing import Taking, examine, install
from backend.models.registry.installed import (
    CHOICE_VARIABLE,
    MANIFEST,
    chosen_model,
    damaged_names,
    find_installed,
    installed_digest,
    installed_models,
    present_identity,
    remove_installed,
)
from backend.models.registry.licences import LAYERANIMATE, OPENCLIP
from backend.models.registry.verify import problems_of
from shared.blobs import content_hash
from shared.errors import AcetateError

from ..openclip.small import write_openclip


def test_an_imported_model_is_the_published_one_bit_for_bit(published: Path, store: Path) -> None:
    (published / "README.md").write_text("licence: see here", encoding="utf-8")
    installed = install(examine(published), store=store)
    assert installed.manifest.name == "layeranimate-mix"
    assert installed.manifest.source == "LayerAnimate-Mix"
    for file in installed.manifest.files:
        data = (installed.folder / file.path).read_bytes()
        assert data == (published / file.path).read_bytes()
        assert (file.size_bytes, file.sha256) == (len(data), content_hash(data))
    assert {f.path for f in installed.manifest.files} >= {"README.md", f"unet/{WEIGHTS_NAME}"}
    assert problems_of(installed) == ()
    assert find_installed("layeranimate-mix", store).manifest == installed.manifest
    assert load_model(installed.folder).config == load_model(published).config
    assert [p.name for p in store.iterdir()] == ["layeranimate-mix"]


def test_the_manifest_tells_the_variant(published: Path) -> None:
    facts = examine(published).facts
    assert facts["control_injection"] == "add"
    assert facts["trajectory"] == "pixels"
    assert facts["control_reads_latents"] is False
    assert facts["learned_image_scale"] is False
    assert facts["two_keys"] is True
    assert facts["clip_frames"] == 4
    assert facts["format"] == "F32"


def test_without_the_two_key_decoder_the_import_says_what_is_lost(published: Path) -> None:
    shutil.rmtree(published / "vae_dualref")
    prospect = examine(published)
    assert prospect.facts["two_keys"] is False
    assert any("vae_dualref" in note for note in prospect.notes)
    assert any("OpenCLIP" in note for note in prospect.notes)


@pytest.mark.parametrize("levels", ["", "checkpoints", "models--Who--LayerAnimate-Mix/snapshots"])
def test_a_model_is_found_below_the_named_folder(
    published: Path, tmp_path: Path, levels: str
) -> None:
    revision = "0123456789abcdef0123456789abcdef01234567"
    is_cache = levels.endswith("snapshots")
    target = tmp_path / "downloads" / levels / (revision if is_cache else published.name)
    target.parent.mkdir(parents=True)
    published.rename(target)
    top = tmp_path / "downloads" / levels.partition("/")[0]
    assert examine(top).name == "layeranimate-mix"


def _split(component: Path) -> None:
    """Rewrite a component as two shards under an index."""
    tensors = load_file(component / WEIGHTS_NAME)
    (component / WEIGHTS_NAME).unlink()
    places: dict[str, str] = {}
    for number in range(2):
        name = f"diffusion_pytorch_model-{number + 1:05d}-of-00002.safetensors"
        part = dict(list(tensors.items())[number::2])
        save_file(part, component / name)
        places |= dict.fromkeys(part, name)
    index = component / f"{WEIGHTS_NAME}.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}), encoding="utf-8")


def test_shards_are_imported_and_loaded_as_one(published: Path, store: Path) -> None:
    whole = load_model(published)
    _split(published / "unet")
    (published / "vae" / WEIGHTS_NAME).rename(published / "vae" / "model.safetensors")
    installed = install(examine(published), store=store)
    sharded = load_model(installed.folder)
    assert sharded.identity != whole.identity
    assert load_model(installed.folder, identity="mine").identity == "mine"
    for key, value in whole.unet.state_dict().items():
        assert torch.equal(sharded.unet.state_dict()[key], value)


def test_links_take_no_room(published: Path, store: Path) -> None:
    installed = install(examine(published), taking=Taking.LINK, store=store)
    assert installed.manifest.linked
    for file in installed.manifest.files:
        assert (installed.folder / file.path).samefile(published / file.path)
    before = installed_digest(store), present_identity(installed)
    os.utime(published / "unet" / WEIGHTS_NAME, (1, 1))
    assert (installed_digest(store), present_identity(installed)) != before
    assert present_identity(installed) != before[1]
    remove_installed("layeranimate-mix", store)
    assert (published / "unet" / WEIGHTS_NAME).is_file()


def test_a_hubs_cache_of_links_is_copied_as_files(published: Path, store: Path) -> None:
    weights = published / "unet" / WEIGHTS_NAME
    blob = weights.rename(published.parent / "blob")
    weights.symlink_to(blob)
    installed = install(examine(published), store=store)
    assert not (installed.folder / "unet" / WEIGHTS_NAME).is_symlink()


def test_a_name_is_taken_once_unless_replaced(published: Path, store: Path) -> None:
    first = install(examine(published, "mine"), store=store)
    with pytest.raises(AcetateError) as caught:
        install(examine(published, "mine"), store=store)
    assert caught.value.name == "model_exists"
    second = install(examine(published, "mine"), replace=True, store=store)
    assert second.manifest.imported > first.manifest.imported
    assert second.manifest.identity == first.manifest.identity
    assert [p.name for p in store.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["../evil", "UPPER", ".hidden", "a/b", "x" * 65])
def test_a_name_never_leaves_the_store(published: Path, store: Path, name: str) -> None:
    with pytest.raises(AcetateError) as caught:
        examine(published, name)
    assert caught.value.name == "usage"
    for ask in (find_installed, remove_installed):
        with pytest.raises(AcetateError):
            ask(name, store)


def test_verify_names_every_file_that_changed(published: Path, store: Path) -> None:
    installed = install(examine(published), store=store)
    flipped = installed.folder / "vae" / WEIGHTS_NAME
    data = bytearray(flipped.read_bytes())
    data[-1] ^= 1
    flipped.write_bytes(data)
    (installed.folder / "unet" / "config.json").unlink()
    with (installed.folder / "image_projector" / WEIGHTS_NAME).open("ab") as file:
        file.write(b"!")
    problems = problems_of(installed)
    assert {line.partition(":")[0] for line in problems} == {
        f"vae/{WEIGHTS_NAME}",
        "unet/config.json",
        f"image_projector/{WEIGHTS_NAME}",
    }


def test_a_killed_import_leaves_nothing_that_counts(published: Path, store: Path) -> None:
    script = (
        "import sys, os, signal\nfrom pathlib import Path\n"
        "from backend.models.registry.importing import examine, install\n"
        "def stop(stage, step, steps): os.kill(os.getpid(), signal.SIGKILL)\n"
        "install(examine(Path(sys.argv[1])), store=Path(sys.argv[2]), progress=stop)\n"
    )
    command = [sys.executable, "-c", script, str(published), str(store)]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": os.getcwd()}, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(list(store.iterdir())) == 1  # what the killed one left
    assert installed_models(store) == ()
    assert damaged_names(store) == ()
    install(examine(published), store=store)
    assert [p.name for p in store.iterdir()] == ["layeranimate-mix"]


def test_an_import_that_fails_half_way_leaves_nothing(published: Path, store: Path) -> None:
    prospect = examine(published)
    (published / "vae" / WEIGHTS_NAME).write_bytes(b"shorter")
    with pytest.raises(AcetateError):
        install(prospect, store=store)
    assert list(store.iterdir()) == []


def test_a_store_that_cannot_be_written_is_told(published: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    with pytest.raises(AcetateError) as caught:
        install(examine(published), store=blocked / "models")
    assert caught.value.name == "disk"


def test_a_model_that_does_not_fit_the_disk_is_not_begun(published: Path, store: Path) -> None:
    with pytest.raises(AcetateError) as caught:
        install(replace(examine(published), size_bytes=10**18), store=store)
    assert caught.value.name == "disk"
    assert "GiB are free" in caught.value.detail
    assert list(store.iterdir()) == []


def test_a_disk_that_fills_up_half_way_leaves_nothing(published: Path, store: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    command = [sys.executable, "-m", "backend.cli.main", "models", "import", str(published)]
    ended = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": os.getcwd(), "ACETATE_MODELS_DIR": str(store)},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 14
    assert "E501" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(store.iterdir()) == []


def test_a_damaged_manifest_hides_its_model_and_is_named(published: Path, store: Path) -> None:
    install(examine(published), store=store)
    (store / "layeranimate-mix" / MANIFEST).write_text("{", encoding="utf-8")
    assert installed_models(store) == ()
    assert damaged_names(store) == ("layeranimate-mix",)
    remove_installed("layeranimate-mix", store)
    assert damaged_names(store) == ()


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "unet/../x", "a//b", ""])
def test_a_manifest_that_points_outside_is_damaged(published: Path, store: Path, path: str) -> None:
    install(examine(published), store=store)
    file = store / "layeranimate-mix" / MANIFEST
    document = json.loads(file.read_bytes())
    document["files"][0]["path"] = path
    file.write_text(json.dumps(document), encoding="utf-8")
    assert damaged_names(store) == ("layeranimate-mix",)


def test_the_last_import_runs_unless_another_is_chosen(
    published: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AcetateError) as caught:
        chosen_model(LAYERANIMATE, store)
    assert caught.value.name == "model_missing"
    digests = {installed_digest(store)}
    for name in ("one", "two"):
        install(examine(published, name), store=store)
        digests.add(installed_digest(store))
    assert chosen_model(LAYERANIMATE, store).manifest.name == "two"
    monkeypatch.setenv(CHOICE_VARIABLE, "one")
    assert chosen_model(LAYERANIMATE, store).manifest.name == "one"
    digests.add(installed_digest(store))
    monkeypatch.setenv(CHOICE_VARIABLE, "three")
    with pytest.raises(AcetateError):
        chosen_model(LAYERANIMATE, store)
    assert len(digests) == 4


def test_openclip_is_imported_from_its_folder_or_its_file(tmp_path: Path, store: Path) -> None:
    folder = write_openclip(tmp_path / "CLIP-ViT-H-14-laion2B-s32B-b79K")
    installed = install(examine(folder), store=store)
    assert (installed.manifest.name, installed.manifest.kind) == (OPENCLIP, OPENCLIP)
    assert installed.manifest.licence.id == "MIT"
    again = install(examine(folder / "open_clip_model.safetensors", "again"), store=store)
    assert again.manifest.identity == installed.manifest.identity
    assert any("laion2b_s32b_b79k" in note for note in examine(folder).notes)


def test_a_copy_that_was_edited_in_place_is_another_model_for_what_is_kept(
    published: Path, store: Path
) -> None:
    installed = install(examine(published), store=store)
    assert present_identity(installed) == installed.manifest.identity
    weights = installed.folder / installed.manifest.files[0].path
    later_ns = weights.stat().st_mtime_ns + 3_600_000_000_000
    os.utime(weights, ns=(later_ns, later_ns))
    assert present_identity(installed) != installed.manifest.identity


def test_a_model_that_vanishes_meanwhile_is_told_as_damaged(published: Path, store: Path) -> None:
    installed = install(examine(published), store=store)
    (installed.folder / MANIFEST).unlink()
    with pytest.raises(AcetateError) as caught:
        present_identity(installed)
    assert caught.value.name == "model_corrupt"
