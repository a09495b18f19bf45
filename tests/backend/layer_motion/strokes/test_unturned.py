"""Promises for ovals that are squashed or turned: those around them tell which it was."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.strokes.layout.root import Level, Numbers
from backend.layer_motion.strokes.layout.seam import sewn
from backend.layer_motion.strokes.layout.unturned import unturned
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.morphing.morph import Morph
from backend.layer_motion.strokes.shape.level import Line, like, resampled

from ..drawn import outline, turned
from .puppet import drawing, line

MIDDLE = np.array([160.0, 120.0])


def oval(centre: tuple[float, float], wide: float, tall: float, count: int) -> Line:
    return resampled(line(outline(centre, (wide, tall), 0.0), cyclic=True), count)


def face(tall: float, more_points: int) -> list[Line]:
    """A head with nose and chin, and two eyes as tall as said."""
    head = [((160, 120), 80, 95), ((160, 130), 8, 14), ((160, 170), 24, 6), ((160, 200), 10, 4)]
    eyes = [((125, 100), 10, tall), ((195, 100), 10, tall)]
    ovals = enumerate([*head, *eyes])
    return [oval(*one, 40 + n + more_points * (n + 2)) for n, one in ovals]


def spread(drawn: np.ndarray) -> np.ndarray:
    """Covariance [2, 2] of points [n, 2]."""
    return np.cov(drawn.T)


def halfway(first: list[Line], last: list[Line], strokes: tuple[int, ...]) -> list[np.ndarray]:
    pair = pair_strokes(drawing(first), drawing(last))
    assert pair is not None
    pose = affine.evenly(pair.matrix, 0.49, pair.first.points.mean(axis=0).astype(float))
    found = Morph(pair).at(pose, 0.49)
    return [found.stroke_points(stroke) for stroke in strokes]


@pytest.mark.parametrize("shut", [4.0, 2.0])
def test_eyes_that_shut_in_a_still_face_are_squashed_and_do_not_tip_over(shut: float) -> None:
    """Twice as tall as wide before, and flat behind: laid on its side, an oval fits better."""
    for eye in halfway(face(20.0, 0), face(shut, 1), (4, 5)):
        (across, aslant), (_, down) = spread(eye)
        assert abs(aslant) < 0.2 * min(across, down)
        assert 2 * np.sqrt(2 * down) == pytest.approx(20.0 + shut, rel=0.2)


def test_eyes_that_shut_in_a_head_that_turns_turn_with_it() -> None:
    first = face(20.0, 0)
    last = [one.placed(turned(one.points, MIDDLE, 50)) for one in face(3.0, 1)]
    for eye in halfway(first, last, (4, 5)):
        (across, aslant), (_, down) = spread(turned(eye, MIDDLE, -24.5))
        assert abs(aslant) < 0.2 * min(across, down)


@pytest.mark.parametrize(("wide", "degrees"), [(14.0, 90), (14.0, 60), (12.0, 75)])
def test_a_leaf_that_turns_on_a_stem_that_stays_keeps_its_shape(wide: float, degrees: int) -> None:
    """It fits its old place about as well squashed, but what is squashed loses area."""
    stem = [oval((160, 190), 60, 40, 90), oval((150, 200), 20, 9, 40), oval((180, 195), 9, 9, 36)]
    leaf = oval((160, 110), wide, 36, 60)
    root = np.array([160.0, 146.0])
    anew = [resampled(one, len(one.values) + 7) for one in (*stem, leaf)]
    anew[-1] = anew[-1].placed(turned(anew[-1].points, root, degrees))
    (found,) = halfway([*stem, leaf], anew, (3,))
    axes = np.sqrt(2 * np.linalg.eigvalsh(spread(found)))
    assert axes == pytest.approx([wide, 36.0], rel=0.3)


def test_who_lies_around_tells_whether_an_oval_turned() -> None:
    """An eye that shut in a head that turned by 80 degrees; by itself it may only have shrunk."""
    spots = [(160 + 40 * np.cos(a), 120 - 60 * np.sin(a)) for a in np.linspace(0, np.pi, 5)]
    eye, shut = oval((160, 120), 10, 20, 60), oval((160, 120), 10, 4, 64)
    others = [oval(spot, 6, 9, 30) for spot in spots]
    pairs = [(eye, shut), *((one, one) for one in others)]
    pairs = [(one, other.placed(turned(other.points, MIDDLE, 80))) for one, other in pairs]
    level = {(n, n): sewn(*like(*pair, affine.IDENTITY)) for n, pair in enumerate(pairs)}

    def turn(found: Mapping[Numbers, Level]) -> float:
        matrix = affine.fit_similarity(*(line.points for line in found[0, 0]))
        return abs(float(np.rad2deg(np.arctan2(matrix[1, 0], matrix[0, 0]))))

    alone = {(0, 0): level[0, 0]}
    assert turn(unturned(alone, alone, lambda: affine.IDENTITY)) < 20
    assert turn(unturned(level, level, lambda: affine.IDENTITY)) > 60
