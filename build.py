"""The one entry for people and CI: set up, demo, test, lint, package, bench; standard library only.

`python3 build.py --help` lists the commands. Any Python 3 may start it: the work itself runs under
Python 3.11, which is looked for.
"""

from __future__ import annotations

import os
import shutil
import sys

WANTED = (3, 11)


def _use_wanted_python() -> None:
    """Start again under Python 3.11 where another Python runs this; say so if there is none."""
    if sys.version_info[:2] == WANTED:
        return
    program = shutil.which("python3.11") or shutil.which("python3.11.exe")
    if program is None:
        sys.stderr.write(
            "Acetate is built with Python 3.11 (Blender 4.5 and 5.0 carry it), and this is "
            "Python {}.{}. Install Python 3.11 so that `python3.11` is on the path, "
            "then run this command again.\n".format(*sys.version_info[:2])
        )
        raise SystemExit(2)
    os.execv(program, [program, *sys.argv])  # noqa: S606 - the same command, another interpreter


def main() -> int:
    """Hand over to the commands; returns the exit code."""
    _use_wanted_python()
    from build_steps.commands import run  # only readable by Python 3.11, hence not at the top

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
