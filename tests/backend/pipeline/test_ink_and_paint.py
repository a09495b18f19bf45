"""Promises of layers that are drawn on the same lines, as ink and paint: they move as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from scipy.spatial import KDTree

from backend.layer_motion.strokes.shape.level import Line
from backend.pipeline.artwork import Artwork
from backend.pipeline.context import LocalContext
from backend.pipeline.engines import Choice
from backend.pipeline.execute import execute
from backend.pipeline.motion import MotionResult, run_motion
from backend.pipeline.plan import make_plan
from backend.raster import draw
from shared.blobs import MemoryBlobs
from shared.result import ResultLayer, ResultManifest
from shared.shot import (
    ArrayRef,
    Chart,
    Control,
    Key,
    Layer,
    Look,
    MotionScore,
    Role,
    ShotRequest,
    Sketch,
    SketchFrame,
    Spacing,
)
from shared.strokes import Drawing, drawing_from_bytes, drawing_to_bytes
from tests.backend.layer_motion.strokes.puppet import drawing, line, puppet
from tests.backend.layer_motion.test_together import (
    HEIGHT,
    WIDTH,
    banana,
    faded,
    ink,
    nothing,
    paint,
    stretch,
    wobbling,
)
from tests.backend.pipeline.shots import ShotBuilder, layer_pixels

Shown = tuple[ResultManifest, MemoryBlobs]
START, GOAL = banana(-0.9), banana(1.2, 20 + 10j)


def add(
    builder: ShotBuilder, name: str, keys: Mapping[int, Drawing | list[Line]], *controls: Control
) -> ShotBuilder:
    """Add a layer of strokes on top."""
    made = tuple(
        Key(frame=frame, strokes=stored(builder, key)) for frame, key in sorted(keys.items())
    )
    order = len(builder.layers)
    builder.layers.append(
        Layer(name=name, order=order, role=Role.ANIMATE, keys=made, controls=controls)
    )
    return builder


def stored(builder: ShotBuilder, strokes: Drawing | list[Line]) -> ArrayRef:
    made = strokes if isinstance(strokes, Drawing) else drawing(strokes)
    return ArrayRef(blob=builder.blobs.put(drawing_to_bytes(made)))


def rough(builder: ShotBuilder, lines: Mapping[int, list[Line]]) -> Sketch:
    """Sketches by frame."""
    frames = (
        SketchFrame(frame=frame, strokes=stored(builder, some)) for frame, some in lines.items()
    )
    return Sketch(frames=tuple(frames))


def two_layers(
    on_ink: Callable[[ShotBuilder], Control] | None = None,
    on_paint: Callable[[ShotBuilder], Control] | None = None,
) -> ShotBuilder:
    """Paint below ink, bending between frames 1 and 9."""
    builder = ShotBuilder(WIDTH, HEIGHT)
    for name, strokes, control in (("paint", paint, on_paint), ("ink", ink, on_ink)):
        controls = () if control is None else (control(builder),)
        add(builder, name, {1: strokes(START), 9: strokes(GOAL)}, *controls)
    return builder


def asked(builder: ShotBuilder, *names: str, end: int = 9, exposure: int = 1) -> ShotRequest:
    """All layers, or the named ones, with layer motion alone."""
    layers = tuple(layer for layer in builder.layers if not names or layer.name in names)
    look = Look(engine="layer-motion")
    return builder.request(end=end, exposure=exposure, look=look, layers=layers)


def ran(builder: ShotBuilder, *names: str, end: int = 9, exposure: int = 1) -> Shown:
    results = MemoryBlobs()
    request = asked(builder, *names, end=end, exposure=exposure)
    return execute(request, builder.blobs, results, LocalContext()), results


def layer_of(shown: Shown, name: str) -> ResultLayer:
    return next(layer for layer in shown[0].layers if layer.name == name)


def strokes_of(shown: Shown, name: str, frame: int) -> Drawing:
    return drawing_from_bytes(shown[1].get(layer_of(shown, name).strokes[frame - 1] or ""))


def outlines(strokes: Drawing) -> np.ndarray:
    """Places close to each other along closed strokes: [n, 2]."""
    rings = [strokes.stroke_points(stroke) for stroke in range(strokes.stroke_count)]
    return np.concatenate([stretch(ring, 0, 1, 20 * len(ring)) for ring in rings])


def apart_px(shown: Shown, frame: int) -> float:
    """The farthest that ink lies from the outlines of paint."""
    tree = KDTree(outlines(strokes_of(shown, "paint", frame)))
    return float(np.max(tree.query(strokes_of(shown, "ink", frame).points)[0]))


def middle(shown: Shown, name: str, frame: int) -> np.ndarray:
    return strokes_of(shown, name, frame).points.mean(axis=0)


def as_alone(builder: ShotBuilder, **changes: int) -> Shown:
    """The result of all layers, each of which comes out as it does alone."""
    shown = ran(builder, **changes)
    for layer in shown[0].layers:
        own = ran(builder, layer.name, **changes)[0].layers[0]
        assert (layer.frames, layer.strokes) == (own.frames, own.strokes), layer.name
        assert (layer.method, layer.painted) == (own.method, own.painted)
    return shown


def motion_of(request: ShotRequest, blobs: MemoryBlobs) -> tuple[MotionResult, list[list[int]]]:
    """What layer motion makes of a shot, and its reports of steps done and steps in all."""
    reports: list[list[int]] = []
    context = LocalContext(on_progress=lambda _, *steps: reports.append([*steps]))
    states = run_motion(
        make_plan(request), Artwork(request, blobs), Choice(), context, MemoryBlobs()
    )
    return list(states)[-1], reports


def cut_elsewhere(ring: np.ndarray) -> list[Line]:
    """Ink whose parts have other point counts and directions than those of `ink`."""
    parts = ((0.62, 0.3, 27), (1.1, 0.62, 58), (1.28, 1.1, 30))
    return [
        replace(line(stretch(ring, *part)), material=7 + number)
        for number, part in enumerate(parts)
    ]


LAST: dict[str, tuple[list[Line], list[Line]]] = {
    "copies": (paint(GOAL), ink(GOAL)),
    "paint drawn anew": (paint(np.roll(GOAL, 24, axis=0), 127), ink(GOAL)),
    "both drawn anew": (paint(np.roll(GOAL, 24, axis=0), 127), cut_elsewhere(GOAL)),
}


@pytest.mark.parametrize("last", LAST)
def test_ink_stays_on_the_paint_while_both_bend(last: str) -> None:
    builder = ShotBuilder(WIDTH, HEIGHT)
    for name, first, goal in zip(("paint", "ink"), (paint, ink), LAST[last], strict=True):
        add(builder, name, {1: first(START), 9: goal})
    shown = ran(builder)
    assert {layer.method for layer in shown[0].layers} == {"strokes"}
    assert not shown[0].warnings
    assert max(apart_px(shown, frame) for frame in range(1, 10)) < 1.0


def test_the_order_of_ink_and_paint_does_not_matter() -> None:
    builder = two_layers()
    paint_layer, ink_layer = builder.layers
    builder.layers[:] = [
        msgspec.structs.replace(ink_layer, order=0),
        msgspec.structs.replace(paint_layer, order=1),
    ]
    shown = ran(builder)
    assert [layer.name for layer in shown[0].layers] == ["ink", "paint"]
    assert max(apart_px(shown, frame) for frame in range(1, 10)) < 1.0


MID = banana(0.2, 10 - 25j)


def bending_up(builder: ShotBuilder) -> Sketch:
    return rough(builder, {5: ink(MID)})


@pytest.mark.parametrize("guided", ["ink", "paint"])
def test_a_sketch_of_one_layer_moves_both(guided: str) -> None:
    shown = ran(two_layers(**{f"on_{guided}": bending_up}))
    assert {layer.method for layer in shown[0].layers} == {"sketch"}
    for name in ("ink", "paint"):
        drawn = strokes_of(shown, name, 5).points
        assert np.max(KDTree(stretch(MID, 0, 1, 2000)).query(drawn)[0]) < 2.5
    assert max(apart_px(shown, frame) for frame in range(1, 10)) < 1.6


def over_a_hill(builder: ShotBuilder, *, height_px: float = 60) -> Control:
    return builder.path({1: (190, 128), 5: (200, 133 - height_px), 9: (210, 138)})


@pytest.mark.parametrize("guided", ["ink", "paint"])
def test_a_path_of_one_layer_moves_both(guided: str) -> None:
    free, shown = ran(two_layers()), ran(two_layers(**{f"on_{guided}": over_a_hill}))
    for name in ("ink", "paint"):
        rise = middle(free, name, 5) - middle(shown, name, 5)
        assert rise[1] == pytest.approx(60, abs=8)
    assert max(apart_px(shown, frame) for frame in range(1, 10)) < 1.0


@pytest.mark.parametrize("chart", [Chart.SLOW_OUT, (0.1, 0.2, 0.4)])
def test_one_spacing_of_both_layers_is_theirs_together(chart: Chart | tuple[float, ...]) -> None:
    def spaced(_: ShotBuilder) -> Control:
        return Spacing(chart=chart)

    shown = ran(two_layers(spaced, spaced))
    assert max(apart_px(shown, frame) for frame in range(1, 10)) < 1.0


def test_a_sketch_on_a_frame_that_is_held_steers_both_and_adds_a_drawing_to_its_own() -> None:
    builder = two_layers(lambda builder: rough(builder, {4: ink(MID)}))
    shown = ran(builder, exposure=2)
    free = ran(two_layers(), exposure=2)
    for name in ("ink", "paint"):
        assert len(set(layer_of(shown, name).frames)) == 5
        assert (middle(free, name, 3) - middle(shown, name, 3))[1] > 10
    assert max(apart_px(shown, frame) for frame in range(1, 10)) < 1.6
    made, _ = motion_of(asked(builder, exposure=2), builder.blobs)
    frames = {name: [f for other, f in made.strokes if other == name] for name in ("paint", "ink")}
    assert frames == {"paint": [3, 5, 7], "ink": [3, 4, 5, 7]}
    assert made.methods == {"paint": ("sketch",), "ink": ("sketch",)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (over_a_hill, lambda builder: over_a_hill(builder, height_px=-20)),
        (lambda _: Spacing(chart=Chart.SLOW_OUT), lambda _: Spacing(chart=Chart.SLOW_IN)),
        (lambda _: Spacing(chart=Chart.SLOW_OUT), over_a_hill),
    ],
)
def test_controls_that_contradict_each_other_move_each_layer_its_own_way(
    one: Callable[[ShotBuilder], Control], other: Callable[[ShotBuilder], Control]
) -> None:
    as_alone(two_layers(one, other))


def test_a_layer_that_is_held_stays_the_artists_own_while_others_go_together() -> None:
    builder = ShotBuilder(WIDTH, HEIGHT)
    flat = {1: paint(START), 9: paint(START)}
    add(builder, "flat", flat)
    add(builder, "paint", {1: paint(START), 9: paint(wobbling(START, 0.8))})
    keys = {1: ink(START), 9: ink(wobbling(START, 0.8))}
    add(builder, "ink", keys, rough(builder, {5: ink(banana(-0.6, -12j))}))
    shown = ran(builder)
    own = draw(drawing(flat[1]), width=WIDTH, height=HEIGHT, margin_px=96).on_canvas(WIDTH, HEIGHT)
    for frame in range(1, 10):
        assert np.array_equal(layer_pixels(*shown, "flat", frame), own)
    assert layer_of(shown, "flat").method == "hold"
    assert layer_of(shown, "paint").method == "sketch"
    assert apart_px(shown, 5) < 1.6


@pytest.mark.parametrize("idling", ["ink", "paint"])
def test_a_layer_that_idles_stays_out(idling: str) -> None:
    shown = as_alone(two_layers(**{f"on_{idling}": lambda _: MotionScore(score=0.5)}))
    assert layer_of(shown, idling).method == "idle"


def beside(lines: list[Line], shift: tuple[float, float]) -> list[Line]:
    return [one.placed(one.points + shift) for one in lines]


LEG, OTHER_LEG = slice(12, 15), slice(15, 18)
APART: dict[str, tuple[dict[int, list[Line]], dict[int, list[Line]]]] = {
    "side by side": (
        {1: puppet(0)[LEG], 9: puppet(1)[LEG]},
        {1: beside(puppet(0)[LEG], (5, 1)), 9: beside(puppet(1)[LEG], (5, 1))},
    ),
    "far and near": (
        {1: puppet(0)[LEG], 9: puppet(1)[LEG]},
        {1: puppet(0)[OTHER_LEG], 9: puppet(1)[OTHER_LEG]},
    ),
    "together at the first key": (
        {1: paint(START), 9: paint(GOAL)},
        {1: ink(START), 9: beside(ink(GOAL), (0, -30))},
    ),
    "together at the last key": (
        {1: paint(START), 9: paint(GOAL)},
        {1: beside(ink(START), (0, 30)), 9: ink(GOAL)},
    ),
    "at other frames": (
        {1: paint(START), 9: paint(GOAL)},
        {1: ink(START), 8: ink(GOAL)},
    ),
}


@pytest.mark.parametrize("name", APART)
def test_layers_that_are_not_on_the_same_lines_go_their_own_way(name: str) -> None:
    builder = ShotBuilder(WIDTH, HEIGHT)
    below, above = APART[name]
    add(builder, "below", below, over_a_hill(builder))
    as_alone(add(builder, "above", above))


def three_layers() -> ShotBuilder:
    """Two paints around ink that goes on to frame 17, sketched on the way there."""
    builder = ShotBuilder(WIDTH, HEIGHT)
    add(builder, "paint", {1: faded(paint(START), 0.4), 9: faded(paint(GOAL), 0.8)})
    keys = {1: ink(START), 9: ink(GOAL), 17: ink(START)}
    add(builder, "ink", {frame: faded(key, 0.9) for frame, key in keys.items()},
        rough(builder, {13: ink(banana(0.2, 10 - 25j))}))  # fmt: skip
    shade = {1: paint(START, 140, material=11), 9: paint(GOAL, 140, material=11)}
    return add(builder, "shade", {frame: faded(key, 0.25) for frame, key in shade.items()})


def test_three_layers_go_together_as_long_as_all_have_keys() -> None:
    shown = ran(three_layers(), end=17)
    for frame in range(2, 9):
        shade, colour = (strokes_of(shown, name, frame) for name in ("shade", "paint"))
        assert apart_px(shown, frame) < 1.0
        assert np.max(KDTree(outlines(colour)).query(shade.points)[0]) < 1.0
        assert list(shade.layer_opacity) == [0.25]
        assert 0.4 < colour.layer_opacity[0] < 0.8
        assert strokes_of(shown, "ink", frame).layer_opacity == pytest.approx([0.9])
        materials = [list(strokes_of(shown, name, frame).material) for name in ("paint", "shade")]
        assert materials == [[3], [11]]
        assert sorted(strokes_of(shown, "ink", frame).material) == [7, 8, 9]


def test_progress_and_methods_of_layers_that_go_together_add_up() -> None:
    builder = three_layers()
    made, reports = motion_of(asked(builder, end=17), builder.blobs)
    steps, totals = zip(*reports, strict=True)
    assert set(totals) == {4 * 7}
    assert list(steps) == [0, 7, 14, 21, 28]
    assert made.methods == {
        "paint": ("strokes",),
        "ink": ("strokes", "sketch"),
        "shade": ("strokes",),
    }


def dots() -> list[Line]:
    return [line(np.array([[190.0 + 20 * n, 128.0]])) for n in range(3)]


def of_material(ring: np.ndarray, number: int) -> Drawing:
    return replace(drawing(paint(ring)), material=np.full(1, number, np.int32))


ODD: dict[str, Mapping[int, Drawing | list[Line]]] = {
    "nothing at first": {1: nothing(), 9: paint(GOAL)},
    "nothing at last": {1: paint(START), 9: nothing()},
    "dots at first": {1: dots(), 9: paint(GOAL)},
    "dots at last": {1: paint(START), 9: dots()},
    **{
        f"material {number}": {1: of_material(START, number), 9: of_material(GOAL, number)}
        for number in (-1, 1 << 16, 1 << 17, 2**31 - 1)
    },
}


@pytest.mark.parametrize("name", ODD)
def test_keys_that_cannot_be_taken_as_one_leave_the_others_alone(name: str) -> None:
    builder = add(ShotBuilder(WIDTH, HEIGHT), "odd", ODD[name])
    as_alone(add(builder, "ink", {1: ink(START), 9: ink(GOAL)}, over_a_hill(builder)))


def test_dots_among_the_ink_do_not_keep_it_off_the_paint() -> None:
    builder = ShotBuilder(WIDTH, HEIGHT)
    add(builder, "paint", {1: paint(START), 9: paint(GOAL)})
    add(builder, "ink", {1: ink(START) + dots(), 9: ink(GOAL) + dots()})
    shown = ran(builder)
    for frame in range(2, 9):
        tree = KDTree(outlines(strokes_of(shown, "paint", frame)))
        strokes = strokes_of(shown, "ink", frame)
        assert strokes.stroke_count == 6
        inked = np.repeat(strokes.material > 0, np.diff(strokes.offsets))
        assert np.max(tree.query(strokes.points[inked])[0]) < 1.0


def test_a_sketch_that_belongs_to_neither_is_told_of_its_own_layer_alone() -> None:
    zigzag = [line(np.array([[10.0 + i * 20, 20 + 15 * (i % 2)] for i in range(18)]))]
    bench = two_layers(on_ink=lambda bench: rough(bench, {5: zigzag}))
    warned = [warning for warning in ran(bench)[0].warnings if "nothing in common" in warning]
    assert len(warned) == 1
    assert warned[0].startswith('"ink"')
