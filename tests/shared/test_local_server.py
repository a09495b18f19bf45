"""Addresses, and how a server of this computer is found."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from backend.server.announce import announce, lock_data_dir
from shared.errors import AcetateError
from shared.local_server import (
    address_port,
    find_local_server,
    is_alive,
    normal_address,
    read_announcement,
    read_secret,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("5577", "tcp://127.0.0.1:5577"),
        ("localhost:1", "tcp://127.0.0.1:1"),
        ("tcp://127.0.0.1:5577", "tcp://127.0.0.1:5577"),
        ("127.0.0.9:80", "tcp://127.0.0.9:80"),
        ("tcp://[::1]:99", "tcp://[::1]:99"),
    ],
)
def test_an_address_has_one_normal_form(text: str, address: str) -> None:
    assert normal_address(text) == address
    assert address_port(address) == int(address.rsplit(":", 1)[1])


@pytest.mark.parametrize("text", ["0.0.0.0:5577", "10.0.0.1:5577", "example.org:1", "[::]:1"])
def test_only_this_computer_is_spoken_to(text: str) -> None:
    with pytest.raises(AcetateError) as caught:
        normal_address(text)
    assert caught.value.code == "E207"


@pytest.mark.parametrize("text", ["", "x", "127.0.0.1", "127.0.0.1:99999", "ipc:///x", "1:2:3"])
def test_what_is_no_address_is_a_usage_error(text: str) -> None:
    with pytest.raises(AcetateError) as caught:
        normal_address(text)
    assert caught.value.name in ("usage", "not_loopback")


def test_a_server_is_found_with_a_secret_that_only_its_owner_reads(tmp_path: Path) -> None:
    made = announce("tcp://127.0.0.1:5000", "1.2", tmp_path / "run")
    found = find_local_server(folder=tmp_path / "run")
    assert found is not None
    assert (found.address, found.pid, found.version) == ("tcp://127.0.0.1:5000", os.getpid(), "1.2")
    assert read_secret(found.secret_file) == made.secret
    assert stat.S_IMODE(found.secret_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(found.secret_file.parent.stat().st_mode) == 0o700
    made.withdraw()
    assert find_local_server(folder=tmp_path / "run") is None


def test_every_start_has_a_new_secret(tmp_path: Path) -> None:
    secrets = {announce("tcp://127.0.0.1:5000", "1", tmp_path).secret for _ in range(3)}
    assert len(secrets) == 3


def test_the_announcement_of_a_dead_server_is_ignored(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert not is_alive(process.pid)
    document = {"address": "tcp://127.0.0.1:5000", "pid": process.pid}
    (tmp_path / "server.json").write_text(json.dumps(document))
    assert find_local_server(folder=tmp_path) is None


def test_a_second_server_leaves_the_first_ones_secret_alone(tmp_path: Path) -> None:
    first = announce("tcp://127.0.0.1:5000", "1", tmp_path)
    second = announce("tcp://127.0.0.1:5001", "1", tmp_path)
    assert read_secret(tmp_path / "secret") == first.secret
    found = find_local_server("tcp://127.0.0.1:5001", tmp_path)
    assert found is not None
    assert read_secret(found.secret_file) == second.secret


@pytest.mark.parametrize("text", ["", "{", "[]", '{"address": "tcp://10.0.0.1:1", "pid": 1}'])
def test_a_damaged_announcement_is_ignored(tmp_path: Path, text: str) -> None:
    (tmp_path / "server.json").write_text(text)
    assert find_local_server(folder=tmp_path) is None


def test_two_servers_cannot_share_a_data_folder(tmp_path: Path) -> None:
    held = lock_data_dir(tmp_path)
    with pytest.raises(AcetateError) as caught:
        lock_data_dir(tmp_path)
    assert caught.value.name == "data_busy"
    held.close()
    lock_data_dir(tmp_path).close()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owner id here")
def test_an_announcement_in_somebody_elses_folder_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce("tcp://127.0.0.1:5000", "1", tmp_path)
    announce("tcp://127.0.0.1:5001", "1", tmp_path)
    assert read_announcement(tmp_path) is not None
    stranger = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    assert read_announcement(tmp_path) is None
    for address in (None, "tcp://127.0.0.1:5000", "tcp://127.0.0.1:5001"):
        assert find_local_server(address, tmp_path) is None


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_an_announcement_behind_a_link_is_ignored(tmp_path: Path) -> None:
    announce("tcp://127.0.0.1:5000", "1", tmp_path / "run")
    (tmp_path / "link").symlink_to(tmp_path / "run")
    assert find_local_server(folder=tmp_path / "run") is not None
    assert find_local_server(folder=tmp_path / "link") is None
