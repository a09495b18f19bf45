"""A virtual display with a Blender window inside a folder made by make_chroot.sh, and its mouse."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 1280, 800
_DISPLAY = ":91"
_PATIENCE_S = 240.0
_LONGEST_FILM = 100


@dataclass
class Stage:
    """One windowed Blender. `folder` is the test's own folder inside the chroot."""

    chroot: Path
    folder: Path
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def inside(self, path: Path) -> str:
        """A path below the chroot as programs inside see it."""
        return "/" + path.relative_to(self.chroot).as_posix()

    def call(self, *command: str) -> None:
        """Run a program inside to its end; raises `CalledProcessError` with its output kept."""
        log = self.folder / "calls.log"
        with log.open("ab") as output:
            subprocess.run(
                ["chroot", str(self.chroot), *command],
                check=True,
                env=self.environment,
                stdout=output,
                stderr=output,
            )

    def spawn(self, *command: str) -> None:
        """Start a program inside that lasts until `close`."""
        with (self.folder / f"{command[0]}.log").open("ab") as output:
            self.processes.append(
                subprocess.Popen(
                    ["chroot", str(self.chroot), *command],
                    env=self.environment,
                    stdout=output,
                    stderr=output,
                )
            )

    def open_window(self, blend: Path, observer: Path) -> None:
        """Start the display and Blender with a file and the observer."""
        self.spawn("Xvfb", _DISPLAY, "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "+extension", "GLX")
        time.sleep(1.0)
        self.spawn(
            "blender", "--no-window-focus", "-p", "0", "0", str(WIDTH), str(HEIGHT),
            self.inside(blend), "--python", self.inside(observer), "--",
            self.inside(self.folder / "state.json"),
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """What the observer wrote last; empty before its first word."""
        try:
            return json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}

    def wait_for(self, what: str, **wanted: object) -> dict[str, Any]:
        """Wait until a fact has a value (or, for True, is truthy); fails with the last state."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            state = self.state()
            if state and all(_is(state.get(name), value) for name, value in wanted.items()):
                return state
            if self.processes[-1].poll() is not None or time.monotonic() > until:
                raise AssertionError(f"never came: {what}; last state: {state}")
            time.sleep(0.1)

    def wait_for_any(self, what: str, name: str, wanted: set[str]) -> None:
        """Wait until a list of facts holds one of `wanted`."""
        until = time.monotonic() + _PATIENCE_S
        while not wanted & set(self.state().get(name, ())):
            if time.monotonic() > until:
                raise AssertionError(f"never came: {what}; last state: {self.state()}")
            time.sleep(0.05)

    def screenshot_soon(self, file: Path) -> None:
        """Photograph after a moment, the mouse out of the way, so that all changes are drawn."""
        self.mouse("mousemove", str(WIDTH // 4), str(HEIGHT - 60))
        time.sleep(4.0)
        self.screenshot(file)

    def film(self, folder: Path, name: str, until: Callable[[dict[str, Any]], bool]) -> list[Path]:
        """Photograph again and again until the observer's facts satisfy `until`."""
        files: list[Path] = []
        while not until(self.state()) and len(files) < _LONGEST_FILM:
            files.append(folder / f"{name}_{len(files):02d}.png")
            self.screenshot(files[-1])
            time.sleep(0.4)
        return files

    def screenshot(self, file: Path) -> None:
        """Photograph the whole display."""
        picture = self.folder / "screen.png"
        self.call("import", "-window", "root", self.inside(picture))
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture, file)

    def mouse(self, *words: str) -> None:
        """Hand words to xdotool."""
        self.call("xdotool", *words)

    def find_button(self, command: str) -> tuple[int, int]:
        """Screen position of the sidebar's button that runs `command`, scrolling if needed."""
        for _ in range(4):
            place = self._look_for(command)
            if place is not None:
                return place
            self._scroll_down()
        raise AssertionError(f"no button runs {command}; last state: {self.state()}")

    def _look_for(self, command: str) -> tuple[int, int] | None:
        left, bottom, width, height = self.state()["region"]
        window_height = self.state()["window"][1]
        top_y = window_height - (bottom + height)
        # A little left of the middle: clear of list scroll bars and of buttons at the row's end.
        x = left + width * 2 // 5
        for y in range(top_y + 8, window_height - bottom - 8, 8):
            self.mouse("mousemove", str(x), str(y), "sleep", "0.12", "key", "ctrl+c")
            self._settle()
            if command in str(self.state()["clipboard"]):
                return x, y + 4  # the first hit is the button's upper edge
        return None

    def _settle(self) -> None:
        """Wait until Blender has lived through a few ticks, however slow the machine is."""
        until = time.monotonic() + _PATIENCE_S
        wanted = self.state()["tick"] + 3
        while self.state()["tick"] < wanted and time.monotonic() < until:
            time.sleep(0.03)

    def _scroll_down(self) -> None:
        left, bottom, width, height = self.state()["region"]
        middle_y = self.state()["window"][1] - (bottom + height // 2)
        self.mouse("mousemove", str(left + width // 2), str(middle_y))
        self.mouse("click", "--repeat", "6", "--delay", "60", "5")
        time.sleep(0.5)

    def click(self, place: tuple[int, int]) -> None:
        """Press the left button there, as a hand would."""
        self.mouse("mousemove", str(place[0]), str(place[1]), "sleep", "0.2", "click", "1")

    def close(self) -> None:
        """End Blender, then the display."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _is(value: object, wanted: object) -> bool:
    return bool(value) if wanted is True else value == wanted


def make_stage(chroot: Path, folder: Path, extra: Mapping[str, str]) -> Stage:
    """A stage in a new folder below the chroot, with Blender's user files inside it."""
    folder.mkdir(parents=True)
    place = "/" + folder.relative_to(chroot).as_posix()
    environment = {
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": f"{place}/home",
        "LANG": "C.UTF-8",
        "DISPLAY": _DISPLAY,
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "LP_NUM_THREADS": os.environ.get("LP_NUM_THREADS", "2"),
        "BLENDER_USER_RESOURCES": f"{place}/blender",
        "PYTHONPATH": place,
        **extra,
    }
    for name in ("home", "blender"):
        (folder / name).mkdir()
    return Stage(chroot, folder, environment)


def copy_in(stage: Stage, sources: Sequence[Path]) -> None:
    """Copy files and folders into the stage's folder."""
    for source in sources:
        target = stage.folder / source.name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
