"""No call waits for ever, not even for a server that greets and then says nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgpack
import pytest
import zmq

from backend.server.about import describe
from shared.connection import MAX_RESENDS, Connection
from shared.errors import AcetateError
from shared.messages import OUR_PROTO, Health, Welcome
from shared.wire import encode


class MuteServer:
    """Welcomes everybody and answers no request; `asked` counts requests."""

    def __init__(self) -> None:
        self.asked = 0
        self._stop = threading.Event()
        self._context = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        port = self._router.bind_to_random_port("tcp://127.0.0.1")
        self.address = f"tcp://127.0.0.1:{port}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._router.close(linger=0)
        self._context.term()

    def _serve(self) -> None:
        info = describe(("cpu",))
        while not self._stop.is_set():
            if not self._router.poll(50):
                continue
            peer, _, header = self._router.recv_multipart()
            message = msgpack.unpackb(header)
            if message["t"] != "hello":
                self.asked += 1
                continue
            welcome = Welcome(re=message["id"], proto=OUR_PROTO, software="mute", server=info)
            self._router.send_multipart([peer, *encode(welcome)])


@pytest.fixture
def mute() -> Iterator[MuteServer]:
    server = MuteServer()
    yield server
    server.close()


def test_a_request_that_is_never_answered_is_sent_again_twice_and_then_given_up(
    mute: MuteServer,
) -> None:
    connection = Connection(mute.address, lambda: "secret", patience_s=60.0)
    connection.open(5.0)
    with pytest.raises(AcetateError) as caught:
        connection.ask(Health(id=0), timeout_s=0.2)
    connection.close()
    assert caught.value.name == "unreachable"
    assert mute.asked == 1 + MAX_RESENDS


def test_patience_ends_before_the_resends_where_it_is_shorter(mute: MuteServer) -> None:
    connection = Connection(mute.address, lambda: "secret", patience_s=0.1)
    connection.open(5.0)
    with pytest.raises(AcetateError) as caught:
        connection.ask(Health(id=0), timeout_s=0.3)
    connection.close()
    assert caught.value.name == "unreachable"
    assert mute.asked == 2
