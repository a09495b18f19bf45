"""Promises of the shot package: deterministic bytes, and nothing damaged is ever used."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from shared.blobs import MemoryBlobs
from shared.errors import AcetateError
from shared.package import MAX_MEMBER_BYTES, pack, read_package, write_package
from shared.pictures import encode_png
from shared.shot import ArrayRef, Key, Layer, PictureRef, Role, ShotRequest, Trajectory
from shared.strokes import save_arrays
from tests.shared.test_pictures import png_header


def make_shot() -> tuple[ShotRequest, MemoryBlobs]:
    blobs = MemoryBlobs()
    random = np.random.default_rng(1)
    keys = []
    for frame in (1, 9):
        pixels = random.integers(0, 256, (12, 16, 4)).astype(np.uint8)
        blob = blobs.put(encode_png(pixels))
        keys.append(Key(frame=frame, picture=PictureRef(blob=blob, width=16, height=12)))
    tracks = {
        "frames": np.arange(1, 10, dtype=np.int32),
        "points": np.ones((9, 1, 2), np.float32),
    }
    control = Trajectory(tracks=ArrayRef(blob=blobs.put(save_arrays(tracks))))
    layer = Layer(
        name="Bälle/rot", order=0, role=Role.ANIMATE, keys=tuple(keys), controls=(control,)
    )
    request = ShotRequest(width=64, height=32, fps=24, start=1, end=9, layers=(layer,))
    return request, blobs


@pytest.fixture(params=["folder", "zip"])
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    target = tmp_path / ("shot" if request.param == "folder" else "shot.zip")
    write_package(*make_shot(), target)
    return target


def members(package: Path) -> dict[str, bytes]:
    if package.is_dir():
        files = [path for path in sorted(package.rglob("*")) if path.is_file()]
        return {path.relative_to(package).as_posix(): path.read_bytes() for path in files}
    with zipfile.ZipFile(package) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(package: Path, files: dict[str, bytes]) -> None:
    if package.is_dir():
        shutil.rmtree(package)
        for name, data in files.items():
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_bytes(data)
        return
    with zipfile.ZipFile(package, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def test_a_package_comes_back_equal(package: Path) -> None:
    request, blobs = make_shot()
    restored, read = read_package(package)
    assert restored == request
    assert {name: read.get(name) for name in read} == {name: blobs.get(name) for name in blobs}


def test_equal_requests_make_equal_bytes(tmp_path: Path) -> None:
    data = pack(*make_shot())
    assert pack(*make_shot()) == data
    write_package(*make_shot(), tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == data


def test_a_folder_written_again_holds_the_new_package_and_what_was_never_part_of_one(
    tmp_path: Path,
) -> None:
    request, blobs = make_shot()
    keys = request.layers[0].keys
    layer = msgspec.structs.replace(request.layers[0], keys=keys[:1])
    write_package(request, blobs, tmp_path / "shot")
    (tmp_path / "shot/pictures/notes.png").write_bytes(b"the artist's own")
    write_package(msgspec.structs.replace(request, layers=(layer,)), blobs, tmp_path / "shot")
    kept = keys[0].picture
    assert kept is not None
    names = {path.stem for path in (tmp_path / "shot/pictures").iterdir()}
    assert names == {kept.blob, "notes"}


def test_folder_and_zip_hold_the_same_files(tmp_path: Path) -> None:
    write_package(*make_shot(), tmp_path / "shot")
    write_package(*make_shot(), tmp_path / "shot.zip")
    assert members(tmp_path / "shot") == members(tmp_path / "shot.zip")


def tamper_picture(files: dict[str, bytes]) -> None:
    name = next(name for name in files if name.startswith("pictures/"))
    files[name] = files[name][:-20] + bytes(20)


def truncate_picture(files: dict[str, bytes]) -> None:
    name = next(name for name in files if name.startswith("pictures/"))
    files[name] = files[name][: len(files[name]) // 2]


def drop_picture(files: dict[str, bytes]) -> None:
    del files[next(name for name in files if name.startswith("pictures/"))]


def drop_arrays(files: dict[str, bytes]) -> None:
    del files[next(name for name in files if name.startswith("arrays/"))]


def drop_document(files: dict[str, bytes]) -> None:
    del files["shot.json"]


@pytest.mark.parametrize(
    "damage", [tamper_picture, truncate_picture, drop_picture, drop_arrays, drop_document]
)
def test_a_damaged_package_is_told(
    package: Path, damage: Callable[[dict[str, bytes]], None]
) -> None:
    files = members(package)
    damage(files)
    rewrite(package, files)
    with pytest.raises(AcetateError) as caught:
        read_package(package)
    assert caught.value.code == "E113"


def test_a_tampered_document_is_an_invalid_request(package: Path) -> None:
    files = members(package)
    document = json.loads(files["shot.json"])
    document["layers"][0]["keys"][0]["picture"]["blob"] = "../../../etc/passwd"
    files["shot.json"] = json.dumps(document).encode()
    rewrite(package, files)
    with pytest.raises(AcetateError) as caught:
        read_package(package)
    assert caught.value.code == "E110"


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_zip_is_told(tmp_path: Path, part: float) -> None:
    data = pack(*make_shot())
    (tmp_path / "shot.zip").write_bytes(data[: int(len(data) * part)])
    with pytest.raises(AcetateError) as caught:
        read_package(tmp_path / "shot.zip")
    assert caught.value.code == "E113"


def test_every_flipped_byte_of_a_zip_is_harmless_or_told(tmp_path: Path) -> None:
    request, _ = make_shot()
    data = pack(*make_shot())
    target = tmp_path / "shot.zip"
    random = np.random.default_rng(5)
    for position in random.integers(0, len(data), 60):
        damaged = bytearray(data)
        damaged[position] ^= 0x55
        target.write_bytes(damaged)
        assert outcome(target) in (request.sha256, "E110", "E113", "E115")


def outcome(package: Path) -> str:
    """The request's hash where a package can be read, else the error's code."""
    try:
        return read_package(package)[0].sha256
    except AcetateError as error:
        return error.code


def test_a_missing_package_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(AcetateError) as caught:
        read_package(tmp_path / "nothing.zip")
    assert caught.value.code == "E116"


@pytest.mark.skipif(os.name == "nt", reason="pipes have no names in folders there")
def test_a_pipe_is_no_package(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "shot.zip")
    with pytest.raises(AcetateError, match="E116"):
        read_package(tmp_path / "shot.zip")


def test_a_sixty_megapixel_picture_is_refused_before_decoding(package: Path) -> None:
    data = png_header(10_000, 6_000)
    blobs = MemoryBlobs()
    files = members(package)
    files[f"pictures/{blobs.put(data)}.png"] = data
    rewrite(package, files)
    with pytest.raises(AcetateError) as caught:
        read_package(package)
    assert caught.value.code == "E114"


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shot.json", bytes(20 * 1024 * 1024))
    (tmp_path / "bomb.zip").write_bytes(buffer.getvalue())
    with pytest.raises(AcetateError) as caught:
        read_package(tmp_path / "bomb.zip")
    assert caught.value.code == "E113"


def test_names_in_a_zip_cannot_leave_the_package(tmp_path: Path) -> None:
    files = members_of_zip(pack(*make_shot()))
    files["../outside.png"] = b"x"
    target = tmp_path / "inner" / "shot.zip"
    target.parent.mkdir()
    rewrite(target, files)
    with pytest.raises(AcetateError) as caught:
        read_package(target)
    assert caught.value.code == "E113"
    assert not (tmp_path / "outside.png").exists()


def members_of_zip(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_folder_of_too_many_bytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    write_package(*make_shot(), tmp_path / "shot")
    for number in range(9):
        with (tmp_path / "shot" / "pictures" / f"{number:064x}.png").open("wb") as file:
            file.truncate(MAX_MEMBER_BYTES)
    with pytest.raises(AcetateError) as caught:
        read_package(tmp_path / "shot")
    assert caught.value.code == "E113"
    assert "2 GiB" in caught.value.text


def test_an_unusually_packed_zip_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "shot.zip", "w", zipfile.ZIP_LZMA) as archive:
        for name, data in members_of_zip(pack(*make_shot())).items():
            archive.writestr(name, data)
    assert outcome(tmp_path / "shot.zip") == "E113"
