"""`acetate evaluate suite`: the paper's six tasks, every method side by side, with a report.

Joins `evaluate` as one of its sets; heavy imports wait until the command runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import AcetateError

if TYPE_CHECKING:
    from training.data.clips import ClipSource
    from training.suites.clip import SuiteClip
    from training.suites.figures import Judge
    from training.suites.methods import Method
    from training.suites.report import SuitesReport

_ENGINES = ("layer-motion", "mini")
_USUAL_FRAMES = 16
_HELD_OUT = 1 << 30  # seeds from here on are for measuring; recipes' are small


def add_suite(
    sets: argparse._SubParsersAction[argparse.ArgumentParser],
    size: Callable[[str], tuple[int, int]],
    count: Callable[[str], int],
    seed: Callable[[str], int],
) -> None:
    """Add the set `suite` to `evaluate`; the callables read WIDTHxHEIGHT and plain numbers."""
    parser = sets.add_parser("suite", help="the six tasks of the LayerAnimate paper")
    parser.add_argument("name", metavar="NAME", help="a suite's name, or all")
    parser.add_argument("--clips", type=count, default=16, help="how many clips (default 16)")
    parser.add_argument("--seed", type=seed, default=0, help="of the first clip, or of the choice")
    parser.add_argument("--data", type=Path, help="a data set's folder; else procedural clips")
    parser.add_argument(
        "--stream",
        choices=("evaluate", "studio"),
        default="evaluate",
        help="procedural clips: figures with all that layers hide, or scenes cut out by labels",
    )
    parser.add_argument(
        "--model",
        action="append",
        help="layer-motion, mini, an imported model's name or a model's folder; may be repeated "
        "(default: layer-motion and mini)",
    )
    parser.add_argument("--size", type=size, default=(256, 160), metavar="WxH")
    parser.add_argument("--frames", type=count, help="per clip (default: what the models make)")
    parser.add_argument("--steps", type=count, default=50, help="denoising steps of models")
    parser.add_argument("--device", default="cpu", help="where models run: cpu, cuda, cuda:1, mps")
    parser.add_argument("--lpips", type=Path, metavar="FILE", help="LPIPS weights (safetensors)")
    parser.add_argument("--fid", type=Path, metavar="FILE", help="Inception-v3 weights for FID")
    parser.add_argument("--fvd", type=Path, metavar="FILE", help="I3D weights for FVD")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write index.html; resumable")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, write the report, print the document or the table.

    Raises `usage`, `model_missing`, `model_corrupt`, `device_unusable`, `disk`, and what a damaged
    data set raises.
    """
    report = _measured(args)
    if args.report is not None:
        from training.suites.report import write_report

        path = write_report(report, args.report)
        sys.stderr.write(f"{path}\n")
    if args.json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(report.document).decode() + "\n")
    else:
        from training.suites.table import as_table

        sys.stdout.write(as_table(report.document) + "\n")
    return 0


def _measured(args: argparse.Namespace) -> SuitesReport:
    from training.suites.report import report_of
    from training.suites.run import run_suites
    from training.suites.store import ResultStore
    from training.suites.suite import suites_called

    suites = suites_called(args.name)
    judge = _judge(args)
    methods, frames = _methods(args)
    store = ResultStore(args.report / "results") if args.report is not None else None
    clips, source = _clips(args, frames)
    done = run_suites(clips, suites, methods, judge, store, _told(args.clips))
    if not done.results:
        raise AcetateError("usage", where="every clip is static; ask for more clips")
    return report_of(
        done,
        judge,
        methods,
        store,
        source=source,
        seed=args.seed,
        size=args.size,
        frames=frames,
    )


def _judge(args: argparse.Namespace) -> Judge:
    """The user's feature weights where they are given, random features elsewhere."""
    from training.metrics.features import RandomClipFeatures, RandomFrameFeatures
    from training.metrics.i3d import I3dFeatures
    from training.metrics.inception import InceptionFeatures
    from training.metrics.lpips import load_lpips, random_lpips
    from training.suites.figures import Judge

    return Judge(
        perceptual=load_lpips(args.lpips) if args.lpips else random_lpips(),
        per_frame=InceptionFeatures(args.fid) if args.fid else RandomFrameFeatures(),
        per_clip=I3dFeatures(args.fvd) if args.fvd else RandomClipFeatures(),
    )


def _methods(args: argparse.Namespace) -> tuple[list[Method], int]:
    """All methods, and how many frames they make. Raises `usage` where models disagree."""
    from training.suites.methods import baseline_methods, layer_motion_method, mini_method

    names: Sequence[str] = args.model or _ENGINES
    methods = list(baseline_methods())
    lengths: set[int] = {args.frames} if args.frames else set()
    # layer motion first: mini corrects it, and books its processor time on top
    for name in sorted(dict.fromkeys(names), key=lambda name: name != "layer-motion"):
        if name == "layer-motion":
            methods.append(layer_motion_method())
        elif name == "mini":
            methods.append(mini_method())
        else:
            method, frames = _model(name, args)
            methods.append(method)
            lengths.add(frames)
    if len(lengths) > 1:
        told = ", ".join(map(str, sorted(lengths)))
        raise AcetateError("usage", where=f"clips of {told} frames at once; one length is needed")
    frames = lengths.pop() if lengths else _USUAL_FRAMES
    if frames < 4:
        raise AcetateError("usage", where="a clip has at least 4 frames")
    return methods, frames


def _model(name: str, args: argparse.Namespace) -> tuple[Method, int]:
    from backend.models.layeranimate.clip import SampleSettings
    from backend.torch_device import checked_device
    from training.suites.painted import load_method

    settings = SampleSettings(steps=args.steps, seed=args.seed)
    return load_method(name, checked_device(args.device), settings)


def _clips(args: argparse.Namespace, frames: int) -> tuple[Iterator[SuiteClip], str]:
    """The clips to measure, and what to call them."""
    width, height = args.size
    if args.data is None and args.stream == "evaluate":
        from training.suites.procedural import procedural_clips

        clips = procedural_clips(args.clips, args.seed, frames=frames, width=width, height=height)
        return clips, "procedural clips"
    import numpy as np

    from training.suites.layered import data_set_clips, long_enough

    source, name = _source(args, frames)
    fitting = long_enough(source, frames)
    numbers = np.random.default_rng(args.seed).permutation(fitting)[: args.clips]
    clips = data_set_clips(source, numbers, frames=frames, width=width, height=height)
    short = len(source) - len(fitting)
    return clips, f"{name} ({short} of fewer frames left out)" if short else name


def _source(args: argparse.Namespace, frames: int) -> tuple[ClipSource, str]:
    if args.data is None:
        from training.data.procedural_source import ProceduralClips

        seed = _HELD_OUT + args.seed % _HELD_OUT
        return ProceduralClips(args.clips, seed, *args.size, length=frames), "studio clips"
    from training.data.clip_filter import ClipFilter
    from training.data.dataset_source import DataSetClips

    # measuring is not training: consent and commercial use do not matter
    every = ClipFilter(without_consent=True, allow_non_commercial=True)
    return DataSetClips.open([args.data], every), f"data set {args.data.name}"


def _told(total: int) -> Callable[[int, int], None]:
    def tell(done: int, known: int) -> None:
        if sys.stderr.isatty():
            kept = f" ({known} kept from before)" if known else ""
            end = "\n" if done == total else ""
            sys.stderr.write(f"\r{done}/{total} clips{kept}{end}")
            sys.stderr.flush()

    return tell
