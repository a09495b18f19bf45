"""Builds the extension zips: one per platform, wheels inside; `build.py addon` and tests call it.

Standard library only. The extension is `blender_addon/` with `shared/` copied inside; wheels are
fetched unmodified with pip and checked by Blender's own extension validator.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

EXTENSION_ID = "acetate"
MANIFEST = "blender_manifest.toml"
PACKAGES: dict[str, str] = {
    "msgspec": "0.22.0",
    "pyzmq": "27.3.0",
}
# Blender 4.5 and 5.0 carry Python 3.11, official builds from 5.1 on 3.13, Debian's 5.2 3.14.
PYTHONS = ("311", "313", "314")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MARKER = "# wheels: written here by the build"


@dataclass(frozen=True)
class Platform:
    """A platform of the extension repository and the wheel tags that pip should accept for it."""

    name: str
    wheel_tags: tuple[str, ...]


PLATFORMS: dict[str, Platform] = {
    "linux-x64": Platform("linux-x64", ("manylinux2014_x86_64", "manylinux_2_28_x86_64")),
    "windows-x64": Platform("windows-x64", ("win_amd64",)),
    "macos-arm64": Platform("macos-arm64", ("macosx_11_0_arm64",)),
}


class AddonBuildError(RuntimeError):
    """A step of the build failed; the message says which and why."""


def build(
    root: Path,
    out_dir: Path,
    platforms: Sequence[str] = tuple(PLATFORMS),
    wheel_dir: Path | None = None,
) -> list[Path]:
    """Write one validated zip per platform into `out_dir` and return their paths.

    `wheel_dir` keeps downloaded wheels between runs (default `.cache/wheels` below `root`).
    The same sources and wheels give the same bytes. Raises `AddonBuildError`.
    """
    wheel_dir = wheel_dir or root / ".cache" / "wheels"
    out_dir.mkdir(parents=True, exist_ok=True)
    zips: list[Path] = []
    for name in platforms:
        if name not in PLATFORMS:
            raise AddonBuildError(f"unknown platform {name}; known: {', '.join(PLATFORMS)}")
        wheels = fetch_wheels(PLATFORMS[name], wheel_dir, pip_python(root))
        with tempfile.TemporaryDirectory() as staging:
            folder = Path(staging) / EXTENSION_ID
            stage(root, folder, platform=name, wheels=wheels)
            version = manifest_version(folder / MANIFEST)
            target = out_dir / f"{EXTENSION_ID}-{version}-{name}.zip"
            write_zip(folder, target)
        validate(root, target)
        zips.append(target)
    return zips


def stage(root: Path, folder: Path, *, platform: str, wheels: Sequence[Path]) -> None:
    """Lay out the extension in `folder`: the add-on, its copy of `shared`, manifest and wheels."""
    shutil.copytree(root / "blender_addon", folder, ignore=_ignored)
    shutil.copytree(root / "shared", folder / "shared", ignore=_ignored)
    for wheel in wheels:
        (folder / "wheels").mkdir(exist_ok=True)
        shutil.copyfile(wheel, folder / "wheels" / wheel.name)
    manifest = folder / MANIFEST
    text = manifest.read_text(encoding="utf-8")
    if _MARKER not in text:
        raise AddonBuildError(f"{MANIFEST} lacks the line {_MARKER!r}")
    lines = [f'platforms = ["{platform}"]', "wheels = ["]
    lines += [f'  "./wheels/{wheel.name}",' for wheel in sorted(wheels)]
    manifest.write_text(text.replace(_MARKER, "\n".join([*lines, "]"])), encoding="utf-8")


def _ignored(folder: str, names: list[str]) -> set[str]:
    del folder
    return {name for name in names if name == "__pycache__" or name.endswith((".pyc", ".md~"))}


def manifest_version(manifest: Path) -> str:
    """The `version` of a manifest. Raises `AddonBuildError` where it has none."""
    for line in manifest.read_text(encoding="utf-8").splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    raise AddonBuildError(f"{manifest.name} has no version")


def fetch_wheels(platform: Platform, wheel_dir: Path, python: str) -> list[Path]:
    """Wheels of every package for every supported Python on one platform, from cache or pip."""
    folder = wheel_dir / platform.name
    found: dict[str, Path] = {}
    for python_tag in PYTHONS:
        wanted = folder / f"cp{python_tag}"
        stamp = wanted / "complete.txt"
        pins = "\n".join(f"{name}=={version}" for name, version in PACKAGES.items())
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != pins:
            shutil.rmtree(wanted, ignore_errors=True)
            _download(platform, python_tag, pins.splitlines(), wanted, python)
            stamp.write_text(pins, encoding="utf-8")
        # One abi3 wheel serves several Pythons: keep it once.
        found.update((wheel.name, wheel) for wheel in wanted.glob("*.whl"))
    return [found[name] for name in sorted(found)]


def _download(
    platform: Platform, python_tag: str, pins: Sequence[str], folder: Path, python: str
) -> None:
    folder.mkdir(parents=True)
    command = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--implementation", "cp"]
    command += ["--python-version", python_tag, "--dest", str(folder)]
    for abi in (f"cp{python_tag}", "abi3"):
        command += ["--abi", abi]
    for tag in platform.wheel_tags:
        command += ["--platform", tag]
    finished = subprocess.run([*command, *pins], capture_output=True, text=True, check=False)
    if finished.returncode:
        raise AddonBuildError(
            f"wheels for {platform.name}, Python {python_tag}: {finished.stderr.strip()[-400:]}"
        )


def pip_python(root: Path) -> str:
    """The interpreter whose pip fetches wheels: the project's own, else the running one."""
    for candidate in (root / ".venv/bin/python", root / ".venv/Scripts/python.exe"):
        if candidate.is_file():
            return str(candidate)
    return sys.executable


def write_zip(folder: Path, target: Path) -> None:
    """Zip `folder`'s content with fixed dates, order and modes; written whole or not at all."""
    part = target.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
                info.external_attr = 0o644 << 16
                is_packed = path.suffix in (".whl", ".png")
                info.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
                archive.writestr(info, path.read_bytes())
    part.replace(target)


def validate(root: Path, archive: Path) -> None:
    """Run Blender's extension validator over a zip; says so and goes on where it is not there."""
    validator = find_validator(root)
    if validator is None:
        sys.stderr.write(f"{archive.name}: not validated, no Blender module was set up\n")
        return
    command = [sys.executable, str(validator), "validate", str(archive)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        report = (finished.stdout + finished.stderr).strip()
        raise AddonBuildError(f"{archive.name} is not a valid extension: {report[-600:]}")


def find_validator(root: Path) -> Path | None:
    """The extension command line inside the newest Blender module set up below `root`."""
    pattern = (
        ".venvs/blender-*/**/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
    )
    found = sorted(root.glob(pattern))
    return found[-1] if found else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Stand-alone entry: `python -m build_steps.addon [--platform P]... [--out DIR]`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--platform", action="append", choices=sorted(PLATFORMS))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    root = Path(__file__).resolve().parent.parent
    out_dir = options.out or root / "dist"
    try:
        zips = build(root, out_dir, options.platform or tuple(PLATFORMS))
    except AddonBuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for path in zips:
        sys.stdout.write(f"{path} {path.stat().st_size / 1e6:.1f} MB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
