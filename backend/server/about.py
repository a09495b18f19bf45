"""What a server says about itself, found without loading a model; for `serve` and `doctor`."""

from __future__ import annotations

import hashlib
import os
import sys
from importlib import metadata
from pathlib import Path

import backend
import shared
from backend.jobs.content_store import MAX_BLOB_BYTES
from backend.jobs.queue import MAX_QUEUED
from shared.blobs import content_hash
from shared.messages import OUR_PROTO, Limits, ModelInfo, ServerInfo

MAX_JOB_BYTES = 1024 * 1024 * 1024
PICTURE_LIBRARIES = ("numpy", "opencv-python-headless", "torch", "skia-python")


def version() -> str:
    """The installed version of Acetate."""
    try:
        return metadata.version("acetate")
    except metadata.PackageNotFoundError:
        return "0"


def bundled_weights() -> tuple[Path, ...]:
    """The weights files inside the package; each lies in a folder named after its model."""
    return tuple(sorted(_package_folder(backend.__file__).rglob("*.safetensors")))


def bundled_models() -> tuple[ModelInfo, ...]:
    """The models inside the package, with the hashes of their weights."""
    return tuple(
        ModelInfo(name=file.parent.name[:64], sha256=content_hash(file.read_bytes()))
        for file in bundled_weights()
    )


def engines(models: tuple[ModelInfo, ...]) -> tuple[str, ...]:
    """Engines that can run, best first."""
    names = [model.name for model in models]
    mini = ("mini",) if any("mini" in name for name in names) else ()
    return (*mini, "layer-motion")


def describe(devices: tuple[str, ...]) -> ServerInfo:
    """What `Welcome` carries."""
    models = bundled_models()
    limits = Limits(
        max_blob_bytes=MAX_BLOB_BYTES, max_job_bytes=MAX_JOB_BYTES, max_queued=MAX_QUEUED
    )
    return ServerInfo(
        version=version(),
        proto=OUR_PROTO,
        device=devices[0],
        devices=devices,
        engines=engines(models),
        models=models,
        limits=limits,
    )


def runtime_id(runner: str, devices: tuple[str, ...]) -> str:
    """Names the code and weights that run jobs: an equal id and request give equal pictures.

    Made from names, sizes and times of the files, so that an edit of one file is another runtime,
    from the versions of the libraries that make pictures, and from the kinds of the devices.
    """
    kinds = sorted({device.partition(":")[0] for device in devices})
    libraries = [f"{name} {_installed(name)}" for name in PICTURE_LIBRARIES]
    about_us = [version(), runner, str(sys.version_info[:2]), *libraries, *kinds]
    digest = hashlib.sha256("\n".join(about_us).encode())
    for module in (backend.__file__, shared.__file__):
        folder = _package_folder(module)
        for file in sorted(folder.rglob("*")):
            if file.suffix in (".py", ".safetensors"):
                about = file.stat()
                digest.update(f"{file.name} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def default_data_dir() -> Path:
    """Where jobs and their pictures are kept: `ACETATE_DATA_DIR`, else the user's data folder."""
    if chosen := os.environ.get("ACETATE_DATA_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "acetate" / "data"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "acetate"
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "acetate"


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "-"


def _package_folder(file: str | None) -> Path:
    return Path(file or "").resolve().parent
