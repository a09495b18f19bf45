"""One process of a group that really trains together; reads orders on stdin, answers on stdout."""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from pathlib import Path

import msgspec

from shared.errors import AcetateError
from training.run.config import LoopConfig
from training.run.loop import run
from training.run.processes import joined

from .alone import make_of
from .small import SmallOptions
from .tiny import TinyOptions


class Order(msgspec.Struct):
    """A run to do in `out`; `port` is where the group meets."""

    config: LoopConfig
    options: TinyOptions | SmallOptions
    out: str
    port: int
    rank: int
    world: int


def obey(order: Order) -> dict[str, object]:
    """Run, and tell how it ended."""
    os.environ.update(
        RANK=str(order.rank),
        LOCAL_RANK=str(order.rank),
        WORLD_SIZE=str(order.world),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(order.port),
    )

    try:
        with joined(order.config.run) as processes:
            outcome = run(
                order.config, make_of(order.options), Path(order.out), processes, quiet=True
            )
    except AcetateError as error:
        return {"error": error.name, "detail": error.detail}
    return {"step": outcome.step, "figures": outcome.figures}


def main() -> None:
    """Obey until stdin ends."""
    for line in sys.stdin:
        # A member that waits for one that is gone would wait for half an hour.
        faulthandler.dump_traceback_later(540, exit=True)
        answer = obey(msgspec.json.decode(line, type=Order))
        faulthandler.cancel_dump_traceback_later()
        sys.stdout.write("answer " + json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
