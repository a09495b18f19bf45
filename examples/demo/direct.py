"""The pipeline called directly on a shot package, for comparison; runs in the project's Python.

`python -m examples.demo.direct SHOT` prints one JSON document: seconds, hash of every composite.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from backend.pipeline.context import LocalContext
from backend.pipeline.execute import execute
from shared.blobs import MemoryBlobs
from shared.package import read_package


def main(package: Path) -> dict[str, object]:
    """Run the package twice; the second run is the figure, as a worker has its model loaded too."""
    request, blobs = read_package(package)
    execute(request, blobs, MemoryBlobs(), LocalContext())
    started = time.monotonic()
    manifest = execute(request, blobs, MemoryBlobs(), LocalContext())
    seconds = time.monotonic() - started
    layers = {layer.name: list(layer.frames) for layer in manifest.layers}
    return {"seconds": seconds, "composite": list(manifest.composite), "layers": layers}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
