"""The store of imported models: one folder each, with a manifest; read by engines and server.

A folder counts once its `model.json` is whole; names that start with a dot are work in progress.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import uuid
from pathlib import Path
from typing import Annotated

import msgspec

from backend.data_folder import models_dir
from backend.models.registry.licences import Licence
from shared.blobs import is_content_hash
from shared.errors import AcetateError

log = logging.getLogger("acetate.models")

SCHEMA = "acetate.model/1"
MANIFEST = "model.json"
DECIDING_SUFFIXES = (".safetensors", ".json", "merges.txt")
"""Files that a picture depends on; licences and cards do not count."""

CHOICE_VARIABLE = "ACETATE_MODEL"
_MAX_MANIFEST_BYTES = 1 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,199}")
Fact = str | int | float | bool


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a model; `path` has forward slashes and starts at the model's folder."""

    path: str
    size_bytes: Annotated[int, msgspec.Meta(ge=0)]
    sha256: str


class ModelManifest(msgspec.Struct, frozen=True, kw_only=True):
    """`model.json`: what was imported, when and from what.

    `facts` are what the tensors' shapes told (variants, sizes, parameters); `source` is the name
    of the folder it came from; `imported` is a UTC time; `linked`: the files are links.
    """

    schema: Annotated[str, msgspec.Meta(pattern=r"^acetate\.model/1$")] = SCHEMA
    name: Annotated[str, msgspec.Meta(pattern=f"^{_NAME.pattern}$")]
    kind: str
    facts: dict[str, Fact]
    files: tuple[ModelFile, ...]
    licence: Licence
    imported: str
    source: str
    linked: bool = False

    @property
    def identity(self) -> str:
        """A hash over weights and settings: equal for equal ones, whatever the name."""
        rows = [f"{f.path} {f.sha256}" for f in self.files if f.path.endswith(DECIDING_SUFFIXES)]
        return hashlib.sha256("\n".join([self.kind, *sorted(rows)]).encode()).hexdigest()

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(file.size_bytes for file in self.files)


class InstalledModel(msgspec.Struct, frozen=True):
    """A manifest and the folder it was read from."""

    manifest: ModelManifest
    folder: Path


def installed_models(store: Path | None = None) -> tuple[InstalledModel, ...]:
    """All whole models, the one imported last first; damaged manifests are logged and left out."""
    found = []
    for folder in _folders(store or models_dir()):
        try:
            found.append(read_installed(folder))
        except AcetateError as error:
            log.warning("%s", error)
    return tuple(sorted(found, key=lambda model: model.manifest.imported, reverse=True))


def damaged_names(store: Path | None = None) -> tuple[str, ...]:
    """Folders of the store whose manifest cannot be read."""
    good = {model.folder.name for model in installed_models(store)}
    return tuple(f.name for f in _folders(store or models_dir()) if f.name not in good)


def find_installed(name: str, store: Path | None = None) -> InstalledModel:
    """The model of a name. Raises `model_missing`, or `model_corrupt` for a broken manifest."""
    folder = (store or models_dir()) / checked_name(name)
    if not folder.is_dir():
        raise AcetateError("model_missing", model=name)
    return read_installed(folder)


def chosen_model(kind: str, store: Path | None = None) -> InstalledModel:
    """The model of a kind that runs: `ACETATE_MODEL`'s, else the one imported last.

    Raises `model_missing` where there is none, or none of that name and kind.
    """
    wanted = os.environ.get(CHOICE_VARIABLE, "")
    of_kind = [model for model in installed_models(store) if model.manifest.kind == kind]
    fitting = [model for model in of_kind if not wanted or model.manifest.name == wanted]
    if not fitting:
        detail = f"{CHOICE_VARIABLE}={wanted}" if wanted and of_kind else ""
        raise AcetateError("model_missing", model=wanted if detail else kind, detail=detail)
    return fitting[0]


def present_identity(model: InstalledModel) -> str:
    """The identity of what lies there now: the import's, with the times of what may have changed.

    Linked files may change at any time; copies have if they are younger than the manifest, which
    an import writes last. Raises `model_corrupt` where one is missing.
    """
    rows = [model.manifest.identity]
    try:
        imported_ns = (model.folder / MANIFEST).stat().st_mtime_ns
    except OSError as error:
        detail = f"{MANIFEST} is missing"
        raise AcetateError("model_corrupt", model=model.manifest.name, detail=detail) from error
    for file in model.manifest.files:
        try:
            about = (model.folder / file.path).stat()
        except OSError as error:
            raise _changed(model, file, "is missing") from error
        if model.manifest.linked or about.st_mtime_ns > imported_ns:
            rows.append(f"{file.path} {about.st_size} {about.st_mtime_ns}")
    if len(rows) == 1:
        return model.manifest.identity
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def installed_digest(store: Path | None = None) -> str:
    """Changes with every model that is imported, removed or chosen."""
    rows = []
    for model in installed_models(store):
        try:
            rows.append(f"{model.manifest.name} {present_identity(model)}")
        except AcetateError as error:
            rows.append(f"{model.manifest.name} {error.detail}")
    text = "\n".join([os.environ.get(CHOICE_VARIABLE, ""), *rows])
    return hashlib.sha256(text.encode()).hexdigest()


def read_installed(folder: Path) -> InstalledModel:
    """The model in one folder of the store. Raises `model_corrupt`."""
    path = folder / MANIFEST
    try:
        if path.stat().st_size > _MAX_MANIFEST_BYTES:
            raise AcetateError(
                "model_corrupt", model=folder.name, detail=f"{MANIFEST} is too large"
            )
        manifest = msgspec.json.decode(path.read_bytes(), type=ModelManifest)
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        raise AcetateError("model_corrupt", model=folder.name, detail=str(error)) from error
    if manifest.name != folder.name or not all(_is_sane(file) for file in manifest.files):
        detail = f"{MANIFEST} is of another model"
        raise AcetateError("model_corrupt", model=folder.name, detail=detail)
    return InstalledModel(manifest, folder)


def check_sizes(model: InstalledModel) -> None:
    """A glance before loading: every file is there in its size. Raises `model_corrupt`."""
    for file in model.manifest.files:
        path = model.folder / file.path
        try:
            size = path.stat().st_size
        except OSError as error:
            raise _changed(model, file, "is missing") from error
        if size != file.size_bytes:
            raise _changed(model, file, f"has {size} bytes, not {file.size_bytes}")


def remove_installed(name: str, store: Path | None = None) -> None:
    """Take a model away, also a damaged one. Raises `model_missing`, `disk`."""
    store = store or models_dir()
    folder = store / checked_name(name)
    if not folder.is_dir():
        raise AcetateError("model_missing", model=name)
    discard(folder)


def discard(folder: Path) -> None:
    """Delete a folder of the store so that no half of it is ever seen. Raises `disk`."""
    hidden = folder.parent / f".removed-{uuid.uuid4().hex}"
    try:
        folder.rename(hidden)
        shutil.rmtree(hidden)
    except OSError as error:
        raise AcetateError("disk", detail=str(error)) from error


def checked_name(name: str) -> str:
    """The name itself. Raises `usage` unless it may name a folder of the store."""
    if not _NAME.fullmatch(name):
        raise AcetateError("usage", where=f"not a model's name: {name[:40]} (a-z, 0-9, . _ -)")
    return name


def _folders(store: Path) -> list[Path]:
    if not store.is_dir():
        return []
    return sorted(p for p in store.iterdir() if p.is_dir() and not p.name.startswith("."))


def _is_sane(file: ModelFile) -> bool:
    parts = file.path.split("/")
    return is_content_hash(file.sha256) and all(_PART.fullmatch(part) for part in parts)


def _changed(model: InstalledModel, file: ModelFile, what: str) -> AcetateError:
    detail = f"{file.path} {what}"
    return AcetateError("model_corrupt", model=model.manifest.name, detail=detail)
