"""Cartoon clips with exact masks, flow and tracks, of six kinds; bars and tests measure on them.

After the protocol of `spec/curation.md` 3.1: a backdrop with five houses, an inked character of
eleven parts and a ball, saved as JPEG of quality 85 so that nothing is cleaner than footage.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from curation.bench.easel import Part, Shape, box, capsule, draw, ellipse

BACKDROP, BALL, CHARACTER = 0, 1, 2
HEIGHT, WIDTH = 320, 512
FPS = 24.0
_BALL_PX = 26.0


@dataclass(frozen=True)
class Kind:
    """How the things of a clip move, in pixels and radians per frame.

    `stride`: the character's way; `swing`: how far its limbs turn to either side, once per `beat`
    frames. `hold`: each drawing stays for so many frames.
    """

    ball: float
    spin: float
    stride: float
    swing: float
    beat: float = 16.0
    pan: float = 0.0
    hold: int = 1
    ball_from: float = 70.0
    ball_height: float = 276.0
    character_from: float = 350.0
    sway: float = 0.0


KINDS = {
    "slow": Kind(ball=1.5, spin=0.01, stride=-1.6, swing=0.12, character_from=360),
    "mid": Kind(ball=12.6, spin=0.1, stride=-5.6, swing=0.45, ball_from=40, character_from=440),
    "fast": Kind(26.0, 0.1, -19.5, 0.35, ball_from=60, ball_height=192, character_from=410),
    "pan": Kind(ball=-4.0, spin=0.0, stride=-0.9, swing=0.03, pan=-4.0, ball_from=150),
    "twos": Kind(ball=4.0, spin=0.02, stride=-4.8, swing=0.35, hold=2, character_from=400),
    "new": Kind(ball=14.0, spin=0.02, stride=0.0, swing=0.03, ball_from=-100, sway=2.0),
}


@dataclass(frozen=True, eq=False)
class SyntheticClip:
    """A clip and its truth.

    frames  uint8 [frames, h, w, 3]
    things  uint8 [frames, h, w]: BACKDROP, BALL or CHARACTER
    parts   uint8 [frames, h, w], finer; `motion` float64 [parts, frames, 2, 3] moves each
    """

    kind: str
    frames: np.ndarray
    things: np.ndarray
    parts: np.ndarray
    motion: np.ndarray = field(repr=False)

    def flow(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Way of every pixel to the next frame, float64 [h, w, 2], and where it stays in sight."""
        y, x = np.mgrid[: self.parts.shape[1], : self.parts.shape[2]]
        points = np.stack([x + 0.5, y + 0.5], -1).reshape(-1, 2)
        part = self.parts[frame].ravel()
        after = self._moved(points, part, frame, frame + 1)
        seen = self._seen(after, part, frame + 1)
        shape = self.parts.shape[1:]
        return (after - points).reshape(*shape, 2), seen.reshape(shape)

    def follow(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where points [n, 2] of frame 0 go: float64 [n, frames, 2], and bool [n, frames] seen."""
        column, row = np.floor(points).astype(int).T
        part = self.parts[0][row, column]
        ways = [self._moved(points, part, 0, t) for t in range(len(self.frames))]
        seen = [self._seen(way, part, t) for t, way in enumerate(ways)]
        return np.stack(ways, 1), np.stack(seen, 1)

    def _moved(self, points: np.ndarray, part: np.ndarray, start: int, end: int) -> np.ndarray:
        before, after = self.motion[part, start], self.motion[part, end]
        own = np.linalg.solve(before[:, :, :2], (points - before[:, :, 2])[..., None])
        return (after[:, :, :2] @ own)[..., 0] + after[:, :, 2]

    def _seen(self, points: np.ndarray, part: np.ndarray, frame: int) -> np.ndarray:
        height, width = self.parts.shape[1:]
        column, row = np.floor(points).astype(int).T
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        found = self.parts[frame][row.clip(0, height - 1), column.clip(0, width - 1)]
        return inside & (found == part)


def make(kind: str, *, frames: int = 16, seed: int = 0) -> SyntheticClip:
    """The clip of one of `KINDS`; other seeds give other places and colours of one palette."""
    settings = KINDS[kind]
    rng = np.random.default_rng(seed)
    held = (np.arange(frames) // settings.hold) * settings.hold
    parts = [
        _backdrop(settings, held, rng if seed else np.random.default_rng(0)),
        _ball(settings, held, rng),
        *_character(settings, held, rng),
    ]
    drawn = [draw(parts, frame, HEIGHT, WIDTH) for frame in range(frames)]
    numbers = np.stack([part for _, part in drawn])
    things = np.array([part.thing for part in parts], np.uint8)[numbers]
    return SyntheticClip(
        kind,
        np.stack([_as_footage(picture) for picture, _ in drawn]),
        things,
        numbers,
        np.stack([part.motion for part in parts]),
    )


def _as_footage(picture: np.ndarray) -> np.ndarray:
    data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValueError("a picture did not survive JPEG")
    return np.ascontiguousarray(decoded[..., ::-1])


def _placed(angle: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Turn by `angle` and move to (x, y), float64 [frames, 2, 3]."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack(
        [np.stack([cos, -sin, x + 0 * cos], -1), np.stack([sin, cos, y + 0 * cos], -1)], 1
    )


def _chained(parent: np.ndarray, child: np.ndarray) -> np.ndarray:
    """The motion of a child within its parent, [frames, 2, 3]."""
    turn = parent[:, :, :2] @ child[:, :, :2]
    shift = (parent[:, :, :2] @ child[:, :, 2:]) + parent[:, :, 2:]
    return np.concatenate([turn, shift], 2)


def _backdrop(kind: Kind, held: np.ndarray, rng: np.random.Generator) -> Part:
    sky = [(172, 206, 236), (236, 206, 172), (188, 196, 226), (206, 222, 214)][rng.integers(4)]
    shapes = [
        Shape(box(-700, -50, 1300, 400), sky, 0),
        Shape(ellipse(120, 260, 260, 110), (126, 168, 132), 0),
        Shape(ellipse(560, 270, 330, 130), (112, 156, 124), 0),
        Shape(box(-700, 232, 1300, 400), (158, 178, 112), 0),
        Shape(ellipse(90, 60, 52, 17), (240, 244, 248), 0),
        Shape(ellipse(330, 44, 70, 20), (240, 244, 248), 0),
    ]
    for index in range(5):
        shapes += _house(20 + 128 * index + rng.uniform(-14, 14), rng)
    shift = kind.pan * held.astype(np.float64)
    return Part(BACKDROP, tuple(shapes), _placed(0 * shift, shift, 0 * shift))


def _house(x: float, rng: np.random.Generator) -> list[Shape]:
    walls = [(214, 190, 158), (196, 160, 148), (226, 214, 190), (180, 178, 176)]
    roofs = [(164, 76, 62), (96, 84, 110), (140, 96, 60)]
    width, tall = rng.uniform(62, 88), rng.uniform(54, 92)
    base = 244.0
    roof = np.array(
        [[x - 8, base - tall], [x + width / 2, base - tall - 34], [x + width + 8, base - tall]]
    )
    shapes = [
        Shape(box(x, base - tall, x + width, base), walls[rng.integers(4)]),
        Shape(roof, roofs[rng.integers(3)]),
        Shape(box(x + width * 0.42, base - 32, x + width * 0.62, base), (98, 70, 52)),
    ]
    for side in (0.1, 0.68):
        left = x + width * side
        shapes.append(Shape(box(left, base - 48, left + 15, base - 32), (122, 160, 190), 1.2))
    return shapes


def _ball(kind: Kind, held: np.ndarray, rng: np.random.Generator) -> Part:
    x = kind.ball_from + kind.ball * held + rng.uniform(-6, 6)
    y = np.full(len(held), kind.ball_height + rng.uniform(-3, 3))
    shapes = (
        Shape(ellipse(0, 0, _BALL_PX, _BALL_PX), (222, 70, 52), 2.0),
        Shape(ellipse(0, 0, _BALL_PX - 1, _BALL_PX - 1, 20, 80), (246, 226, 90), 1.0),
        Shape(ellipse(0, 0, _BALL_PX - 1, _BALL_PX - 1, 200, 260), (246, 226, 90), 1.0),
    )
    return Part(BALL, shapes, _placed(kind.spin * held, x, y))


def _character(kind: Kind, held: np.ndarray, rng: np.random.Generator) -> list[Part]:
    """Eleven parts: two legs and arms of two limbs each, trunk, head and hair."""
    coat = [(70, 96, 168), (150, 60, 110), (60, 130, 110)][rng.integers(3)]
    skin, trousers, hair = (244, 206, 176), (74, 66, 92), (104, 62, 40)
    sleeve = (coat[0] + 26, coat[1] + 26, coat[2] + 26)
    phase = 2 * np.pi * held / kind.beat
    swing = kind.swing * np.sin(phase)
    x = kind.character_from + kind.stride * held + kind.sway * np.sin(phase) + rng.uniform(-8, 8)
    root = _placed(0.1 * swing, x, 190.0 + 6 * kind.swing * np.cos(2 * phase))

    def limb(joint: tuple[float, float], turn: np.ndarray, parent: np.ndarray) -> np.ndarray:
        at = np.ones(len(held))
        return _chained(parent, _placed(turn, joint[0] * at, joint[1] * at))

    def pair(
        joint: tuple[float, float],
        turn: np.ndarray,
        bend: np.ndarray,
        sizes: tuple[float, ...],
        colours: tuple[tuple[int, int, int], ...],
    ) -> list[Part]:
        upper = limb(joint, turn, root)
        lower = limb((0.0, sizes[0]), bend, upper)
        return [
            Part(CHARACTER, (Shape(capsule(sizes[2], sizes[3]), colours[1]),), lower),
            Part(CHARACTER, (Shape(capsule(sizes[0], sizes[1]), colours[0]),), upper),
        ]

    trunk = np.array([[-24, -58], [24, -58], [20, 24], [-20, 24]], np.float64)
    face = (
        Shape(ellipse(0, -24, 25, 28), skin),
        Shape(ellipse(-15, -22, 4, 6), (40, 36, 60), 0),
        Shape(ellipse(2, -22, 4, 6), (40, 36, 60), 0),
        Shape(ellipse(-8, -8, 5, 2), (170, 70, 70), 0),
    )
    top = np.vstack([ellipse(2, -34, 29, 26, 180, 360)[:-1], [[26, -18], [12, -36], [-22, -34]]])
    nod = limb((0.0, -58.0), 0.3 * swing, root)
    arm, leg = (38.0, 15.0, 34.0, 12.0), (42.0, 20.0, 40.0, 16.0)
    return [
        *pair((18, -48), -1.1 * swing - 0.25, 0.4 * swing - 0.2, arm, (sleeve, skin)),
        *pair((10, 18), -swing, 0.3 * swing, leg, (trousers, (60, 54, 74))),
        *pair((-10, 18), swing, -0.3 * swing, leg, (trousers, (60, 54, 74))),
        Part(CHARACTER, (Shape(trunk, coat),), root),
        Part(CHARACTER, face, nod),
        Part(CHARACTER, (Shape(top, hair),), nod),
        *pair((-18, -48), 1.1 * swing + 0.25, 0.4 * swing + 0.2, arm, (sleeve, skin)),
    ]
