"""The states of connection and job, pair by pair: pure data, no server and no scene."""

from __future__ import annotations

from itertools import product

import pytest

pytest.importorskip("bpy")

from tests.blender.addon.conftest import Part

pytestmark = pytest.mark.blender


def test_every_connection_state_can_be_left_by_connecting_and_by_closing(part: Part) -> None:
    link = part("link.connection")
    for state in link.Connection:
        assert link.after(state, link.Signal.CONNECT) is link.Connection.CONNECTING
        assert link.after(state, link.Signal.CLOSED) is link.Connection.OFF


def test_every_busy_connection_state_ends_whatever_the_server_does(part: Part) -> None:
    link = part("link.connection")
    ends = {link.Signal.GREETED, link.Signal.GAVE_UP, link.Signal.CLOSED}
    for state in link.BUSY:
        assert any(link.after(state, signal) not in link.BUSY for signal in ends)


def test_late_news_of_a_connection_changes_nothing(part: Part) -> None:
    link = part("link.connection")
    for signal in (link.Signal.DROPPED, link.Signal.SLOW, link.Signal.GAVE_UP):
        assert link.after(link.Connection.OFF, signal) is link.Connection.OFF
    assert link.after(link.Connection.LOST, link.Signal.GREETED) is link.Connection.READY


def test_every_connection_state_has_an_icon_and_a_short_text(part: Part) -> None:
    link = part("link.connection")
    facts = link.ServerFacts("127.0.0.1:5577", "0.1.0", "cpu")
    for state in link.Connection:
        assert link.icon(state)
        assert 0 < len(link.text(state, facts)) <= 60


def test_a_terminal_job_state_is_final(part: Part) -> None:
    jobs = part("link.jobs")
    view = jobs.JobView(key="k", take="take_001", number=1)
    for end, news in product(jobs.TERMINAL, jobs.JobState):
        over = jobs.JobView(key="k", take="take_001", number=1, state=end)
        assert jobs.after(over, jobs.JobNews(state=news)) == over
    assert not view.is_over


def test_every_job_state_reaches_an_end_and_may_be_cancelled(part: Part) -> None:
    jobs = part("link.jobs")
    for state in set(jobs.JobState) - jobs.TERMINAL:
        assert jobs.ALLOWED[state] & jobs.TERMINAL
        assert jobs.JobState.CANCELLED in jobs.ALLOWED[state]
        assert jobs.JobState.FAILED in jobs.ALLOWED[state]
        assert jobs.JobState.LOST in jobs.ALLOWED[state]


def test_old_news_never_rolls_a_job_back(part: Part) -> None:
    jobs = part("link.jobs")
    view = jobs.JobView(key="k", take="t", number=1, state=jobs.JobState.RUNNING, seq=5)
    assert jobs.after(view, jobs.JobNews(state=jobs.JobState.QUEUED, seq=4)) == view
    back = jobs.after(view, jobs.JobNews(state=jobs.JobState.QUEUED, seq=6))
    assert back.state is jobs.JobState.QUEUED  # a killed worker sends the job back in line


def test_a_job_survives_its_record_and_damaged_records_count_as_none(part: Part) -> None:
    jobs = part("link.jobs")
    view = jobs.JobView(
        key="k", take="take_002", number=2, seed=9, job="abcd", state=jobs.JobState.RUNNING, seq=3
    )
    assert jobs.from_record(jobs.to_record(view)) == view
    for damaged in (None, [], {}, {"state": "running"}, {"state": "no", "key": "k"}, "text"):
        assert jobs.from_record(damaged) is None
    for field, value in (
        ("seed", {}),
        ("number", -1),
        ("seq", 2**64),
        ("key", "\ud800"),
        ("job", 3),
    ):
        assert jobs.from_record({**jobs.to_record(view), field: value}) is None
    for text in ("", "{", "7", '[{"state": 1}]'):
        assert part("session").read_records(text) == []


def test_a_job_without_a_server_id_is_lost_after_a_crash_and_one_with_it_is_not(
    part: Part,
) -> None:
    jobs = part("link.jobs")
    unsent = jobs.JobView(key="k", take="t", number=1)
    assert jobs.recoverable(unsent).state is jobs.JobState.LOST
    sent = jobs.JobView(key="k", take="t", number=1, job="abcd")
    assert jobs.recoverable(sent).state is jobs.JobState.QUEUED


def test_every_job_state_has_a_text_and_estimates_are_rounded(part: Part) -> None:
    jobs = part("link.jobs")
    for state in jobs.JobState:
        view = jobs.JobView(key="k", take="t", number=3, state=state, done=2, total=9, eta_s=38.0)
        assert 0 < len(jobs.text(view)) <= 60
    running = jobs.JobView(
        key="k", take="t", number=3, state=jobs.JobState.RUNNING, done=12, total=50, eta_s=38.0
    )
    assert jobs.text(running) == "Step 12/50 · about 0:40 left"
    waiting = [
        jobs.text(
            jobs.JobView(key="k", take="t", number=3, state=jobs.JobState.QUEUED, position=place)
        )
        for place in (1, 2, 3)
    ]
    assert waiting == ["Next in line", "1 job before this one", "2 jobs before this one"]


def test_the_gap_at_the_playhead_is_found_on_and_between_keys(part: Part) -> None:
    settings = part("shot_settings")
    keys = [1, 9, 17]
    found = [settings.gap_at(keys, frame) for frame in (0, 1, 5, 9, 16, 17, 18)]
    assert found == [None, (1, 9), (1, 9), (9, 17), (9, 17), (9, 17), None]
    assert settings.gap_at([4], 4) is None
    nearest = [settings.next_gap(keys, frame) for frame in (-5, 5, 30)]
    assert nearest == [(1, 9), (9, 17), (9, 17)]
