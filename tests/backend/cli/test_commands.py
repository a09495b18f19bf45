"""The `acetate` command against a real server: documents, exit codes, one line per error."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.cli import doctor
from backend.cli.main import error_line, main
from shared.errors import CATALOGUE, AcetateError, ExitCode
from shared.package import write_package
from tests.backend.server.running import RunningServer, acetate, wait_until
from tests.backend.server.shots import make_shot


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path_factory.mktemp("cli")).start()
    yield server
    server.stop()


class Shell:
    """Runs `acetate` commands in the environment of one server."""

    def __init__(self, server: RunningServer, folder: Path) -> None:
        self.environment = server.environment()
        self.folder = folder

    def run(self, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*acetate(), *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=Path(__file__).resolve().parents[3],
        )
        assert done.returncode == expect, done.stderr
        return done

    def json(self, *words: str, expect: int = 0) -> dict[str, Any]:
        done = self.run(*words, "--json", expect=expect)
        assert done.stdout.count("\n") == 1
        return json.loads(done.stdout)

    def shot(self, prompt: str = "", seed: int = 0) -> str:
        target = self.folder / f"shot{seed}{len(prompt)}.zip"
        write_package(*make_shot(prompt, seed=seed), target)
        return str(target)


@pytest.fixture
def shell(served: RunningServer, tmp_path: Path) -> Shell:
    return Shell(served, tmp_path)


def test_submit_wait_and_fetch_write_the_same_layout_as_generate(shell: Shell) -> None:
    job = shell.json("submit", shell.shot(seed=1), "--wait")
    assert job["state"] == "succeeded"
    assert job["schema"] == "acetate.job/1"
    out = shell.folder / "out"
    document = shell.json("fetch", job["id"][:6], "-o", str(out))
    assert document["warnings"] == []
    assert document["frames"] == [1, 5]
    assert (out / "manifest.json").is_file()
    assert (out / "composite" / "0001.png").is_file()
    assert len(list((out / "layers" / "layer 0").glob("*.png"))) == 5
    assert (out / "contact_sheet.png").is_file()


def test_fetch_overwrites_nothing_without_being_told(shell: Shell) -> None:
    job = shell.json("submit", shell.shot(seed=2), "--wait")["id"]
    out = shell.folder / "out"
    out.mkdir()
    (out / "precious.txt").write_text("x")
    done = shell.run("fetch", job, "-o", str(out), expect=2)
    assert done.stderr.startswith("E503")
    assert [path.name for path in out.iterdir()] == ["precious.txt"]


def test_submit_prints_a_short_id_that_all_commands_take(shell: Shell) -> None:
    short = shell.run("submit", shell.shot(seed=3)).stdout.strip()
    assert len(short) == 8
    assert shell.json("wait", short)["id"].startswith(short)
    assert "layer-motion" in shell.run("watch", short).stdout
    assert short in shell.run("status", short).stdout
    assert short in shell.run("status").stdout


def test_status_lists_as_many_of_the_newest_as_asked_for(shell: Shell) -> None:
    shell.json("submit", shell.shot(seed=60), "--takes", "3", "--wait")
    newest = shell.json("status")["jobs"]
    assert len(newest) >= 3
    assert shell.json("status", "--last", "2")["jobs"] == newest[:2]


def test_takes_become_jobs_with_seeds_that_count_up(shell: Shell) -> None:
    document = shell.json("submit", shell.shot(seed=40), "--takes", "3", "--wait")
    hashes = {job["request_sha256"] for job in document["jobs"]}
    assert len(hashes) == 3


def test_the_same_key_submits_once(shell: Shell) -> None:
    shot, key = shell.shot(seed=5), "a" * 32
    first = shell.json("submit", shot, "--key", key)["id"]
    assert shell.json("submit", shot, "--key", key)["id"] == first
    done = shell.run("submit", shell.shot(seed=6), "--key", key, expect=3)
    assert done.stderr.startswith("E405")


def test_cancel_stops_a_job_and_wait_says_so_by_its_exit_code(shell: Shell) -> None:
    job = shell.json("submit", shell.shot("steps=400 step_s=0.05", seed=7))["id"]
    shell.run("wait", job, "--timeout", "0.2", expect=10)
    shell.run("cancel", job)
    assert "cancelled" in shell.run("wait", job, expect=8).stdout


def test_a_failed_job_has_the_exit_code_of_its_error(shell: Shell) -> None:
    job = shell.json("submit", shell.shot("raise_at=0", seed=8), "--wait", expect=7)
    assert job["error"]["code"] == "E306"
    good = shell.json("submit", shell.shot(seed=9))["id"]
    shell.run("wait", good, job["id"], expect=9)


def test_ctrl_c_while_waiting_leaves_the_job_running_and_says_its_id(
    shell: Shell, served: RunningServer
) -> None:
    process = subprocess.Popen(
        [*acetate(), "submit", shell.shot("steps=400 step_s=0.05", seed=10), "--wait"],
        env=shell.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    with served.connect() as client:
        wait_until(lambda: any(not job.state.is_final for job in client.jobs(3)))
        job = next(job.id for job in client.jobs(3) if not job.state.is_final)
        wait_until(lambda: client.status(job).step > 1)
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=20)
        assert process.returncode == 130
        assert job[:8] in text
        assert "Traceback" not in text
        assert not client.status(job).state.is_final
        client.cancel(job)


def test_errors_are_one_line_with_code_and_hint_or_one_document(shell: Shell) -> None:
    done = shell.run("submit", "no-such-shot", expect=3)
    assert done.stderr.startswith("E116")
    assert done.stderr.count("\n") == 1
    done = shell.run("status", "ffffffff", "--json", expect=3)
    assert json.loads(done.stderr)["error"]["code"] == "E404"
    assert done.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ("serve", "--feature-store-ram", "-1"),
        ("serve", "--feature-store-disk", "nan"),
        ("generate", "SHOT", "-o", "out", "--feature-store-disk", "-1"),
        ("generate", "SHOT", "-o", "out", "--server", "5", "--feature-store-disk", "1"),
    ],
)
def test_a_feature_store_that_makes_no_sense_is_refused(
    shell: Shell, words: tuple[str, ...]
) -> None:
    shot = shell.shot(seed=11)
    done = shell.run(*(shot if word == "SHOT" else word for word in words), expect=2)
    assert done.stderr.startswith("E118")
    assert "--feature-store" in done.stderr


def test_no_server_is_exit_code_4_and_a_hint(shell: Shell, tmp_path: Path) -> None:
    shell.environment["ACETATE_RUN_DIR"] = str(tmp_path / "nothing")
    done = shell.run("status", "--server", "127.0.0.1:1", expect=4)
    assert "acetate serve" in done.stderr
    assert "Event" not in done.stderr


def test_a_damaged_package_is_refused_before_anything_is_sent(shell: Shell) -> None:
    shot = Path(shell.shot(seed=11))
    shot.write_bytes(shot.read_bytes()[:-40])
    assert shell.run("submit", str(shot), expect=3).stderr.startswith("E113")


def test_doctor_looks_at_every_hop(shell: Shell) -> None:
    document = shell.json("doctor")
    names = {finding["name"] for finding in document["findings"]}
    assert {"python", "torch", "disk", "announcement", "connection", "worker"} <= names
    assert document["ok"]
    texts = {finding["name"]: finding["text"] for finding in document["findings"]}
    assert texts["announcement"].endswith(
        f"secret in {shell.environment['ACETATE_RUN_DIR']}/secret"
    )


def test_doctor_names_the_hop_that_is_broken(shell: Shell) -> None:
    wrong = shell.folder / "secret"
    wrong.write_text("wrong")
    done = shell.run("doctor", "--secret-file", str(wrong), expect=5)
    assert "FAIL connection: E203" in done.stdout


def test_doctor_asks_the_server_that_the_environment_names(shell: Shell, tmp_path: Path) -> None:
    shell.environment["ACETATE_RUN_DIR"] = str(tmp_path / "nothing")
    shell.environment["ACETATE_SERVER"] = "127.0.0.1:1"
    done = shell.run("doctor", expect=4)
    assert "FAIL connection: E201" in done.stdout


def test_doctor_fails_for_a_server_of_another_version_and_says_what_to_do(
    served: RunningServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in served.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(doctor, "version", lambda: "99.0")
    assert main(["doctor"]) == ExitCode.VERSION_MISMATCH
    (line,) = [row for row in capsys.readouterr().out.splitlines() if " versions:" in row]
    assert line.startswith("FAIL")
    assert "update the older one" in line


def test_doctor_fails_for_a_nearly_full_disk_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACETATE_RUN_DIR", str(tmp_path))
    monkeypatch.delenv("ACETATE_SERVER", raising=False)
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", 2**60)
    assert main(["doctor"]) == ExitCode.DISK
    (line,) = [row for row in capsys.readouterr().out.splitlines() if " disk:" in row]
    assert line.startswith("FAIL")
    assert "--data-dir" in line


def test_submit_takes_the_same_wishes_as_generate(shell: Shell) -> None:
    shot = shell.shot(seed=12)
    small = shell.json("submit", shot, "--size", "32x32", "--seed", "9", "--wait")
    out = shell.folder / "small"
    assert shell.json("fetch", small["id"], "-o", str(out))["frames"] == [1, 5]
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert (manifest["width"], manifest["height"], manifest["seed"]) == (32, 32, 9)
    assert shell.run("submit", shot, "--size", "big", expect=2).stderr.startswith("E118")


def test_generate_shows_a_server_the_secret_it_is_given(
    shell: Shell, served: RunningServer
) -> None:
    shell.environment["ACETATE_RUN_DIR"] = str(shell.folder / "nothing")
    words = ("generate", shell.shot(seed=13), "--server", served.address)
    assert shell.run(*words, "-o", str(shell.folder / "a"), expect=5).stderr.startswith("E203")
    out = shell.folder / "b"
    secret = str(served.secret_file)
    assert shell.json(*words, "-o", str(out), "--secret-file", secret)["takes"]
    assert (out / "manifest.json").is_file()


def test_version_and_help_need_nothing(shell: Shell) -> None:
    assert shell.json("version")["proto"] == [1, 0, 0]
    text = shell.run("--help").stdout
    for command in ("serve", "submit", "fetch", "generate", "doctor"):
        assert f" {command} " in text
    shell.run("no-such-command", expect=2)


def test_an_unforeseen_error_is_one_line_and_its_traceback_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACETATE_RUN_DIR", str(tmp_path))
    monkeypatch.setattr("backend.cli.version.version", lambda: 1 / 0)
    assert main(["version"]) == 1
    text = capsys.readouterr().err
    assert text.startswith("E900")
    assert text.count("\n") == 1
    assert "ZeroDivisionError" in (tmp_path / "acetate-error.log").read_text()


def test_memory_that_runs_out_here_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("backend.cli.version.version", lambda: bytearray(2**60))
    assert main(["version"]) == ExitCode.OUT_OF_MEMORY
    assert capsys.readouterr().err.startswith("E301 Memory ran out - ")


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_error_of_the_catalogue_fits_on_one_line(name: str) -> None:
    line = error_line(AcetateError(name, detail="two\nlines"))
    assert "\n" not in line
    assert line.startswith("E")
