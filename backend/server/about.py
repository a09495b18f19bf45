"""What a server says about itself, found without loading a model; for `serve` and `doctor`."""

from __future__ import annotations

import hashlib
import sys
from importlib import metadata
from pathlib import Path

import backend
import shared
from backend.data_folder import default_data_dir as default_data_dir
from backend.jobs.content_store import MAX_BLOB_BYTES
from backend.jobs.queue import MAX_QUEUED
from backend.models.registry.installed import installed_digest, installed_models
from backend.models.registry.licences import LAYERANIMATE
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


def imported_models() -> tuple[ModelInfo, ...]:
    """The models that were imported on this computer, with the hashes over all their weights."""
    return tuple(
        ModelInfo(name=model.manifest.name, sha256=model.manifest.identity)
        for model in installed_models()
    )


def engines(devices: tuple[str, ...]) -> tuple[str, ...]:
    """Engines that can run on these devices; the first is what `auto` takes for a sketched shot."""
    mini = any("mini" in file.parent.name for file in bundled_weights())
    usual = (*(("mini",) if mini else ()), "layer-motion")
    if not any(model.manifest.kind == LAYERANIMATE for model in installed_models()):
        return usual
    on_cpu = all(device.partition(":")[0] == "cpu" for device in devices)
    return (*usual, LAYERANIMATE) if on_cpu else (LAYERANIMATE, *usual)


def describe(devices: tuple[str, ...]) -> ServerInfo:
    """What `Welcome` carries."""
    limits = Limits(
        max_blob_bytes=MAX_BLOB_BYTES, max_job_bytes=MAX_JOB_BYTES, max_queued=MAX_QUEUED
    )
    return ServerInfo(
        version=version(),
        proto=OUR_PROTO,
        device=devices[0],
        devices=devices,
        engines=engines(devices),
        models=(*bundled_models(), *imported_models()),
        limits=limits,
    )


def runtime_id(runner: str, devices: tuple[str, ...]) -> str:
    """Names the code and weights that run jobs: an equal id and request give equal pictures."""
    return runtime_now(code_id(runner, devices))


def runtime_now(code: str) -> str:
    """The runtime of a `code_id` with the models that are installed at this moment."""
    return hashlib.sha256(f"{code}\n{installed_digest()}".encode()).hexdigest()


def code_id(runner: str, devices: tuple[str, ...]) -> str:
    """Names the code and bundled weights of this process.

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


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "-"


def _package_folder(file: str | None) -> Path:
    return Path(file or "").resolve().parent
