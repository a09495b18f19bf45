"""The server's program as a child process, started only by the user's own click; for the loop."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ..shared.errors import AcetateError
from .orders import StartServer

STOP_S = 3.0


class ServerProcess:
    """At most one `acetate serve` that this Blender started."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._log_file = Path()

    def start(self, order: StartServer) -> None:
        """Run the program unless it runs already. Raises `no_program` on failure."""
        if self._process is not None and self._process.poll() is None:
            return
        self._log_file = order.log_file
        try:
            order.log_file.parent.mkdir(parents=True, exist_ok=True)
            with order.log_file.open("wb") as log:
                self._process = subprocess.Popen(
                    order.program,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        except OSError as error:
            raise AcetateError("no_program", detail=str(error)) from error

    def has_ended(self) -> bool:
        """True where it was started and is gone."""
        return self._process is not None and self._process.poll() is not None

    def why_it_ended(self) -> AcetateError:
        """The last line of its log as an error; forgets the process."""
        code = self._process.poll() if self._process else 0
        self._process = None
        try:
            lines = self._log_file.read_text(errors="replace").strip().splitlines()
        except OSError as error:
            lines = [str(error)]
        detail = "\n".join(lines[-5:])
        return AcetateError("server_ended", code=code, detail=detail)

    def stop(self) -> None:
        """End it politely, then firmly; does nothing where none was started."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
