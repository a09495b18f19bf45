"""A process that shares a feature folder with others: `python -m ... FOLDER FIRST END BUDGET`.

It puts and looks up entries, checks every bit of what it gets, and prints a line per entry. Only
the tests of several processes start it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from backend.pipeline.feature_store.store import FeatureStore
from tests.backend.pipeline.feature_store.made import CPU, features, key, on_disk, same

VALUES = 50_000
"""Of one entry, which makes 200 kB."""


def main(folder: Path, first: int, end: int, budget_bytes: int) -> int:
    """Put FIRST to END in turn, reading two that a rival may have written or thrown out."""
    store = FeatureStore(on_disk(folder, budget_bytes))
    for number in range(first, end):
        for other in (number - 1, number - 7):
            found = store.get(key(other), CPU)
            if found is not None and not same(found, features(other, values=VALUES)):
                return 1
        store.put(key(number), features(number, values=VALUES))
        print(number, flush=True)
    store.close()
    print(*store.stats.notes, sep="\n", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:5])))
