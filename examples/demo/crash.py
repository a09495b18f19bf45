"""Crashes of the demo's server in the middle of a job; used by `run --kill`."""

from __future__ import annotations

from .follow import Follower
from .server import DemoServer


class Crashes:
    """First kills the worker; once the job runs again, kills the server and starts it anew."""

    def __init__(self, follower: Follower, server: DemoServer) -> None:
        self._follower = follower
        self._server = server
        self.log: list[str] = []
        follower.on_running = self.strike

    def strike(self) -> None:
        """Called at every tick while the job runs and has made some progress."""
        view = self._follower.view
        if view is None or view.done < 1:
            return
        where = f"{view.stage} {view.done}/{view.total}"
        if not self.log:
            self.log.append(f"{self._server.kill_worker()} worker killed at {where}")
        elif len(self.log) == 1 and self._follower.starts > 1:
            self.log.append(f"server killed at {where}")
            self._server.kill()
            self._server.start()
