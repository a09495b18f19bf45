"""Ctrl-C is not lost, whoever swallows the exception that it raises."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import backend.pipeline.artwork
import backend.pipeline.output_folder
from backend.cli.interruption import Interruption
from backend.cli.main import main
from shared.errors import ExitCode
from shared.package import pack
from shared.pictures import decode_png
from tests.backend.pipeline.shots import ShotBuilder, walking_disc


@pytest.fixture(autouse=True)
def nobody_else_listens() -> Iterator[None]:
    """Ray, started by tests before in the same process, leaves a handler of its own for SIGTERM."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def test_a_swallowed_interruption_is_still_known() -> None:
    with Interruption() as interruption:
        interruption.check()
        with contextlib.suppress(KeyboardInterrupt):
            interrupt()
        with pytest.raises(KeyboardInterrupt):
            interruption.check()


def test_an_error_after_an_interruption_is_an_interruption() -> None:
    def half_import() -> None:
        try:
            interrupt()
        except KeyboardInterrupt as error:
            raise RuntimeError from error

    with pytest.raises(KeyboardInterrupt) as caught, Interruption():
        half_import()
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_an_error_without_an_interruption_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError), Interruption():
        raise RuntimeError


def test_what_a_farm_sends_is_an_interruption_where_it_was_asked_for() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), Interruption(signal.SIGTERM) as interruption:
        signal.raise_signal(signal.SIGTERM)
    assert interruption.noted
    assert signal.getsignal(signal.SIGTERM) is before


def test_nested_ones_all_hear_of_it_and_the_handler_before_comes_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as outer, Interruption() as inner:
        with pytest.raises(KeyboardInterrupt):
            interrupt()
        assert outer.noted
        assert inner.noted
    assert signal.getsignal(signal.SIGINT) is before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            interrupt()
            assert not interruption.noted
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_leaves_the_handler_alone() -> None:
    seen: list[object] = []

    def enter() -> None:
        with Interruption():
            seen.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.parametrize("hidden_by", [None, RuntimeError])
def test_generate_ends_though_a_library_hides_the_interruption(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hidden_by: type[Exception] | None,
) -> None:
    def interrupted_within(data: bytes) -> object:
        try:
            interrupt()
        except KeyboardInterrupt as error:
            if hidden_by is not None:
                raise hidden_by from error
        return decode_png(data)

    builder = walking_disc(ShotBuilder(width=64, height=48).plate(), "disc")
    package = tmp_path / "shot.zip"
    package.write_bytes(pack(builder.request(), builder.blobs))
    monkeypatch.setattr(backend.pipeline.artwork, "decode_png", interrupted_within)
    assert main(["generate", str(package), "-o", str(tmp_path / "out")]) == ExitCode.INTERRUPTED
    assert "nothing half-written" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_farm_that_ends_a_run_finds_no_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    builder = walking_disc(ShotBuilder(width=64, height=48).plate(), "disc")
    package = tmp_path / "shot.zip"
    package.write_bytes(pack(builder.request(), builder.blobs))
    monkeypatch.setattr(backend.pipeline.output_folder, "contact_sheet", ended)
    assert main(["generate", str(package), "-o", str(tmp_path / "out")]) == ExitCode.INTERRUPTED
    assert list(tmp_path.iterdir()) == [package]
