"""Fixtures: the built zip installed as a user would, empty saved files, takes on disk, a server."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy

from build_steps import addon as addon_build
from tests.blender.addon.pumping import reset
from tests.blender.addon.server import RunningServer, start_server

if TYPE_CHECKING:
    from blender_addon.session import Session
    from blender_addon.takes.library import Take
    from shared.blobs import MemoryBlobs
    from shared.result import ResultManifest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "bl_ext.user_default.acetate"
PLATFORMS = {"linux": "linux-x64", "win32": "windows-x64", "darwin": "macos-arm64"}


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension for this platform, built and validated."""
    out_dir = tmp_path_factory.mktemp("dist")
    return addon_build.build(ROOT, out_dir, [PLATFORMS[sys.platform]])[0]


@pytest.fixture(scope="session")
def extension(extension_zip: Path) -> Iterator[ModuleType]:
    """The extension installed from its zip and enabled."""
    bpy.ops.extensions.package_install_files(
        filepath=str(extension_zip), repo="user_default", enable_on_install=True
    )
    assert PACKAGE in bpy.context.preferences.addons
    yield importlib.import_module(PACKAGE)
    bpy.ops.preferences.addon_disable(module=PACKAGE)


Part = Callable[[str], ModuleType]


@pytest.fixture(scope="session")
def part(extension: ModuleType) -> Part:
    """Import a module of the installed extension by its name inside it."""
    return lambda name: importlib.import_module(f"{extension.__name__}.{name}")


@pytest.fixture
def saved_file(extension: ModuleType, tmp_path: Path) -> Path:
    """An empty .blend with a camera, saved in a folder of its own; returns its path."""
    del extension
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0.0, -8.0, 0.0), (np.pi / 2, 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.resolution_x, scene.render.resolution_y = 128, 80
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    file = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    return file


@pytest.fixture
def session(part: Part, saved_file: Path) -> Iterator[Session]:
    """The extension's session, disconnected before and after."""
    running = part("runtime").session()
    reset(running)
    yield running
    running.cancel()
    reset(running)


@pytest.fixture
def pictures() -> dict[str, list[np.ndarray]]:
    """Two layers of six random 128x80 RGBA pictures: an opaque one and one with holes."""
    chance = np.random.default_rng(5)
    paper = chance.integers(0, 256, (6, 80, 128, 4), dtype=np.uint8)
    paper[..., 3] = 255
    figure = chance.integers(0, 256, (6, 80, 128, 4), dtype=np.uint8)
    figure[..., 3] = np.where(chance.random((6, 80, 128)) < 0.5, 0, 255)
    figure[figure[..., 3] == 0] = 0
    return {"paper": list(paper), "figure/ä": list(figure)}


TakeMaker = Callable[..., "Take"]


@pytest.fixture
def make_take(part: Part) -> TakeMaker:
    """Write a finished take beside the open file and list it: `make_take(pictures, start=3)`."""

    def make(pictures: dict[str, list[np.ndarray]], start: int = 3) -> Take:
        library, session = part("takes.library"), part("session")
        blobs = part("shared.blobs").MemoryBlobs()
        manifest = _manifest(part, blobs, pictures, start)
        number, folder = library.reserve(library.takes_root(bpy.data.filepath, None))
        scene = bpy.context.scene.name
        note = library.TakeNote(key="0" * 32, number=number, file="shot.blend", scene=scene)
        library.write_note(folder, note)
        library.write_result(folder, manifest, blobs)
        take = library.read_take(folder)
        session.add_take(bpy.context.scene, library.row_of(take))
        return take

    return make


def _manifest(
    part: Part,
    blobs: MemoryBlobs,
    pictures: dict[str, list[np.ndarray]],
    start: int,
) -> ResultManifest:
    result, shot, codec = part("shared.result"), part("shared.shot"), part("shared.pictures")
    hashes = {
        name: tuple(blobs.put(codec.encode_png(frame)) for frame in frames)
        for name, frames in pictures.items()
    }
    composite = [frames[0] for frames in zip(*pictures.values(), strict=True)]
    for index, frames in enumerate(zip(*pictures.values(), strict=True)):
        for frame in frames[1:]:
            composite[index] = codec.alpha_over(composite[index], frame)
    layers = tuple(
        result.ResultLayer(
            name=name, order=order, role=shot.Role.ANIMATE, folder=folder, frames=hashes[name]
        )
        for order, (name, folder) in enumerate(
            zip(hashes, result.folder_names(list(hashes)), strict=True)
        )
    )
    height, width = composite[0].shape[:2]
    return result.ResultManifest(
        request_sha256="0" * 64,
        engine="layer-motion",
        width=width,
        height=height,
        fps=24.0,
        start=start,
        end=start + len(composite) - 1,
        layers=layers,
        composite=tuple(blobs.put(codec.encode_png(frame)) for frame in composite),
    )


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    """A real `acetate serve` on a free port; the link finds it by the run directory."""
    monkeypatch.setenv("ACETATE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.delenv("ACETATE_SERVER", raising=False)
    running = start_server(ROOT, tmp_path)
    yield running
    running.kill()
