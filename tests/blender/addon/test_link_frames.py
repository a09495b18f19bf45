"""Orders and reports between Blender and its link: whole, torn, too large or not ours at all."""

from __future__ import annotations

import dataclasses
import os
import random
import struct
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

pytest.importorskip("bpy")

from tests.blender.addon.conftest import Part

pytestmark = pytest.mark.blender


def _orders(part: Part) -> list[Any]:
    """One of every kind, with every field filled."""
    orders, note = part("link.orders"), _note(part)
    target = orders.Target("tcp://127.0.0.1:5577", Path("secret"))
    return [
        orders.Surroundings({"ACETATE_SERVER": "tcp://127.0.0.1:1"}),
        orders.Connect(target, 2.5, 7),
        orders.StartServer(("acetate", "serve"), Path("a.log"), target, 8),
        orders.StopServer(9),
        orders.Disconnect(10),
        orders.Send(Path("takes/take_001"), note),
        orders.Follow(Path("Aufnahmen/ä/take_002"), note),
        orders.Stop(note.key),
        orders.Survey(Path("takes"), "shot.blend", "Scène"),
        orders.Halt(stop_server=False),
    ]


def _reports(part: Part) -> list[Any]:
    """One of every kind, with every field filled."""
    orders, jobs, link = part("link.orders"), part("link.jobs"), part("link.connection")
    error = part("shared.errors").AcetateError("disk", detail="full").to_dict()
    facts = link.ServerFacts("127.0.0.1:5577", "0.1.0", "cpu", ("layer-motion", "mini"))
    news = jobs.JobNews(jobs.JobState.RUNNING, "ab", "step", 1, 2, 3.5, 4, "mini", 5, error)
    row = part("takes.library").TakeRow(
        Path("takes/take_001"), _note(part), 7, "mini", -2, 9, 3, ("one", "two")
    )
    survey = orders.Survey(Path("takes"), "shot.blend", "Scene")
    return [
        orders.ConnectionReport(link.Signal.GREETED, facts, error, 3),
        orders.JobReport("k", news),
        orders.PreviewReport("k", 2, Path("takes/take_001/preview.png")),
        orders.TakeReport("k", row),
        orders.SurveyReport(survey, (row, row), (_note(part),)),
    ]


def _note(part: Part) -> Any:  # noqa: ANN401 (a class of the installed extension)
    return part("takes.library").TakeNote("0" * 32, 1, 5, "job", "shot.blend", "Scène")


def _both_ways(part: Part) -> list[tuple[list[Any], Any]]:
    frames = part("link.frames")
    return [(_orders(part), frames.order_frames()), (_reports(part), frames.report_frames())]


def test_every_kind_of_order_and_report_is_tried_here(part: Part) -> None:
    orders = part("link.orders")
    assert {type(one) for one in _orders(part)} == set(get_args(orders.Order))
    assert {type(one) for one in _reports(part)} == set(get_args(orders.Report))


def test_every_order_and_report_arrives_as_it_was_sent(part: Part) -> None:
    for messages, frames in _both_ways(part):
        for message in messages:
            frames.feed(part("link.frames").encode(message))
            assert frames.take() == message
        assert frames.take() is None
        assert not frames.is_torn


def test_frames_torn_in_pieces_and_frames_in_one_lump_arrive_whole(part: Part) -> None:
    for messages, frames in _both_ways(part):
        lump = b"".join(part("link.frames").encode(message) for message in messages)
        arrived = []
        for byte in lump:
            frames.feed(bytes([byte]))
            if (message := frames.take()) is not None:
                arrived.append(message)
        assert arrived == messages
        frames.feed(lump + lump[:-1])
        assert [frames.take() for _ in messages] == messages
        assert [frames.take() for _ in messages] == [*messages[:-1], None]
        assert frames.is_torn


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has paths that are not text")
def test_a_path_that_is_not_text_arrives_too(part: Part) -> None:
    frames = part("link.frames").order_frames()
    survey = part("link.orders").Survey(Path(os.fsdecode(b"takes\xff")), "shot.blend", "Scene")
    frames.feed(part("link.frames").encode(survey))
    assert frames.take() == survey


def test_a_frame_over_the_limit_is_neither_sent_nor_read(part: Part) -> None:
    frames, errors = part("link.frames"), part("shared.errors")
    with pytest.raises(errors.AcetateError, match="E900") as raised:
        frames.encode(part("link.orders").Stop("x" * frames.MAX_FRAME_BYTES))
    assert "Stop of" in raised.value.detail
    for _, reading in _both_ways(part):
        reading.feed(struct.pack(">I", frames.MAX_FRAME_BYTES + 1))
        with pytest.raises(errors.AcetateError, match="a frame of"):
            reading.take()


def test_what_cannot_be_written_is_an_error_that_names_it(part: Part) -> None:
    errors, orders = part("shared.errors"), part("link.orders")
    for message in (orders.Stop("\udcff"), orders.Stop(object())):
        with pytest.raises(errors.AcetateError, match="the link's pipe: Stop"):
            part("link.frames").encode(message)


def test_unknown_and_damaged_frames_are_errors_and_never_something_else(part: Part) -> None:
    errors, chance = part("shared.errors").AcetateError, random.Random(3)
    good = part("link.frames").encode(part("link.orders").Halt())[4:]
    bodies = [b"", b"\xc0", b"\x81\xa4type\xa7Launch!", good[:-1], good.replace(b"Halt", b"Hold")]
    bodies += [chance.randbytes(chance.randrange(1, 60)) for _ in range(300)]
    for body in bodies:
        for _, frames in _both_ways(part):
            frames.feed(struct.pack(">I", len(body)) + body)
            with pytest.raises(errors, match="the link's pipe"):
                frames.take()


def test_a_report_is_no_order_and_an_order_is_no_report(part: Part) -> None:
    errors = part("shared.errors").AcetateError
    (orders, order_frames), (reports, report_frames) = _both_ways(part)
    for messages, frames in ((orders, report_frames), (reports, order_frames)):
        frames.feed(part("link.frames").encode(messages[0]))
        with pytest.raises(errors, match="the link's pipe"):
            frames.take()


def test_a_row_stays_small_whatever_the_manifest_says(part: Part) -> None:
    library = part("takes.library")
    result = part("shared.result")
    manifest = result.ResultManifest(
        request_sha256="0" * 64,
        engine="e" * 10**6,
        width=8,
        height=8,
        fps=24.0,
        start=1,
        end=1,
        layers=(),
        composite=("0" * 64,),
        seed=2**70,
        warnings=("w" * 10**6,) * 1000,
    )
    row = library.row_of(library.Take(Path("take_001"), _note(part), manifest))
    assert len(part("link.frames").encode(part("link.orders").TakeReport("k", row))) < 2**17
    assert dataclasses.is_dataclass(row)
