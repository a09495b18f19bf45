"""The commands of `build.py`: their arguments, and in which order the steps run."""

from __future__ import annotations

import argparse
import platform
import re
import signal
import sys
import tempfile
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from . import addon, client, suite
from .environments import BLENDERS, Environment, blender_environment, ensure, main_environment
from .lint import lint
from .terminal import BuildError, run_shown, say, stage

ROOT = Path(__file__).resolve().parent.parent


def run(arguments: Sequence[str]) -> int:
    """Parse and carry out one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    # Started in the background, a shell leaves Ctrl+C ignored, and every child would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    started = time.monotonic()
    try:
        code = options.run(options)
    except (BuildError, addon.AddonBuildError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130
    say(f"{options.command}: {time.monotonic() - started:.0f} s in all")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py", description="Set up, try, test and package.")
    commands = parser.add_subparsers(dest="command", required=True)

    setup = commands.add_parser("setup", help="make the environments in .venv and .venvs")
    setup.add_argument("--no-blender", action="store_true", help="only the project itself")
    setup.set_defaults(run=_setup)

    demo = commands.add_parser("demo", help="animate a small Grease Pencil shot, start to end")
    demo.add_argument("--out", type=Path, default=ROOT / "demo_out", metavar="DIR")
    demo.add_argument("--size", type=_size, default="512x320", metavar="WxH")
    demo.add_argument("--engine", default="auto", help="auto, layer-motion, mini or layeranimate")
    demo.add_argument("--kill", action="store_true", help="kill worker and server on the way")
    demo.add_argument("--open", action="store_true", help="show the contact sheet at the end")
    demo.set_defaults(run=_demo)

    test = commands.add_parser("test", help="lint and every test; what CI runs")
    test.add_argument("rooms", nargs="*", metavar="ROOM", help="folders of tests/, such as backend")
    test.add_argument("--quick", action="store_true", help="leave Blender out")
    test.add_argument("--gui", action="store_true", help="also drive a windowed Blender")
    test.set_defaults(run=_test)

    commands.add_parser("lint", help="ruff, formatting, types").set_defaults(run=_lint)

    package = commands.add_parser("addon", help="write the extension's zip files into dist/")
    package.add_argument("--platform", action="append", choices=sorted(addon.PLATFORMS))
    package.set_defaults(run=_addon)

    scripts = commands.add_parser("client", help="write the acetate-client wheel into dist/")
    scripts.set_defaults(run=_client)

    bench = commands.add_parser("bench", help="named benchmarks as JSON lines")
    bench.add_argument("names", nargs="*", metavar="NAME")
    bench.set_defaults(run=_bench)
    return parser


def _size(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{1,3}x[1-9][0-9]{1,3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512x320")
    return text


def _blenders(*versions: str) -> list[Environment]:
    return [blender_environment(ROOT, version) for version in versions]


def _setup(options: argparse.Namespace) -> int:
    versions = () if options.no_blender else tuple(BLENDERS)
    ensure([main_environment(ROOT), *_blenders(*versions)], ROOT)
    return 0


def _demo(options: argparse.Namespace) -> int:
    project, blender = main_environment(ROOT), blender_environment(ROOT, "5.0")
    ensure([project, blender], ROOT)
    with stage("build the extension"):
        (archive,) = addon.build(ROOT, ROOT / "dist", [_own_platform()])
    command = [str(blender.python), "-m", "examples.demo.run"]
    command += ["--out", str(options.out.resolve()), "--size", options.size]
    command += ["--engine", options.engine, "--extension", str(archive)]
    command += ["--project-python", str(project.python)]
    command += ["--acetate", str(project.program("acetate"))]
    command += ["--kill"] if options.kill else []
    with tempfile.TemporaryDirectory(prefix="acetate-blender-") as settings:
        # A module Blender would otherwise install the extension into the user's own settings.
        code = run_shown(command, cwd=ROOT, environment={"BLENDER_USER_RESOURCES": settings})
    if options.open and not code:
        webbrowser.open((options.out.resolve() / "contact_sheet.png").as_uri())
    return code


def _own_platform() -> str:
    system = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, "")
    machine = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}
    name = f"{system}-{machine.get(platform.machine().lower(), '')}"
    if name not in addon.PLATFORMS:
        known = ", ".join(addon.PLATFORMS)
        raise BuildError(f"the extension has no wheels for {name or 'this system'}; it has {known}")
    return name


def _test(options: argparse.Namespace) -> int:
    rooms = [_room(name) for name in options.rooms]
    pure = [room for room in rooms if not room.startswith("tests/blender")]
    inside_blender = [room for room in rooms if room.startswith("tests/blender")]
    project = main_environment(ROOT)
    with_blender = not options.quick and (not rooms or bool(inside_blender))
    blenders = _blenders(*sorted(BLENDERS)) if with_blender else []
    ensure([project, *blenders], ROOT)
    outcomes = [] if rooms else [suite.run_lint(ROOT, project)]
    if pure or not rooms:
        outcomes.append(suite.run_pure(ROOT, project, pure))
    outcomes += [suite.run_blender(ROOT, blender, inside_blender) for blender in blenders]
    if options.gui:
        outcomes.append(suite.run_gui(ROOT, project))
    say(suite.summary(outcomes))
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def _room(name: str) -> str:
    path = name if name.startswith("tests") else f"tests/{name}"
    if not (ROOT / path.split("::")[0]).exists():
        raise BuildError(f"there is no {path}")
    return path


def _lint(options: argparse.Namespace) -> int:
    del options
    project = main_environment(ROOT)
    ensure([project], ROOT)
    failed = lint(ROOT, project)
    say(f"failed: {', '.join(failed)}" if failed else "lint is clean")
    return 1 if failed else 0


def _addon(options: argparse.Namespace) -> int:
    ensure([main_environment(ROOT)], ROOT)
    for path in addon.build(ROOT, ROOT / "dist", options.platform or tuple(addon.PLATFORMS)):
        say(f"{path} {path.stat().st_size / 1e6:.1f} MB")
    return 0


def _client(options: argparse.Namespace) -> int:
    del options
    project = main_environment(ROOT)
    ensure([project], ROOT)
    say(str(client.build(ROOT, ROOT / "dist", project)))
    return 0


def _bench(options: argparse.Namespace) -> int:
    project = main_environment(ROOT)
    ensure([project], ROOT)
    program = str(project.program("acetate"))
    return run_shown([program, "bench", *options.names, "--json"], cwd=ROOT)
