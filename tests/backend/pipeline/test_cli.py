"""Promises of `generate`, `import-demo` and `bench`: exit codes, layout, one-line errors."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from backend.cli.main import main
from shared.package import pack, read_package, write_package
from shared.pictures import decode_png, encode_png
from shared.result import result_from_json
from shared.shot import Look, Mode, MotionScore, Role, Sketch, Trajectory
from shared.strokes import save_arrays
from tests.backend.pipeline.shots import ShotBuilder, walking_disc
from tests.backend.server.running import RunningServer, acetate


@pytest.fixture
def package(tmp_path: Path) -> Path:
    builder = walking_disc(ShotBuilder(width=96, height=64).plate())
    target = tmp_path / "shot.zip"
    write_package(builder.request(look=Look(engine="layer-motion")), builder.blobs, target)
    return target


def run_json(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    assert main([*map(str, words), "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 1
    return json.loads(captured.out)


def fail(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    """Exit code and error code of a command that must fail in one line."""
    code = main([*map(str, words)])
    lines = capsys.readouterr().err.strip().splitlines()
    assert "Traceback" not in "".join(lines)
    return code, lines[-1].split()[0]


def test_generate_writes_manifest_composite_layers_and_a_contact_sheet(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "out"
    document = run_json(capsys, "generate", package, "-o", out)
    (take,) = document["takes"]
    assert take["engine"] == "layer-motion"
    assert {entry["name"] for entry in take["layers"]} == {"plate", "disc"}
    manifest = result_from_json((out / "manifest.json").read_bytes())
    assert manifest.request_sha256 == read_package(package)[0].sha256
    names = {path.relative_to(out).as_posix() for path in out.rglob("*.png")}
    expected = {
        f"{folder}/{frame:04d}.png"
        for frame in range(1, 10)
        for folder in ("composite", "layers/plate", "layers/disc")
    }
    assert names == expected | {"contact_sheet.png"}


def test_a_folder_package_and_a_zip_give_the_same_pictures(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_package(*read_package(package), tmp_path / "folder")
    run_json(capsys, "generate", package, "-o", tmp_path / "one")
    run_json(capsys, "generate", tmp_path / "folder", "-o", tmp_path / "two")
    for path in (tmp_path / "one").rglob("0*.png"):
        twin = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert twin.read_bytes() == path.read_bytes()


def test_takes_go_into_folders_of_their_own_with_seeds_that_count_up(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("generate", package, "-o", tmp_path / "out", "--takes", "2", "--seed", "5")
    document = run_json(capsys, *words)
    assert [take["seed"] for take in document["takes"]] == [5, 6]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["take-01", "take-02"]
    assert fail(capsys, *words)[1] == "E503"
    run_json(capsys, *words, "--force")


def test_a_shot_can_be_generated_at_another_size(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_json(capsys, "generate", package, "-o", tmp_path / "large", "--size", "192x128")
    run_json(capsys, "generate", package, "-o", tmp_path / "small", "--size", "48x32")
    original = ShotBuilder(width=96, height=64)
    disc = decode_png(original.blobs.get(original.disc((0.3, 0.5)).blob))
    for name, size in (("large", (192, 128)), ("small", (48, 32))):
        key = decode_png((tmp_path / name / "layers" / "disc" / "0001.png").read_bytes())
        assert key.shape[:2] == size[::-1]
        expected = cv2.resize(disc, size, interpolation=cv2.INTER_AREA)
        difference = np.abs(key[..., 3].astype(int) - expected[..., 3])
        assert difference.mean() < 4
    assert fail(capsys, "generate", package, "-o", tmp_path / "x", "--size", "100x100")[1] == "E107"
    assert fail(capsys, "generate", package, "-o", tmp_path / "x", "--size", "big")[1] == "E118"


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (("--engine", "dream-machine"), 11, "E302"),
        (("--engine", "layeranimate"), 11, "E302"),
        (("--engine", "No Such/Engine"), 3, "E110"),
        (("--takes", "99"), 3, "E110"),
        (("--seed", "-1"), 3, "E110"),
        (("--server", "tcp://127.0.0.1:9"), 4, "E201"),
        (("--server", "tcp://example.org:5577"), 2, "E207"),
    ],
)
def test_wishes_that_cannot_be_met_are_told(
    package: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    exit_code: int,
    code: str,
) -> None:
    out = tmp_path / "out"
    assert fail(capsys, "generate", package, "-o", out, *words) == (exit_code, code)
    assert not out.exists()


def test_packages_that_cannot_be_used_are_told_and_leave_nothing(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    data = package.read_bytes()
    truncated, tampered = tmp_path / "truncated.zip", tmp_path / "tampered.zip"
    truncated.write_bytes(data[: len(data) // 2])
    tampered.write_bytes(data.replace(b"IDAT", b"IDAX", 1))
    assert fail(capsys, "generate", tmp_path / "missing", "-o", out) == (3, "E116")
    assert fail(capsys, "generate", truncated, "-o", out) == (3, "E113")
    assert fail(capsys, "generate", tampered, "-o", out) == (3, "E113")
    assert fail(capsys, "generate", tmp_path / "missing.blend", "-o", out) == (3, "E116")
    assert not out.exists()


def test_an_existing_result_is_kept(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_json(capsys, "generate", package, "-o", tmp_path / "out")
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    assert fail(capsys, "generate", package, "-o", tmp_path / "out") == (2, "E503")
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before
    run_json(capsys, "generate", package, "-o", tmp_path / "out", "--force")


def test_an_interruption_ends_with_130_and_leaves_nothing(tmp_path: Path) -> None:
    builder = ShotBuilder(width=1280, height=720).plate()
    for number in range(5):
        walking_disc(builder, f"disc {number}", last=60)
    package = tmp_path / "long.zip"
    package.write_bytes(pack(builder.request(end=60), builder.blobs))
    process = subprocess.Popen(
        [*acetate(), "generate", str(package), "-o", str(tmp_path / "out")],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("motion"):
            process.send_signal(signal.SIGINT)
            break
    rest = process.stderr.read()
    # Where Ctrl+C met `exec` of a string, as in a dataclass that is being made, CPython ends the
    # process by the signal itself once all is done; a shell calls either 130.
    assert process.wait(60) in (130, -signal.SIGINT)
    assert "nothing half-written" in rest
    assert "Traceback" not in rest
    assert [path.name for path in tmp_path.iterdir()] == ["long.zip"]


def test_a_server_gives_the_same_pictures_as_this_process(
    package: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = RunningServer(tmp_path / "server", runner="").start()
    try:
        monkeypatch.setenv("ACETATE_TOKEN_FILE", str(server.secret_file))
        words = ("generate", package, "-o")
        there = run_json(capsys, *words, tmp_path / "there", "--server", server.address)
    finally:
        server.stop()
    here = run_json(capsys, *words, tmp_path / "here")
    assert there["takes"][0]["request_sha256"] == here["takes"][0]["request_sha256"]
    for path in (tmp_path / "here").rglob("0*.png"):
        twin = tmp_path / "there" / path.relative_to(tmp_path / "here")
        assert twin.read_bytes() == path.read_bytes()


def test_png_benchmark_prints_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "png", "--size", "64x40", "--repeat", "1", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    measured = json.loads(line)
    assert {"name", "config", "value", "unit", "ratio", "reference", "cpu_s"} <= set(measured)
    assert fail(capsys, "bench", "nonsense")[0] == 2


def write_demo(folder: Path, *, two_keys: bool) -> None:
    """A small official folder: a square before a wall, 48 x 32 pixels, a bar at the side."""
    folder.mkdir()
    for name, left in (("", 6), ("_last", 26)):
        if name and not two_keys:
            continue
        frame = np.full((32, 48, 3), (90, 140, 200), np.uint8)
        frame[10:22, left : left + 12] = (220, 60, 40)
        mask = np.zeros((32, 48), np.uint8)
        mask[10:22, left : left + 12] = 255
        frame_name = "last_frame" if name else "first_frame"
        (folder / f"{frame_name}.png").write_bytes(encode_png(frame))
        (folder / f"layer_0{name}.png").write_bytes(encode_png(mask))
        wall = np.where(mask > 0, 0, 255).astype(np.uint8)
        wall[:, 40:] = 0
        (folder / f"layer_1{name}.png").write_bytes(encode_png(wall))
    tracks = np.stack([np.linspace(120, 320, 16), np.full(16, 160)], -1)[:, None]
    arrays = {
        "trajectory": tracks.astype(np.float32),
        "width": np.array(512),
        "height": np.array(320),
    }
    (folder / "trajectory.npz").write_bytes(save_arrays(arrays))


@pytest.mark.parametrize("two_keys", [False, True])
def test_a_demo_folder_becomes_a_shot_whose_keys_are_its_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], two_keys: bool
) -> None:
    write_demo(tmp_path / "demo", two_keys=two_keys)
    (tmp_path / "demo" / "settings.yaml").write_text(
        "motion_scores: [-1, 0.0, -1, -1]\nlayer_static: [false, true, false, false]\n"
        "layer_validity: [true, true, false, false]\nprompt: 'a square: moving'\nseed: 3\n"
        "W: 48\nH: 32\nnum_inference_steps: 7\n"
    )
    words = ("import-demo", tmp_path / "demo", "-o", tmp_path / "shot.zip")
    document = run_json(capsys, *words)
    request, blobs = read_package(tmp_path / "shot.zip")
    assert document["sha256"] == request.sha256
    assert request.mode is (Mode.INTERPOLATE if two_keys else Mode.ANIMATE)
    assert (request.width, request.height, request.end) == (48, 32, 16)
    assert (request.look.prompt, request.look.steps) == ("a square: moving", 7)
    roles = {layer.name: layer.role for layer in request.layers}
    expected = {"layer 1": Role.HOLD, "layer 0": Role.ANIMATE, "bars": Role.BACKGROUND}
    assert roles == expected
    moving = next(layer for layer in request.layers if layer.name == "layer 0")
    assert any(isinstance(control, Trajectory) for control in moving.controls)
    assert len(moving.keys) == (2 if two_keys else 1)
    run_json(capsys, "generate", tmp_path / "shot.zip", "-o", tmp_path / "out")
    first = decode_png((tmp_path / "out" / "composite" / "0001.png").read_bytes())
    original = decode_png((tmp_path / "demo" / "first_frame.png").read_bytes())
    assert np.array_equal(first, original)
    assert blobs.has(moving.keys[0].picture.blob if moving.keys[0].picture else "")
    assert fail(capsys, *words)[1] == "E503"


def test_a_demo_folder_with_parts_missing_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "shot"
    assert fail(capsys, "import-demo", tmp_path / "none", "-o", out)[1] == "E116"
    (tmp_path / "demo").mkdir()
    assert fail(capsys, "import-demo", tmp_path / "demo", "-o", out)[1] == "E116"
    write_demo(tmp_path / "whole", two_keys=False)
    words = ("import-demo", tmp_path / "whole", "-o", out)
    assert fail(capsys, *words, "--mode", "interpolate")[1] == "E116"
    (tmp_path / "bad.yaml").write_text("motion_scores: [")
    assert fail(capsys, *words, "--config", tmp_path / "bad.yaml")[1] == "E110"
    (tmp_path / "bad.yaml").write_text("fps: fast")
    assert fail(capsys, *words, "--config", tmp_path / "bad.yaml")[1] == "E110"
    assert not out.exists()


@pytest.mark.parametrize(
    ("demo", "sketched", "tracked"),
    [("demo_1", "layer 0", "layer 2"), ("demo_3", "layer 3", "layer 2")],
)
def test_official_demos_are_understood(
    reference_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    demo: str,
    sketched: str,
    tracked: str,
) -> None:
    source = reference_dir / "reference" / "demos" / demo
    run_json(capsys, "import-demo", source, "-o", tmp_path / "shot", "--scores=-1,0.6")
    request, _ = read_package(tmp_path / "shot")
    controls = {layer.name: [type(c) for c in layer.controls] for layer in request.layers}
    assert Sketch in controls[sketched]
    assert Trajectory in controls[tracked]
    assert controls["layer 1"] == [MotionScore]
    first = request.layers[0].keys[0].picture
    assert first is not None
    assert (first.width, first.height) == (512, 320)
