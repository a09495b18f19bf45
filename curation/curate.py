"""`acetate curate STAGE`: the stages that need no weights, one by one, and their measured bars.

Joins the command line through the entry-point group `acetate.commands`; heavy imports wait until
a stage runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from curation.curate_backends import add_backends, add_weights
from curation.curate_run import add_run
from curation.set_commands import add_forget, add_statistics
from shared.blobs import write_atomically
from shared.errors import AcetateError, ExitCode
from shared.pictures import decode_picture

if TYPE_CHECKING:
    from curation.backends.interfaces import Segmenter

LONGEST_PX = 1024
"""Larger pictures are cut up at this size; lengths of the stage are meant for 512."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `curate` to the command line; the chosen parser sets `run(args) -> exit code`."""
    parser = subparsers.add_parser("curate", help="turn footage into layered training clips")
    stages = parser.add_subparsers(dest="stage", required=True, metavar="STAGE")
    add_run(stages)
    add_backends(stages)
    add_forget(stages)
    add_statistics(stages)
    elements = stages.add_parser("elements", help="cut one picture into regions: a label map")
    elements.add_argument("picture", type=Path, help="PNG or JPEG")
    elements.add_argument("--out", type=Path, required=True, help="16-bit grey PNG, from 1")
    elements.add_argument("--most", type=_regions, default=250, help="most regions, 2 .. 65535")
    elements.add_argument("--backend", choices=("auto", "watershed", "sam", "sam2"), default="auto")
    add_weights(elements)
    elements.add_argument("--json", action="store_true", help="one JSON document on stdout")
    elements.set_defaults(run=run_elements)
    bench = stages.add_parser("bench", help="measure the stages against their bars")
    bench.add_argument("--demos", type=Path, help="folder of official demo folders")
    bench.add_argument(
        "--kill", type=int, default=0, metavar="N", help="instead: kill a run N times, compare"
    )
    bench.add_argument("--json", action="store_true", help="one JSON document on stdout")
    bench.set_defaults(run=run_bench)


def run_elements(args: argparse.Namespace) -> int:
    """Write the label map: 0 where the picture is transparent, regions from 1.

    Raises `not_found`, `bad_picture`, `picture_too_large`, `disk`, `weights_missing`.
    """
    from curation.backends.build import built
    from curation.backends.choose import BackendSettings, choose
    from curation.backends.weights import weights_folder
    from curation.stages.chain import ChainSettings
    from curation.stages.elements import ElementSettings

    chain = ChainSettings(elements=ElementSettings(most_regions=args.most))
    wanted = BackendSettings(segment=args.backend)
    choice = choose(wanted, weights_folder(args.weights), args.device, slots=("segment",))
    labels = label_picture(read_picture(args.picture), built(chain, choice).segment)
    write_atomically(args.out, label_png(labels))
    count = int(labels.max())
    if args.json:
        document = {"schema": "acetate.labels/1", "out": str(args.out), "regions": count}
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        sys.stdout.write(f"{count} regions -> {args.out}\n")
    return 0


def run_bench(args: argparse.Namespace) -> int:
    """Measure every bar, print the table or the document. Raises `not_found`."""
    if args.kill > 0:
        return _bench_kills(args)
    import cv2
    import msgspec

    from curation.bench.bars import as_table, measure_all

    cv2.setNumThreads(1)
    rows = measure_all(args.demos, _tell)
    if args.json:
        document = {
            "schema": "acetate.curation-bars/1",
            "rows": [{**msgspec.to_builtins(row), "reached": row.reached} for row in rows],
        }
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in as_table(rows))
    return 0


def _bench_kills(args: argparse.Namespace) -> int:
    import tempfile

    import msgspec

    from curation.bench.kills import bench_kills

    with tempfile.TemporaryDirectory() as folder:
        figures = bench_kills(Path(folder), args.kill, _tell)
    if args.json:
        document = {"schema": "acetate.curation-kills/1", **msgspec.to_builtins(figures)}
        sys.stdout.write(json.dumps({**document, "reached": figures.reached}) + "\n")
    else:
        sys.stdout.write(
            f"{figures.kills} kills: {len(figures.different)} of {figures.files} files differ, "
            f"a further run did {figures.again} stages\n"
        )
    return ExitCode.DONE if figures.reached else ExitCode.INPUT_INVALID


def _tell(stage: str) -> None:
    sys.stderr.write(f"measuring: {stage}\n")
    sys.stderr.flush()


def read_picture(path: Path) -> np.ndarray:
    """A PNG or JPEG as RGBA uint8 [h, w, 4]. Raises `not_found` or what `decode_picture` does."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AcetateError("not_found", what=f"picture {path.name}", detail=str(error)) from error
    return decode_picture(data)


def label_picture(pixels: np.ndarray, segment: Segmenter) -> np.ndarray:
    """Regions of an RGBA picture as uint16 [h, w]: 0 = transparent, regions from 1."""
    import cv2

    height, width = pixels.shape[:2]
    solid = pixels[..., 3:].astype(np.float32) / 255.0
    on_white = (pixels[..., :3] * solid + 255.0 * (1 - solid)).round().astype(np.uint8)
    shrink = min(1.0, LONGEST_PX / max(height, width))
    if shrink < 1:
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        on_white = cv2.resize(on_white, size, interpolation=cv2.INTER_AREA)
    labels = segment(on_white).astype(np.uint16) + 1
    labels = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
    labels[pixels[..., 3] < 128] = 0
    used, packed = np.unique(labels, return_inverse=True)
    first = 0 if used[0] == 0 else 1
    return (packed.reshape(labels.shape) + first).astype(np.uint16)


def label_png(labels: np.ndarray) -> bytes:
    """A label map uint16 [h, w] as 16-bit grey PNG."""
    import cv2

    done, data = cv2.imencode(".png", labels)
    if not done:
        raise AcetateError("bug", detail="OpenCV could not encode a label map")
    return data.tobytes()


def _regions(text: str) -> int:
    number = int(text)
    if not 2 <= number <= 65_535:
        raise argparse.ArgumentTypeError(f"{number} is not 2 .. 65535")
    return number
