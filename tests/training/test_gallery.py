"""The gallery's drawings, packages, figures and words."""

from __future__ import annotations

from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from shared.errors import AcetateError
from shared.package import read_package
from shared.shot import Role
from training.gallery import material
from training.gallery.folder import store_scores
from training.gallery.hand import redrawn, roughed
from training.gallery.ink import PENCIL, Stroke
from training.gallery.measure import (
    CONTROLLED,
    FLOW,
    FREE,
    METHODS,
    Score,
    ShotScores,
    measure_shot,
)
from training.gallery.page import html_page, text_table, words
from training.gallery.shot import GalleryShot
from training.gallery.shots import all_shots
from training.gallery.verdict import misses

SHOTS = {shot.name: shot for shot in all_shots()}
MAX_PACKAGE_BYTES, MAX_TRUTH_BYTES = 300 * 1024, 600 * 1024


def test_there_are_at_least_twenty_shots_with_names_of_their_own() -> None:
    assert len(SHOTS) == len(all_shots()) >= 20


@pytest.mark.parametrize("name", SHOTS)
def test_packages_are_small_and_hold_strokes_only(name: str) -> None:
    for suffix, limit in (("", MAX_PACKAGE_BYTES), ("-truth", MAX_TRUTH_BYTES)):
        path = material.SHOTS / f"{name}{suffix}.zip"
        assert path.stat().st_size <= limit
        request, _ = read_package(path)
        assert (request.width, request.height) == (1920, 1080)
        assert all(key.picture is None for layer in request.layers for key in layer.keys)


@pytest.mark.parametrize("name", SHOTS)
def test_given_keys_and_truth_frames_are_those_of_the_shot(name: str) -> None:
    shot = SHOTS[name]
    given, _ = read_package(material.SHOTS / f"{name}.zip")
    truth, _ = read_package(material.SHOTS / f"{name}-truth.zip")
    drawn = {layer.name: layer for layer in shot.layers if len(layer.keys) > 1}
    for layer in given.layers:
        if layer.role is Role.ANIMATE:
            assert tuple(key.frame for key in layer.keys) == drawn[layer.name].keys
    for layer in truth.layers:
        if layer.role is Role.ANIMATE:
            assert {key.frame for key in layer.keys} <= set(shot.judged)
    assert not set(shot.judged) & {key for layer in drawn.values() for key in layer.keys}


@pytest.mark.parametrize("name", [name for name, shot in SHOTS.items() if shot.corresponds])
def test_strokes_of_corresponding_shots_have_partners_at_every_moment(name: str) -> None:
    shot = SHOTS[name]
    for layer in shot.layers:
        kinds = [
            [(len(s.points), s.cyclic, s.line is None, s.fill is None) for s in layer.draw(frame)]
            for frame in range(shot.start, shot.end + 1)
        ]
        assert all(kind == kinds[0] for kind in kinds)


def test_a_drawing_done_anew_is_the_same_picture_from_other_strokes() -> None:
    strokes = SHOTS["hair"].layers[-1].draw(9)
    again = redrawn(strokes, seed=3)
    assert sorted(_colours(strokes)) == sorted(_colours(again))
    assert [len(s.points) for s in strokes] != [len(s.points) for s in again]
    one, two = _painted(strokes), _painted(again)
    assert float((one != two).any(axis=2).mean()) < 0.01


@pytest.mark.parametrize(("name", "layer"), [("water", "boat"), ("border", "balloon")])
def test_a_drawing_done_anew_keeps_its_corners(name: str, layer: str) -> None:
    strokes = next(one for one in SHOTS[name].layers if one.name == layer).draw(5)
    again = redrawn(strokes, seed=7)
    missed = [
        min(_farthest(stroke, other) for other in again if other.cyclic == stroke.cyclic)
        for stroke in strokes
    ]
    assert max(missed) < 1.0


def _farthest(stroke: Stroke, other: Stroke) -> float:
    """Pixels from a stroke's points to another's line, at most."""
    line = np.concatenate([other.points, other.points[:1]]) if other.cyclic else other.points
    between = np.linspace(0.0, 1.0, 20)[:, None, None]
    dense = (line[:-1] + between * np.diff(line, axis=0)).reshape(-1, 2)
    return float(np.linalg.norm(stroke.points[:, None] - dense[None], axis=2).min(axis=1).max())


def _colours(strokes: list[Stroke]) -> list[tuple[str, str]]:
    return [(stroke.line or "", stroke.fill or "") for stroke in strokes]


def _painted(strokes: list[Stroke]) -> np.ndarray:
    """Plain fills in painting order: enough to compare places and order."""
    canvas = np.zeros((540, 960, 3), np.uint8)
    for stroke in strokes:
        if stroke.fill:
            colour = tuple(int(stroke.fill[i : i + 2], 16) for i in (1, 3, 5))
            cv2.fillPoly(canvas, [np.rint(stroke.points).astype(np.int32)], colour)
    return canvas


def test_roughs_are_pencil_near_the_outlines_with_gaps() -> None:
    strokes = [stroke for stroke in SHOTS["crane"].layers[-1].draw(5) if stroke.line]
    rough = roughed(strokes, seed=1)
    assert len(rough) > len(strokes)
    assert all(piece.line == PENCIL and piece.fill is None for piece in rough)
    outline = np.concatenate([stroke.points for stroke in strokes])
    dots = np.concatenate([piece.points for piece in rough])
    apart = np.linalg.norm(dots[:, None] - outline[None], axis=2).min(axis=1)
    assert float(apart.mean()) < 5
    assert float(apart.max()) < 25


@pytest.fixture(scope="module")
def scored() -> ShotScores:
    return measure_shot(SHOTS["border"], 256, 144).scores


def test_every_method_is_scored_on_the_same_frames(scored: ShotScores) -> None:
    assert set(scored.scores) == set(METHODS)
    assert scored.frames == list(SHOTS["border"].judged)
    assert scored.gain_db(FLOW) == 0
    assert set(scored.layers[CONTROLLED]) == {"balloon", "plane"}
    assert scored.scores["hold"].moving_psnr_db < scored.scores["hold"].psnr_db


def test_the_truth_moves_from_frame_to_frame() -> None:
    given = material.load("ball", 256, 144)
    early, late = material.drawn_frames(given.truth, given.truth_blobs, [3, 9])
    assert float((early != late).mean()) > 0.01


def test_a_take_without_controls_has_none() -> None:
    given = material.load("ball", 256, 144)
    assert any(layer.controls for layer in given.request.layers)
    free = material.without_controls(given.request)
    assert not any(layer.controls for layer in free.layers)


def _scores(gains: dict[str, float], *, edges: float = 1.0, faint: float = 1.0) -> ShotScores:
    def score(gain: float) -> Score:
        return Score(25 + gain, 20, 0.9, edges, faint)

    return ShotScores(
        name="x", title="X", corresponds=True,
        controlled=True, frames=[2],
        scores={method: score(gains.get(method, 0.0)) for method in METHODS},
        layers={}, engines={}, seconds={},
    )  # fmt: skip


def test_a_shot_above_all_bars_misses_nothing() -> None:
    assert misses(_scores({CONTROLLED: 6.1, FREE: 2.1})) == []


def test_what_is_missed_is_said_in_words() -> None:
    found = misses(_scores({CONTROLLED: 5.0, FREE: 2.1}, edges=0.9, faint=1.6))
    assert found[0] == "with its controls: +5.0 dB over flow warp, bar +6"
    assert "soft, edge energy 90%" in found[1]
    assert "double outlines" in found[2]


def test_failures_stand_in_red_on_the_page(scored: ShotScores) -> None:
    shot: GalleryShot = SHOTS["border"]
    bad = msgspec.structs.replace(scored, scores=_scores({CONTROLLED: 1.0}).scores)
    page = html_page([shot], {shot.name: bad}, (256, 144), {"border": "seen <here>"})
    assert "class=bad" in page
    assert "+1.0 dB over flow warp, bar +6" in page
    assert "seen &lt;here&gt;" in page
    assert "src=border.jpg" in page
    assert "below the bar" in text_table([bad], (256, 144))


def test_a_run_taken_up_again_keeps_the_shots_measured_before(
    scored: ShotScores, tmp_path: Path
) -> None:
    other = msgspec.structs.replace(scored, name="ball", title="Squash and stretch")
    for score in (scored, other):
        store_scores(tmp_path, score, (256, 144))
    page = (tmp_path / "index.html").read_text("utf-8")
    assert page.index("id=ball") < page.index("id=border")
    store_scores(tmp_path, scored, (512, 288))
    assert "id=ball" not in (tmp_path / "index.html").read_text("utf-8")


def test_a_damaged_list_of_scores_is_said_and_not_replaced(
    scored: ShotScores, tmp_path: Path
) -> None:
    (tmp_path / "scores.json").write_text("{")
    with pytest.raises(AcetateError, match=r"scores\.json"):
        store_scores(tmp_path, scored, (256, 144))


def test_every_shot_was_looked_at() -> None:
    assert set(words()) == set(SHOTS)


def test_the_committed_page_has_a_sheet_for_every_shot() -> None:
    folder = Path(__file__).parents[2] / "docs" / "gallery"
    page = (folder / "index.html").read_text("utf-8")
    sheets = {name: folder / f"{name}.jpg" for name in SHOTS}
    assert all(f"src={name}.jpg" in page for name in SHOTS)
    assert all(path.stat().st_size <= 250 * 1024 for path in sheets.values())
    assert sum(path.stat().st_size for path in sheets.values()) <= 5 * 1024 * 1024
