"""Things that change their colour stay themselves: they move on, and switch colours once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from backend.layer_motion import affine
from backend.layer_motion.strokes.matching.match import pair_strokes
from backend.layer_motion.strokes.morphing.morph import Morph
from backend.layer_motion.strokes.shape.level import Line
from shared.strokes import Drawing

from .boxes import BLUE, GREEN, RED, area, face, matched, on_the_way, partners
from .puppet import drawing, line

FLAP = [120 + 150j, 280 + 150j, 265 + 90j, 135 + 90j]
HANGING = [120 + 150j, 280 + 150j, 290 + 175j, 110 + 175j]
BOX = [120 + 150j, 280 + 150j, 280 + 220j, 120 + 220j]


def ball(
    x: float, fill: tuple[float, float, float, float], material: int, size: float = 40
) -> Line:
    angle = 2 * np.pi * np.arange(60) / 60
    ring = np.stack([x + size * np.cos(angle), 120 + size * np.sin(angle)], axis=1)
    return replace(line(ring, cyclic=True, fill=fill), material=material)


def fills(first: Sequence[Line], last: Sequence[Line], progress: float) -> Drawing:
    pair = pair_strokes(drawing(list(first)), drawing(list(last)))
    assert pair is not None
    return Morph(pair).at(affine.IDENTITY, progress)


@pytest.mark.parametrize("company", [False, True])
def test_a_ball_that_changes_its_colour_is_one_ball(company: bool) -> None:
    first, last = [ball(100, RED, 1)], [ball(180, BLUE, 2)]
    if company:
        first.append(ball(100, GREEN, 0, 12))
        last.append(ball(180, GREEN, 0, 12))
    pair = matched(first, last)
    assert partners(pair)[0] == 0
    ring = on_the_way(pair, 0.4)[0]
    assert abs(ring.mean() - (132 + 120j)) < 3
    for progress, colour, material in ((0.4, RED, 1), (0.6, BLUE, 2)):
        drawn = fills(first, last, progress)
        assert drawn.fill_colour[0] == pytest.approx(colour)
        assert drawn.material[0] == material


@pytest.mark.parametrize("on_a_box", [False, True])
def test_a_flap_that_shows_its_other_side_swings_and_switches_edge_on(on_a_box: bool) -> None:
    first, last = [face(FLAP, fill=RED, material=1)], [face(HANGING, 9, fill=BLUE, material=2)]
    if on_a_box:
        first.append(face(BOX, fill=GREEN))
        last.append(face(BOX, 10, fill=GREEN, start=3))
    pair = matched(first, last)
    assert partners(pair)[0] == 0
    before, behind = (on_the_way(pair, p)[0] for p in (0.3, 0.9))
    assert area(before) * area(behind) < 0
    edge_on = 145 * 60 / (145 * 60 + 170 * 25)
    for progress, colour in ((edge_on - 0.05, RED), (edge_on + 0.05, BLUE)):
        assert fills(first, last, progress).fill_colour[0] == pytest.approx(colour)


def test_other_things_of_other_materials_do_not_become_each_other() -> None:
    """One goes and another comes elsewhere, or in another form."""
    stays = ball(160, GREEN, 0, 60)
    gone = ball(60, RED, 1, 20)
    for new in (ball(300, BLUE, 2, 20), ball(60, BLUE, 2, 5)):
        assert partners(matched([stays, gone], [stays, new]))[1] == -1


def test_what_fades_or_has_materials_that_both_keys_show_is_not_recoloured() -> None:
    stays = [ball(160, GREEN, 0, 60), ball(160, RED, 1, 9), ball(160, BLUE, 2, 14)]
    one, other = ball(60, RED, 1, 20), ball(60, BLUE, 2, 20)
    assert partners(matched([*stays, one], [*stays, other]))[3] == -1
    faded = ball(60, (*RED[:3], 0.4), 3, 20)
    assert partners(matched([stays[0], one], [stays[0], faded]))[1] == -1


def test_what_changes_its_colour_gets_thicker_evenly() -> None:
    thick = ball(100, BLUE, 2)
    thick = replace(thick, values=thick.values * np.array([1, 1, 4, 1, 1, 1, 1, 1]))
    thin = float(ball(100, RED, 1).values[0, 2])
    for progress in (0.25, 0.49, 0.51, 0.75):
        drawn = fills([ball(100, RED, 1)], [thick], progress)
        assert drawn.radius == pytest.approx(np.full(60, thin * (1 + 3 * progress)), rel=0.02)


def test_copies_of_a_material_are_the_same() -> None:
    """A key that was pasted, or drawn with `ink.001`, has its own materials of the same look."""
    first = [ball(60, RED, 0, 20), ball(160, GREEN, 1, 30), ball(260, RED, 0, 12)]
    for materials in ((4, 5, 4), (4, 1, 4), (0, 6, 4)):
        last = [replace(line, material=m) for line, m in zip(first, materials, strict=True)]
        moved = [line.placed(line.points + np.array([30.0, 8.0])) for line in last]
        pair = matched(first, moved)
        assert partners(pair) == {0: 0, 1: 1, 2: 2}
        assert not pair.lone.any()


def test_a_copy_of_a_material_beside_the_first_one_is_the_same() -> None:
    first = [ball(60, RED, 0, 20), ball(160, RED, 3, 30)]
    last = [ball(80, RED, 3, 20), ball(180, RED, 3, 30)]
    assert partners(matched(first, last)) == {0: 0, 1: 1}
