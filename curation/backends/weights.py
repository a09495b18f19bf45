"""Folders of weights: where they are looked for, what they hold, their hash and their licence."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from shared.errors import AcetateError

VARIABLE = "ACETATE_CURATION_WEIGHTS"
_COUNTED = (".safetensors", ".json", ".txt", ".model", ".jinja")
_PICKLED = (".pt", ".pth", ".bin", ".ckpt")
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---", re.DOTALL)
_LICENCE = re.compile(r"^license(?:_name)?:[ \t]*['\"]?([\w .+-]+?)['\"]?[ \t]*$", re.MULTILINE)


def weights_folder(given: Path | None) -> Path | None:
    """Where weights of curation lie: `given`, else `ACETATE_CURATION_WEIGHTS`, else nowhere.

    Raises `not_found` for one that is named and is no folder.
    """
    chosen = given or (Path(named) if (named := os.environ.get(VARIABLE)) else None)
    if chosen is not None and not chosen.is_dir():
        raise AcetateError("not_found", what=f"folder of weights {chosen.name}")
    return chosen.resolve() if chosen else None


def holds(folder: Path, names: Sequence[str]) -> bool:
    """Whether one of the files lies in the folder."""
    return any((folder / name).is_file() for name in names)


def check_weights(
    backend: str, folder: Path | None, names: Sequence[str], source: str = ""
) -> None:
    """Raise `weights_missing` unless one of the files is there.

    The detail says where they are published (`source`), and how to convert pickled weights where
    these are all there is.
    """
    if folder is None:
        detail = f"no folder of weights is named: use --weights DIR or {VARIABLE}"
        raise AcetateError("weights_missing", backend=backend, files=names[0], detail=detail)
    if holds(folder, names):
        return
    detail = f"looked for {alternatives(names)} in {folder}"
    detail += f"; published at {source}" if source else ""
    if found := _convertible(folder, names):
        detail += f"; make it with: acetate models convert {found[0]} -o {folder / found[1]}"
    raise AcetateError("weights_missing", backend=backend, files=names[0], detail=detail)


def alternatives(names: Sequence[str], most: int = 3) -> str:
    """The first names in words, and how many more there are."""
    more = [f"{len(names) - most} more"] if len(names) > most else []
    return " or ".join([*names[:most], *more])


def _convertible(folder: Path, names: Sequence[str]) -> tuple[Path, str] | None:
    """Pickled weights that lie in the folder, and what they are to be called as safetensors.

    Those of an unknown name are taken for the makers' own, not for transformers'.
    """
    pickled = [path for path in _files(folder) if path.suffix.lower() in _PICKLED]
    for path in pickled:
        stem = path.stem.replace("pytorch_model", "model")
        if f"{stem}.safetensors" in names:
            return path, f"{stem}.safetensors"
    unknown = [path for path in pickled if not path.stem.startswith("pytorch_model")]
    others = [name for name in names if not name.startswith("model.")]
    return (unknown[0], others[-1]) if unknown and others else None


def unfit(folder: Path, backend: str, detail: str) -> AcetateError:
    """The error for a folder that is not this backend's."""
    return AcetateError("weights_unfit", folder=folder.name, backend=backend, detail=detail)


def check_packages(backend: str, packages: Sequence[str]) -> None:
    """Raise `backend_package` for the first package that is not installed."""
    if missing := missing_packages(packages):
        raise AcetateError("backend_package", backend=backend, package=missing[0])


def missing_packages(packages: Sequence[str]) -> list[str]:
    """Those that are not installed."""
    return [package for package in packages if importlib.util.find_spec(package) is None]


def weights_sha256(folder: Path) -> str:
    """SHA-256 of the file, where weights are one file alone; else of all files' names and hashes.

    Settings and vocabularies count: they decide the answers as weights do.
    """
    files = [path for path in _files(folder) if path.suffix.lower() in _COUNTED]
    hashes = {path.name: _file_sha256(path, path.stat().st_mtime_ns) for path in files}
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


@lru_cache(maxsize=64)
def _file_sha256(path: Path, _changed_ns: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def licence_of(folder: Path, published: str) -> str:
    """What the model card in the folder says, else the licence of the published weights."""
    card = folder / "README.md"
    front = _FRONT_MATTER.match(card.read_text("utf-8", "replace")) if card.is_file() else None
    named = [name for name in _LICENCE.findall(front[1]) if name != "other"] if front else []
    return named[0] if named else published


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else []
