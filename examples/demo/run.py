"""The demo from end to end inside a `bpy` interpreter; `build.py demo` starts it.

Installs the extension, draws the shot, runs the extension's own operators against a real server,
places the take in the scene and proves by rendering that it is there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from . import extension, proof, scene, shot
from .crash import Crashes
from .follow import Follower
from .report import Report
from .server import DemoServer

_OURS = "report.json"


@dataclass(frozen=True)
class Options:
    """What the command line asked for. `python` and `acetate` are the project's own programs."""

    out: Path
    width: int
    height: int
    engine: str
    archive: Path
    python: Path
    acetate: Path
    kill: bool


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; returns the exit code."""
    options = _parse(arguments)
    try:
        report = run(options)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        # RuntimeError is also how Blender hands over what an operator reported.
        sys.stderr.write(f"the demo stopped: {error}\n")
        return 1
    print("\n".join(["", *report.lines(), "", *_places(options.out)]))
    return 0 if report.is_good else 1


def _parse(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(description=main.__doc__)
    for name in ("out", "extension", "project-python", "acetate"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--size", default=f"{scene.WIDTH}x{scene.HEIGHT}")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--kill", action="store_true")
    given = parser.parse_args(arguments)
    width, height = map(int, given.size.split("x"))
    return Options(
        given.out, width, height, given.engine, given.extension, given.project_python,
        given.acetate, given.kill,
    )  # fmt: skip


def run(options: Options) -> Report:
    """All stages in order. Raises `RuntimeError` with a readable reason."""
    report = Report(size=f"{options.width}x{options.height}")
    _empty(options.out)
    with tempfile.TemporaryDirectory(prefix="acetate-demo-") as scratch:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        with _timed(report, "install extension"):
            extension.install(options.archive)
        with _timed(report, "build scene"):
            scene.build_scene(width=options.width, height=options.height)
            bpy.ops.wm.save_as_mainfile(filepath=str(options.out / "demo.blend"))
        with DemoServer(options.acetate, Path(scratch)) as server:
            _generate(options, report, server, Path(scratch))
        _place(options, report)
        extension.disable()
        _compare(options, report, Path(scratch))
    report.write(options.out / _OURS)
    return report


@contextmanager
def _timed(report: Report, name: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    report.spans[name] = time.monotonic() - started
    print(f"  {name} {report.spans[name]:.1f} s", flush=True)


def _empty(out: Path) -> None:
    """A fresh folder; an earlier demo in it goes, anything else is left alone."""
    if out.exists() and any(out.iterdir()):
        if not (out / _OURS).is_file():
            raise RuntimeError(f"{out} holds other things; choose another folder with --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    # Written first, so that a demo that stops half-way can be started again.
    (out / _OURS).write_text("{}\n", encoding="utf-8")


def _generate(options: Options, report: Report, server: DemoServer, scratch: Path) -> None:
    """Connect, press Generate, follow the job, and bring the contact sheet."""
    session = extension.module("runtime").session()
    follower = Follower(session)
    with _timed(report, "start server"):
        bpy.ops.acetate.connect()
        follower.connect()
    shot.prepare(engine=options.engine)
    crashes = Crashes(follower, server) if options.kill else None
    bpy.ops.acetate.generate(wait=False)
    follower.until_over()
    for name, seconds in follower.spans.items():
        report.spans[name] = seconds
        print(f"  {name} {seconds:.1f} s", flush=True)
    server.measure()
    report.worker_peak_bytes = server.peak_worker_bytes
    report.crashes = crashes.log if crashes else []
    request, blobs = _sent(follower)
    extension.module("shared.package").write_package(request, blobs, scratch / "shot.zip")
    shutil.copyfile(scratch / "shot.zip", options.out / "shot.zip")
    job = follower.view.job if follower.view else ""
    with _timed(report, "contact sheet"):
        _fetch(options, job, scratch / "result")
    shutil.copyfile(scratch / "result" / "contact_sheet.png", options.out / "contact_sheet.png")
    report.attempts = _attempts(options, job)


def _sent(follower: Follower) -> tuple[object, object]:
    if follower.parcel is None:
        raise RuntimeError("the extension kept no parcel of what it sent")
    return follower.parcel


def _fetch(options: Options, job: str, folder: Path) -> None:
    command = [str(options.acetate), "fetch", job, "-o", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _attempts(options: Options, job: str) -> int:
    """How often the server began the job. Raises `RuntimeError` unless it is its only one."""
    command = [str(options.acetate), "status", "--json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    jobs = json.loads(answer)["jobs"]
    if [entry["id"] for entry in jobs] != [job]:
        raise RuntimeError(f"the server knows {len(jobs)} jobs instead of one")
    return jobs[0]["attempts"]


def _place(options: Options, report: Report) -> None:
    """Apply the take in two ways, save the scene, and render two frames that must show it."""
    take = _manifest(options.out)
    report.engine = take["engine"]
    report.methods = {layer["name"]: layer["method"] for layer in take["layers"]}
    report.pipeline, report.warnings = take["timings"], take["warnings"]
    with _timed(report, "import"):
        bpy.ops.acetate.take_apply(placement="compositor")
        bpy.ops.acetate.take_apply(placement="planes")
    _hide_planes()
    bpy.ops.wm.save_mainfile()
    with _timed(report, "render"):
        report.proofs = [proof.render(options.out, frame) for frame in (6, 12)]


def _hide_planes() -> None:
    """Close the eye of the planes: the compositor shows the take, they wait to be tried."""
    for collection in bpy.context.scene.collection.children:
        collection.hide_render = collection.hide_viewport = True


def _compare(options: Options, report: Report, scratch: Path) -> None:
    """Run the same package through the pipeline alone: the same pictures, and how much faster."""
    with _timed(report, "direct run"):
        command = [str(options.python), "-m", "examples.demo.direct", str(scratch / "shot.zip")]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    direct = json.loads(answer)
    take = _manifest(options.out)
    layers = {layer["name"]: layer["frames"] for layer in take["layers"]}
    report.direct_s = direct["seconds"]
    report.same_as_direct = direct["composite"] == take["composite"] and direct["layers"] == layers


def _manifest(out: Path) -> dict[str, Any]:
    return json.loads((_take(out) / "manifest.json").read_text(encoding="utf-8"))


def _take(out: Path) -> Path:
    return sorted((out / "takes").glob("take_*"))[-1]


def _places(out: Path) -> list[str]:
    names = {
        "demo.blend": "the scene with the take placed in it",
        "contact_sheet.png": "every layer, frame by frame",
        "render_0006.png": "rendered from the scene",
        "shot.zip": "the shot package that was sent",
        "report.json": "these figures",
    }
    rows = [f"{out / name}  ({what})" for name, what in names.items()]
    return [*rows, f"{_take(out) / 'layers'}  (one sequence per layer)"]


if __name__ == "__main__":
    raise SystemExit(main())
