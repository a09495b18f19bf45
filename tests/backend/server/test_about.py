"""A runtime's name changes with everything that could change a picture."""

from __future__ import annotations

import pytest

from backend.server import about
from backend.server.about import PICTURE_LIBRARIES, runtime_id


def test_equal_runtimes_have_equal_names() -> None:
    assert runtime_id("", ("cpu",)) == runtime_id("", ("cpu", "cpu"))
    assert runtime_id("", ("cuda:0",)) == runtime_id("", ("cuda:1",))


def test_another_device_kind_is_another_runtime() -> None:
    names = {runtime_id("", devices) for devices in (("cpu",), ("cuda:0",), ("cpu", "cuda:0"))}
    assert len(names) == 3


@pytest.mark.parametrize("library", PICTURE_LIBRARIES)
def test_another_version_of_a_picture_library_is_another_runtime(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = runtime_id("", ("cpu",))
    usual = about.metadata.version

    def changed(name: str) -> str:
        return usual(name) + (".1" if name == library else "")

    monkeypatch.setattr(about.metadata, "version", changed)
    assert runtime_id("", ("cpu",)) != before
