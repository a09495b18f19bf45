"""Promises for odd material through `acetate generate`: a plain, whole picture, and a note."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.cli.main import main
from backend.layer_motion import notes
from shared.package import write_package
from shared.pictures import decode_png
from shared.result import ResultManifest, result_from_json
from shared.shot import (
    ArrayRef,
    Control,
    Key,
    Layer,
    Look,
    Mode,
    MotionScore,
    PictureRef,
    Role,
    Sketch,
)
from shared.strokes import Drawing, drawing_to_bytes
from tests.backend.layer_motion.drawn import outline, strokes
from tests.backend.pipeline.shots import ShotBuilder, walking_disc

PLAIN = Look(engine="layer-motion")
REACH_PX = 12


def generated(
    builder: ShotBuilder,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    mode: Mode = Mode.INTERPOLATE,
) -> ResultManifest:
    """Run the shot through the command line; whatever is written is whole and of camera size."""
    request = builder.request(mode=mode, look=PLAIN)
    write_package(request, builder.blobs, folder / "shot.zip")
    words = ["generate", str(folder / "shot.zip"), "-o", str(folder / "out"), "--json"]
    assert main(words) == 0
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    manifest = result_from_json((folder / "out" / "manifest.json").read_bytes())
    (take,) = json.loads(captured.out)["takes"]
    assert take["warnings"] == list(manifest.warnings)
    assert all(line.endswith(".") for line in manifest.warnings)
    for layer in (None, *manifest.layers):
        for frame in range(request.start, request.end + 1):
            pixels = picture(folder, None if layer is None else layer.folder, frame)
            assert pixels.shape == (request.height, request.width, 4)
    return manifest


def picture(folder: Path, layer: str | None, frame: int) -> np.ndarray:
    """A written picture: uint8 [h, w, 4]; the composite where `layer` is None."""
    place = "composite" if layer is None else f"layers/{layer}"
    return decode_png((folder / "out" / place / f"{frame:04d}.png").read_bytes())


def assert_stays_near_its_keys(folder: Path, layer: str, reach_px: int = REACH_PX) -> None:
    """No drawing shows anything far from where both keys and the way between them are."""
    ends = [picture(folder, layer, frame)[..., 3] > 0 for frame in (1, 9)]
    union = (ends[0] | ends[1]).astype(np.uint8)
    points = cv2.findNonZero(union)
    allowed = np.zeros_like(union)
    if points is not None:
        cv2.fillConvexPoly(allowed, cv2.convexHull(points), 1)
        size = 2 * reach_px + 1
        allowed = cv2.dilate(allowed, np.ones((size, size), np.uint8))
    for frame in range(2, 9):
        seen = picture(folder, layer, frame)[..., 3] > 8
        assert not (seen & (allowed == 0)).any(), f"frame {frame}"


def stroke_ref(builder: ShotBuilder, drawing: Drawing) -> ArrayRef:
    """Store strokes."""
    return ArrayRef(blob=builder.blobs.put(drawing_to_bytes(drawing)))


@pytest.mark.parametrize("blend", ["add", "multiply", "no such mode"])
def test_the_blend_mode_is_recorded_and_changes_no_pixel(
    blend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = tmp_path / "plain", tmp_path / "blended"
    for folder, mode in zip(folders, ("regular", blend), strict=True):
        folder.mkdir()
        builder = walking_disc(ShotBuilder())
        layer = builder.layers[0]
        builder.layers[0] = Layer(
            name=layer.name, order=0, role=layer.role, keys=layer.keys, blend=mode
        )
        manifest = generated(builder, folder, capsys)
        assert manifest.layers[0].blend == mode
        told = any(mode in line and "composite" in line for line in manifest.warnings)
        assert told == (mode != "regular")
    for frame in range(1, 10):
        one, other = (picture(folder, "disc", frame) for folder in folders)
        assert np.array_equal(one, other)


def test_a_mask_baked_into_the_keys_moves_with_the_art(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = ShotBuilder()
    keys: dict[int, PictureRef | None] = {}
    for frame, x in ((1, 30), (9, 62)):
        pixels = np.zeros((64, 96, 4), np.uint8)
        cv2.circle(pixels, (x, 32), 18, (200, 80, 55, 255), -1, cv2.LINE_AA)
        cv2.circle(pixels, (x, 32), 8, (0, 0, 0, 0), -1)  # what the mask cuts out
        keys[frame] = builder.picture(pixels)
    generated(builder.add("ring", keys), tmp_path, capsys)
    assert_stays_near_its_keys(tmp_path, "ring")
    halfway = picture(tmp_path, "ring", 5)[..., 3]
    assert halfway[32, 46] < 40
    assert halfway[32, 46 - 13] > 200


def test_strokes_that_cut_holes_still_cut_them_between_the_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = ShotBuilder()
    keys = []
    for frame, x in ((1, 32.0), (9, 56.0)):
        body = outline((x, 32.0), (16.0, 16.0), bump=0.0)
        drawing = strokes(body, outline((x, 32.0), (6.0, 6.0), bump=0.0))
        holdout = np.array([0, 3], np.uint8)
        cut = Drawing(**{**vars(drawing), "holdout": holdout})
        keys.append(Key(frame=frame, strokes=stroke_ref(builder, cut)))
    builder.layers.append(Layer(name="ring", order=0, role=Role.ANIMATE, keys=tuple(keys)))
    manifest = generated(builder, tmp_path, capsys)
    assert manifest.layers[0].method == "strokes"
    assert_stays_near_its_keys(tmp_path, "ring")
    halfway = picture(tmp_path, "ring", 5)[..., 3]
    assert halfway[32, 44] == 0
    assert halfway[32, 44 - 11] > 200


def test_a_layer_larger_than_the_camera_brings_in_what_was_outside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = ShotBuilder()
    rows, columns = np.mgrid[:160, :320]
    pixels = np.stack([columns % 256, rows, (rows + columns) % 256, np.full_like(rows, 255)], -1)
    wide = pixels.astype(np.uint8)
    builder.add("wall", {1: builder.picture(wide, -100, -40), 9: builder.picture(wide, -60, -50)})
    generated(builder, tmp_path, capsys)
    for frame in range(1, 10):
        assert picture(tmp_path, "wall", frame)[..., 3].min() == 255


@pytest.mark.parametrize("at_key", [True, False])
def test_a_sketch_on_the_wrong_layer_is_told_and_not_followed(
    at_key: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = walking_disc(ShotBuilder())
    frames = []
    for frame in (1, 3, 5, 7) if at_key else (3, 5, 7):
        pixels = np.zeros((64, 96, 4), np.uint8)
        for x in range(8, 96, 12):  # a fence, nothing like a disc
            cv2.line(pixels, (x, 2 + frame), (x, 14 + frame), (0, 0, 0, 255), 1, cv2.LINE_AA)
        frames.append((frame, builder.picture(pixels)))
    sketch = sketch_of(frames)
    builder.layers[0] = with_controls(builder.layers[0], sketch)
    manifest = generated(builder, tmp_path, capsys)
    assert manifest.layers[0].method == "registration"
    assert any("disc" in line and "sketch" in line for line in manifest.warnings)
    assert_stays_near_its_keys(tmp_path, "disc")


def test_the_right_sketch_is_followed_without_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = walking_disc(ShotBuilder())
    way = {frame: (0.3 + 0.05 * (frame - 1), 0.5 - 0.1 * (frame % 4)) for frame in (1, 3, 5, 7)}
    builder.layers[0] = with_controls(builder.layers[0], builder.sketch({**way, 1: (0.3, 0.5)}))
    manifest = generated(builder, tmp_path, capsys)
    assert manifest.layers[0].method == "sketch"
    assert not manifest.warnings


def sketch_of(frames: list[tuple[int, PictureRef]]) -> Sketch:
    """Pictures as sketch frames."""
    from shared.shot import SketchFrame

    return Sketch(frames=tuple(SketchFrame(frame=f, picture=ref) for f, ref in frames))


def with_controls(layer: Layer, *controls: Control) -> Layer:
    """The layer steered by these."""
    return Layer(
        name=layer.name, order=layer.order, role=layer.role, keys=layer.keys, controls=controls
    )


def blank(builder: ShotBuilder) -> PictureRef:
    """A key's picture with nothing on it."""
    return builder.picture(np.zeros((64, 96, 4), np.uint8))


def dot(builder: ShotBuilder, x: int) -> PictureRef:
    """A key's picture with one dot on it."""
    pixels = np.zeros((64, 96, 4), np.uint8)
    pixels[30, x] = (10, 10, 10, 255)
    return builder.picture(pixels)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("score", [None, 1.0])
@pytest.mark.parametrize("kind", ["blank then disc", "disc then blank", "dots", "disc then dot"])
def test_empty_keys_and_dots_give_whole_pictures(
    kind: str, score: float | None, mode: Mode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = ShotBuilder().plate()
    disc = builder.disc((0.5, 0.5))
    keys: dict[str, dict[int, PictureRef | None]] = {
        "blank then disc": {1: blank(builder), 9: disc},
        "disc then blank": {1: disc, 9: blank(builder)},
        "dots": {1: dot(builder, 20), 9: dot(builder, 70)},
        "disc then dot": {1: disc, 9: dot(builder, 48)},
    }
    controls = () if score is None else (MotionScore(score=score),)
    manifest = generated(builder.add("odd", keys[kind], *controls), tmp_path, capsys, mode)
    assert_stays_near_its_keys(tmp_path, "odd")
    told = [line for line in manifest.warnings if line.startswith('"odd": ')]
    expected = {
        ("blank then disc", Mode.INTERPOLATE): notes.FADES_IN,
        ("blank then disc", Mode.ANIMATE): notes.BLANK,
        ("disc then blank", Mode.INTERPOLATE): notes.FADES_OUT,
        ("disc then dot", Mode.INTERPOLATE): notes.FADES_OUT,
    }
    text = expected.get((kind, mode))
    assert told == ([] if text is None else [f'"odd": {text}'])


def test_a_deliberately_empty_key_ends_the_layer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = ShotBuilder().plate()
    keys: dict[int, PictureRef | None] = {
        1: builder.disc((0.3, 0.5)),
        5: builder.disc((0.6, 0.5)),
        7: None,
    }
    generated(builder.add("disc", keys), tmp_path, capsys)
    assert picture(tmp_path, "disc", 6)[..., 3].any()
    assert not picture(tmp_path, "disc", 7)[..., 3].any()
    assert not picture(tmp_path, "disc", 9)[..., 3].any()


@pytest.mark.parametrize("mode", list(Mode))
def test_a_score_makes_a_single_key_idle_and_the_held_layer_stay(
    mode: Mode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = ShotBuilder().plate()
    disc = builder.disc((0.3, 0.5))
    score = MotionScore(score=1.0)
    builder.add("lively", {1: disc}, score)
    builder.add("held", {1: builder.disc((0.7, 0.5))}, score, role=Role.HOLD)
    manifest = generated(builder, tmp_path, capsys, mode)
    assert [layer.method for layer in manifest.layers] == ["hold", "idle", "hold"]
    first = picture(tmp_path, "lively", 1)
    assert np.array_equal(picture(tmp_path, "lively", 9), first)
    assert not np.array_equal(picture(tmp_path, "lively", 4), first)
    held = picture(tmp_path, "held", 1)
    assert all(np.array_equal(picture(tmp_path, "held", f), held) for f in range(2, 10))
    assert not manifest.warnings
