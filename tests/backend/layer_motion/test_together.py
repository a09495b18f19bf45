"""Promises of layers that are taken as one: only on the same lines, and each gets back its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import KDTree

from backend.layer_motion import together
from backend.layer_motion.engine import plan_together
from backend.layer_motion.strokes.look import draw_strokes
from backend.layer_motion.strokes.same_lines import on_same_lines
from backend.layer_motion.strokes.shape.level import LABEL, Line
from backend.layer_motion.task import GapTask, Neighbour
from shared.strokes import Drawing

from .strokes.puppet import NOTHING, drawing, line

WIDTH, HEIGHT = 384, 256
TIMES = (0.25, 0.5, 0.75)
CUTS = ((0.3, 0.62, 33), (1.1, 0.62, 49), (1.1, 1.28, 34))


def banana(bend: float, shift: complex = 0) -> np.ndarray:
    """A closed outline whose spine is an arc: float64 [120, 2] camera pixels."""
    way = np.linspace(-1, 1, 60)
    heading = np.exp(1j * bend * way)
    spine = np.cumsum(heading) * 220 / 60
    across = 1j * heading * (26 * np.sqrt(1 - way**4) + 6 * (1 + way))
    ring = np.concatenate([spine + across, (spine - across)[::-1]]) - spine.mean()
    ring += 190 + 128j + shift
    return np.stack([ring.real, ring.imag], axis=1)


def stretch(ring: np.ndarray, begin: float, end: float, count: int) -> np.ndarray:
    """Evenly placed points [count, 2] between two shares 0..2 of the way round."""
    twice = np.concatenate([ring, ring, ring[:1]])
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(twice, axis=0), axis=1))])
    at = np.linspace(begin, end, count) * way[-1] / 2
    return np.stack([np.interp(at, way, twice[:, axis]) for axis in (0, 1)], axis=1)


def paint(ring: np.ndarray, count: int = 120, *, material: int = 3) -> list[Line]:
    """One closed fill without line."""
    filled = line(stretch(ring, 0, 1, count + 1)[:-1], cyclic=True)
    colours = np.array([*NOTHING, 0.9, 0.6, 0.3, 1.0])
    return [replace(filled, colours=colours, material=material)]


def ink(ring: np.ndarray, *, material: int = 7) -> list[Line]:
    """Open lines without fill that begin elsewhere, one of them backwards."""
    parts = [line(stretch(ring, *cut)) for cut in CUTS]
    return [replace(part, material=material + number) for number, part in enumerate(parts)]


def gap(first: Drawing, last: Drawing) -> GapTask:
    """A gap with strokes and the pictures that they show."""
    start, goal = (draw_strokes(key, WIDTH, HEIGHT) for key in (first, last))
    return GapTask(WIDTH, HEIGHT, start, goal, TIMES, first_strokes=first, last_strokes=last)


def faded(lines: list[Line], opacity: float) -> Drawing:
    return replace(drawing(lines), layer_opacity=np.array([opacity], np.float32))


def tasks() -> list[GapTask]:
    """Paint below ink."""
    start, goal = banana(-0.9), banana(1.2, 20 + 10j)
    return [
        gap(faded(paint(start), 0.4), faded(paint(goal), 0.8)),
        gap(faded(ink(start), 1.0), faded(ink(goal)[::-1], 0.5)),
    ]


def wobbling(ring: np.ndarray, wobble_px: float) -> np.ndarray:
    """The outline by a hand that swerves to both sides."""
    inside = ring.mean(axis=0) - ring
    inside /= np.linalg.norm(inside, axis=1, keepdims=True)
    return ring + wobble_px * np.sin(np.arange(len(ring)))[:, None] * inside


@pytest.mark.parametrize(
    ("wobble_px", "expected"), [(0.0, True), (1.2, True), (5.0, False), (12.0, False)]
)
def test_the_same_lines_may_wobble_by_less_than_half_a_line(
    wobble_px: float, expected: bool
) -> None:
    ring = banana(0.5)
    below, above = drawing(paint(ring)), drawing(ink(wobbling(ring, wobble_px)))
    assert on_same_lines(below, above, HEIGHT) is expected
    assert on_same_lines(above, below, HEIGHT) is expected


def test_ink_on_a_part_of_the_paint_is_on_the_same_lines() -> None:
    ring = banana(0.5)
    below, above = drawing(paint(ring)), drawing(ink(ring)[:1])
    assert on_same_lines(below, above, HEIGHT)
    assert on_same_lines(above, below, HEIGHT)


def test_ink_on_the_edge_that_closes_a_fill_is_on_the_same_lines() -> None:
    corners = np.array([[100.0, 200], [200, 60], [300, 200]])
    below, above = drawing(paint(corners, 3)), drawing([line(corners[[2, 0]])])
    assert on_same_lines(below, above, HEIGHT)


def test_ink_of_which_half_lies_elsewhere_is_not_on_the_same_lines() -> None:
    ring = banana(0.5)
    half = [line(stretch(way, 0, 0.5, 60)) for way in (ring, ring + np.array([0, 70]))]
    assert not on_same_lines(drawing(paint(ring)), drawing(half), HEIGHT)


@pytest.mark.parametrize("shift", [500 + 0j, 300j, -400 - 300j])
def test_drawings_that_lie_apart_are_not_on_the_same_lines(shift: complex) -> None:
    assert not on_same_lines(drawing(paint(banana(0))), drawing(ink(banana(0, shift))), HEIGHT)


def nothing() -> Drawing:
    """A key on which everything was erased."""
    arrays = {name: values[:0] for name, values in vars(drawing(ink(banana(0)))).items()}
    arrays |= {"offsets": np.zeros(1, np.int32), "layer_opacity": np.ones(1, np.float32)}
    return Drawing(**arrays)


def test_empty_drawings_are_on_no_lines() -> None:
    full, empty = drawing(ink(banana(0))), nothing()
    assert not any(
        on_same_lines(*both, HEIGHT) for both in ((full, empty), (empty, full), (empty, empty))
    )


def test_layers_as_one_come_apart_as_they_were() -> None:
    layers = tasks()
    opacities = [(0.5, 0.6, 0.7), (0.875, 0.75, 0.625)]
    for task, plan, opacity in zip(layers, plan_together(layers), opacities, strict=True):
        own = task.first_strokes
        assert plan is not None
        assert own is not None
        assert plan.method == "strokes"
        for step, expected in zip(plan.steps, opacity, strict=True):
            assert step.drawing is not None
            assert step.drawing.layer_opacity == pytest.approx([expected])
            assert step.drawing.stroke_count == own.stroke_count
            assert sorted(step.drawing.material) == sorted(own.material)
            assert set(map(tuple, step.drawing.fill_colour)) == set(map(tuple, own.fill_colour))
            assert len(step.drawing.points) == step.drawing.offsets[-1]


def test_one_drawing_has_all_strokes_and_is_the_same_object_again() -> None:
    layers = tasks()
    one, again = together.joined(layers), together.joined(layers)
    assert one.first_strokes is again.first_strokes
    assert one.first_strokes is not None
    assert one.first_strokes.stroke_count == 1 + len(CUTS)
    assert list(one.first_strokes.material) == [3, LABEL + 7, LABEL + 8, LABEL + 9]
    assert np.array_equal(one.first_strokes.layer_opacity, [1.0])


def test_sketches_of_one_moment_are_laid_on_each_other() -> None:
    some, others = np.zeros((2, HEIGHT, WIDTH), np.float32)
    some[10], others[20] = 1.0, 1.0
    below, above = tasks()
    one = together.joined(
        [replace(below, sketches={1: some}), replace(above, sketches={1: others, 3: others})]
    )
    assert sorted(one.sketches) == [1, 3]
    assert np.array_equal(one.sketches[1], some + others)
    assert np.array_equal(one.sketches[3], others)


@pytest.mark.parametrize("further", [1, 0])
def test_further_keys_count_as_far_as_all_have_them(further: int) -> None:
    layers = [
        replace(task, behind=tuple(Neighbour(2.0 + n, key) for n in range(count)))
        for task, count in zip(tasks(), (2, further), strict=True)
        if (key := task.last_strokes) is not None
    ]
    found = together.joined(layers).behind
    assert [one.time for one in found] == [2.0, 3.0][:further]
    assert all(one.strokes.stroke_count == 1 + len(CUTS) for one in found)


def test_further_keys_at_other_times_do_not_count() -> None:
    layers = [
        replace(task, before=(Neighbour(-1.0, key), Neighbour(time, key)))
        for task, time in zip(tasks(), (-2.0, -2.5), strict=True)
        if (key := task.first_strokes) is not None
    ]
    assert [one.time for one in together.joined(layers).before] == [-1.0]


def moved(task: GapTask, shift_px: float) -> GapTask:
    path = np.linspace(0, shift_px, len(TIMES) + 2)
    tracks = np.stack([190 + path, np.full(len(path), 128.0)], axis=1)[:, None]
    return replace(task, tracks=tracks.astype(np.float32))


AGREEING: list[Callable[[GapTask, GapTask], list[GapTask]]] = [
    lambda below, above: [below, above],
    lambda below, above: [below, moved(above, 30)],
    lambda below, above: [moved(below, 30), moved(above, 30)],
]
CONTRADICTING: list[Callable[[GapTask, GapTask], list[GapTask]]] = [
    lambda below, above: [moved(below, 30), moved(above, -30)],
    lambda below, above: [replace(below, progress=(0.1, 0.3, 0.6)), above],
    lambda below, above: [replace(below, progress=(0.1, 0.3, 0.6)), moved(above, 30)],
    lambda below, above: [replace(below, times=(0.2, 0.5, 0.8)), above],
]


@pytest.mark.parametrize("say", AGREEING)
def test_controls_that_agree_guide_all(say: Callable[[GapTask, GapTask], list[GapTask]]) -> None:
    assert all(plan is not None for plan in plan_together(say(*tasks())))


@pytest.mark.parametrize("say", CONTRADICTING)
def test_controls_that_contradict_each_other_part_the_layers(
    say: Callable[[GapTask, GapTask], list[GapTask]],
) -> None:
    assert plan_together(say(*tasks())) == (None, None)


def altered(key: Drawing, name: str) -> Drawing:
    points, material = key.points.copy(), key.material.copy()
    if name == "no number":
        points[3] = np.nan
    else:
        material[0] = int(name)
    return replace(key, points=points, material=material)


@pytest.mark.parametrize("fault", ["-1", "65536", "no number"])
@pytest.mark.parametrize("end", ["first_strokes", "last_strokes"])
def test_what_cannot_be_labelled_goes_its_own_way(end: str, fault: str) -> None:
    below, above = tasks()
    odd = replace(below, **{end: altered(getattr(below, end), fault)})
    assert not together.may_join(odd)
    assert plan_together([odd, above]) == (None, None)


@pytest.mark.parametrize("end", ["first_strokes", "last_strokes"])
def test_a_layer_that_is_empty_at_a_key_goes_its_own_way(end: str) -> None:
    below, above = tasks()
    gone = replace(below, **{end: nothing()})
    assert not together.may_join(gone)
    assert plan_together([gone, above]) == (None, None)


def test_the_last_material_that_leaves_room_is_given_back() -> None:
    below, above = tasks()
    full = [drawing(paint(banana(bend), material=LABEL - 1)) for bend in (-0.9, 1.2)]
    found = plan_together([gap(full[0], full[1]), above, below])
    own = [plan.steps[1].drawing for plan in found if plan is not None]
    assert [list(one.material) for one in own if one is not None] == [
        [LABEL - 1],
        [9, 8, 7],
        [3],
    ]


def test_a_layer_whose_picture_shows_something_else_goes_its_own_way() -> None:
    below, above = tasks()
    odd = replace(below, first=replace(below.first, x=below.first.x + 60))
    assert plan_together([odd, above]) == (None, None)


def test_layers_traced_point_by_point_all_follow_one_line_of_a_sketch() -> None:
    start, goal, wanted = banana(0.2), banana(0.4), banana(1.3, -20j)
    layers = [gap(drawing(paint(start)), drawing(paint(goal))) for _ in range(3)]
    sketch = draw_strokes(drawing([line(wanted, cyclic=True)]), WIDTH, HEIGHT)
    lines = sketch.on_canvas(WIDTH, HEIGHT)[..., 3].astype(np.float32) / 255
    layers[1] = replace(layers[1], sketches={2: lines})
    near = KDTree(stretch(wanted, 0, 1, 2000))
    for plan in plan_together(layers):
        assert plan is not None
        assert plan.steps[1].drawing is not None
        assert np.max(near.query(plan.steps[1].drawing.points)[0]) < 4.0


def test_layers_whose_strokes_find_no_partners_go_their_own_way() -> None:
    hair = np.array([[0.0, 0], [0, 60], [3, 120]])
    other = [line(hair + np.array([40 + 25 * number, 60])) for number in range(12)]
    layers = [gap(drawing(strokes(banana(-0.9))), drawing(other)) for strokes in (paint, ink)]
    assert plan_together(layers) == (None, None)
