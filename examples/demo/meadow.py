"""The demo's painted background: an evening meadow with hills, a path, a house and trees.

Called by `scene`. Painted well beyond the 512x320 frame, so that wider cameras and overscan show
painting and not the void.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .ink import Dots, Stroke, curve, ellipse, outline, path, pen, shape

LEFT, RIGHT, TOP, BOTTOM = -150.0, 662.0, -90.0, 410.0
_SKY = ("#7fb6d6", "#95c3d8", "#aed0d6", "#c9dccf", "#e2e4c4", "#f5e3b5", "#fbd9a4")
_BARK = "#6b4a41"


def meadow() -> list[Stroke]:
    """All strokes of the background, in painting order."""
    return [
        *_sky(),
        *_sun(),
        *_clouds(),
        *_hills(),
        *_house(),
        *_far_trees(),
        *_ground(),
        *_path(),
        *_near_tree(),
        *_grass(),
        *_flowers(),
    ]


def _land(dots: Dots, fill: str, bottom: float) -> Stroke:
    """What lies below a smooth skyline, down to where something nearer covers it.

    Painting further would cost: without a GPU every covered pixel is drawn all the same.
    """
    top = curve(dots, 60)
    return outline(np.concatenate([top, [[RIGHT, bottom], [LEFT, bottom]]]), fill, None)


def _sky() -> list[Stroke]:
    edges = [TOP, 12, 48, 82, 112, 138, 162, 176]
    bands = []
    for index, colour in enumerate(_SKY):
        wave = 4.0 if index else 0.0
        x = np.linspace(LEFT, RIGHT, 24)
        y = edges[index] + wave * np.sin(x / 70.0 + index * 1.7)
        bands.append(
            _land(list(zip(x.tolist(), y.tolist(), strict=True)), colour, edges[index + 1] + 8)
        )
    return bands


def _sun() -> list[Stroke]:
    rings = [(62, "#fff3c022"), (46, "#fff3c03a"), (33, "#fff6d26a"), (22, "#fff8e0ff")]
    return [ellipse((118, 112), (r, r), colour, count=48) for r, colour in rings]


def _clouds() -> list[Stroke]:
    puffs = [
        path("20,62 34,50 54,46 70,34 96,36 108,48 132,50 142,62 82,66"),
        path("352,96 372,84 392,86 408,76 430,80 444,92 470,96 410,101"),
        path("228,32 246,24 262,25 276,17 296,22 306,31 266,35"),
        path("500,50 520,38 544,40 566,28 590,40 600,52 550,56"),
        path("-120,96 -96,82 -70,84 -48,76 -26,88 -14,98 -70,102"),
    ]
    strokes = []
    for dots in puffs:
        below = [(x, y + 5.0) for x, y in dots]
        strokes += [shape(below, "#e8cfbf90", None), shape(dots, "#fff7e8d8", None)]
    return strokes


def _hills() -> list[Stroke]:
    far = [
        (LEFT, 178),
        (-60, 150),
        (30, 168),
        (110, 140),
        (200, 166),
        (290, 138),
        (380, 160),
        (450, 132),
        (540, 158),
        (RIGHT, 140),
    ]
    middle = [
        (LEFT, 190),
        (-20, 186),
        (70, 176),
        (170, 190),
        (260, 172),
        (350, 182),
        (440, 166),
        (540, 184),
        (RIGHT, 176),
    ]
    near = [
        (LEFT, 214),
        (0, 200),
        (90, 204),
        (180, 210),
        (270, 200),
        (360, 204),
        (450, 192),
        (540, 200),
        (RIGHT, 206),
    ]
    return [
        _land(far, "#9fbcb4", 196),
        _land(middle, "#8db38f", 216),
        _land(near, "#84ad70", 226),
    ]


def _house() -> list[Stroke]:
    wall = path("398,196 398,164 432,164 432,196")
    side = path("432,196 432,164 446,150 460,164 460,196")
    roof = path("392,166 406,148 446,148 432,166")
    gable = path("432,166 446,147 463,166 459,167 446,153 434,168")
    chimney = path("414,151 414,138 422,138 422,151")
    line = "#5a3d3f"
    parts = [
        (chimney, "#a8685a"),
        (wall, "#f3e0c0"),
        (side, "#e2c59d"),
        (roof, "#c4604a"),
        (gable, "#a94c3f"),
    ]
    strokes = [_plank(dots, fill, line) for dots, fill in parts]
    window, door = (
        path("408,184 408,174 419,174 419,184"),
        path("441,196 441,178 451,178 451,196"),
    )
    strokes += [_plank(window, "#ffd987", line), _plank(door, "#7d5346", line)]
    strokes += [
        pen([(413.5, 174), (413.5, 184)], line, count=6, width=0.6),
        pen([(408, 179), (419, 179)], line, count=6, width=0.6),
    ]
    smoke = path("420,134 426,124 420,114 428,102")
    return [*strokes, pen(smoke, "#fff7e8a0", width=3.0)]


def _plank(dots: Dots, fill: str, line: str) -> Stroke:
    """A straight-edged shape: corners stay corners."""
    corners = np.asarray([*dots, dots[0]], float)
    sides = [np.linspace(corners[i], corners[i + 1], 8, endpoint=False) for i in range(len(dots))]
    return outline(np.concatenate(sides), fill, line, width=0.55)


def _far_trees() -> list[Stroke]:
    strokes: list[Stroke] = []
    places = [
        (476, 194, 1.0),
        (494, 198, 0.8),
        (382, 200, 0.75),
        (16, 204, 0.9),
        (38, 206, 0.7),
        (292, 203, 0.6),
        (306, 204, 0.75),
        (560, 204, 1.0),
        (-60, 206, 1.0),
        (600, 206, 0.8),
    ]
    for x, y, size in places:
        trunk = [
            (x - 2 * size, y),
            (x - 1.5 * size, y - 14 * size),
            (x + 1.5 * size, y - 14 * size),
            (x + 2 * size, y),
        ]
        crown = [
            (x - 13 * size, y - 14 * size),
            (x - 12 * size, y - 26 * size),
            (x, y - 42 * size),
            (x + 12 * size, y - 26 * size),
            (x + 13 * size, y - 14 * size),
            (x, y - 9 * size),
        ]
        light = [(cx - 2.5 * size + (cx - x) * -0.35, cy - 4 * size) for cx, cy in crown]
        strokes += [
            shape(trunk, _BARK, None, count=24),
            shape(crown, "#55865f", "#38604c", count=40, width=0.6),
            shape(light, "#6c9c66", None, count=32),
        ]
    return strokes


def _ground() -> list[Stroke]:
    back = [(LEFT, 224), (-20, 216), (110, 220), (256, 212), (400, 214), (520, 206), (RIGHT, 214)]
    front = [(LEFT, 250), (0, 246), (130, 238), (260, 242), (390, 236), (520, 240), (RIGHT, 234)]
    last = [(LEFT, 300), (0, 294), (140, 286), (280, 290), (420, 282), (540, 288), (RIGHT, 284)]
    return [
        _land(back, "#a3c069", 252),
        _land(front, "#8fb558", 302),
        _land(last, "#7aa44d", BOTTOM),
    ]


def _path() -> list[Stroke]:
    road = path(
        "440,199 430,206 398,216 384,228 402,244 424,262 410,290 372,330 330,400 "
        "520,400 500,330 492,288 474,258 436,240 418,228 428,216 448,206 449,199"
    )
    edge = path("402,244 424,262 410,290 372,330 330,400")
    stones = [(444, 262, 6), (462, 292, 8), (430, 312, 7), (430, 240, 4), (410, 226, 3)]
    pebbles = [ellipse((x, y), (r, r * 0.45), "#cfae80") for x, y, r in stones]
    return [
        shape(road, "#e6cd9c", None, count=120),
        *pebbles,
        pen(edge, "#c9a878", count=40, width=1.2),
    ]


def _near_tree() -> list[Stroke]:
    trunk = path("18,262 30,240 34,190 30,120 20,60 64,60 62,120 64,190 72,238 92,262 54,256")
    line = "#4a3034"
    bark = [
        [(44, 240), (42, 200), (46, 160)],
        [(56, 226), (54, 190), (55, 170)],
        [(38, 150), (36, 120), (38, 100)],
    ]
    crowns = [
        (
            path("-70,40 -56,8 -20,-22 30,-34 84,-26 112,2 118,34 96,62 60,74 20,70 -24,76 -58,66"),
            "#4c7d57",
            line,
        ),
        (
            path("-56,24 -30,-8 20,-24 70,-16 98,10 100,32 70,48 28,46 -14,54 -46,46"),
            "#5f9260",
            None,
        ),
        (
            path("-30,10 -2,-10 36,-14 72,-2 84,16 62,28 28,24 -6,32"),
            "#7aa866",
            None,
        ),
    ]
    leaves = [
        [(70, 58), (78, 64), (88, 60)],
        [(6, 60), (14, 66), (24, 62)],
        [(96, 36), (104, 40), (110, 34)],
    ]
    return [
        shape(trunk, "#7d5649", line, count=80),
        *[pen(dots, line, width=0.9) for dots in bark],
        *[shape(dots, fill, edge, count=90) for dots, fill, edge in crowns],
        *[pen(dots, "#3d6a4c", width=0.9) for dots in leaves],
    ]


def _grass() -> list[Stroke]:
    return [blade for x, y, size, colour in _tufts() for blade in _tuft(x, y, size, colour)]


def _tufts() -> Iterator[tuple[float, float, float, str]]:
    rng = np.random.default_rng(7)
    for row, (y, size, colour, count) in enumerate(
        [(236, 6.0, "#7fa64f", 16), (262, 9.0, "#6c9648", 14), (302, 14.0, "#557f3f", 14)]
    ):
        for x in np.linspace(LEFT + 20, RIGHT - 20, count) + rng.uniform(-22, 22, count):
            if not 372 < x < 506:
                yield float(x), y + float(rng.uniform(-5, 5)) + row, size, colour


def _tuft(x: float, y: float, size: float, colour: str) -> list[Stroke]:
    leans = (-0.7, -0.2, 0.25, 0.75)
    return [
        pen(
            [
                (x + 3 * lean, y),
                (x + 4 * lean, y - 0.6 * size),
                (x + size * lean, y - size * (1.2 - 0.4 * abs(lean))),
            ],
            colour,
            count=10,
            width=1.0,
        )
        for lean in leans
    ]


def _flowers() -> list[Stroke]:
    rng = np.random.default_rng(11)
    strokes: list[Stroke] = []
    for _ in range(34):
        x, y = float(rng.uniform(LEFT + 20, RIGHT - 20)), float(rng.uniform(248, 330))
        if 360 < x < 512 or (160 < x < 270 and y < 280):
            continue
        colour = ("#f7f0dc", "#f2b8c0", "#f6d365")[int(rng.integers(3))]
        strokes += [
            ellipse((x, y), (1.9, 1.5), colour, count=12),
            ellipse((x, y), (0.7, 0.6), "#d98a3a", count=8),
        ]
    return strokes
