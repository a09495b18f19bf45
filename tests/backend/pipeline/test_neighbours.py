"""Promises of the keys around a gap: nearest first, and round and round in a cycle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backend.layer_motion.task import Neighbour
from backend.pipeline.artwork import Artwork
from backend.pipeline.neighbours import neighbours
from backend.pipeline.plan import make_plan
from shared.shot import ArrayRef, Key, Layer, Role
from shared.strokes import drawing_to_bytes
from tests.backend.layer_motion.strokes.puppet import drawing, puppet
from tests.backend.pipeline.shots import ShotBuilder

FRAMES = (1, 5, 9, 13, 17)


def around(poses: Callable[[int], float], gap: int) -> tuple[list[Neighbour], list[Neighbour]]:
    """What lies before and behind one gap of a puppet whose keys have these poses."""
    builder = ShotBuilder(384, 256)
    keys = tuple(
        Key(
            frame=frame,
            strokes=ArrayRef(blob=builder.blobs.put(drawing_to_bytes(drawing(puppet(poses(n)))))),
        )
        for n, frame in enumerate(FRAMES)
    )
    layer = Layer(name="pup", order=0, role=Role.ANIMATE, keys=keys)
    builder.layers.append(layer)
    request = builder.request(end=17)
    artwork, plan = Artwork(request, builder.blobs), make_plan(request)
    found = plan.layers[0].gaps[gap]
    before, behind = (neighbours(layer, found, artwork, ahead=ahead) for ahead in (False, True))
    return list(before), list(behind)


def test_a_gap_knows_up_to_three_keys_on_each_side_nearest_first() -> None:
    before, behind = around(lambda n: 0.2 * n, 1)
    assert [n.time for n in before] == [-1.0]
    assert [n.time for n in behind] == [2.0, 3.0]


def test_a_cycle_goes_round_on_both_sides() -> None:
    poses = (0.0, 0.3, 0.6, 0.3, 0.0)
    before, behind = around(lambda n: poses[n], 0)
    assert [n.time for n in before] == [-1.0, -2.0, -3.0]
    assert [n.time for n in behind] == [2.0, 3.0, 4.0]
    for neighbour, pose in zip(before, (0.3, 0.6, 0.3), strict=True):
        assert np.allclose(neighbour.strokes.points, drawing(puppet(pose)).points, atol=1e-3)
